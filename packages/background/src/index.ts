export {
  BackgroundProcessor,
  type BackgroundProcessorOptions,
  type NodeStatus,
} from "./backgroundProcessor.ts";
export { BumpTransactionHandler, type BumpTransactionHandlerOptions } from "./bumpTransactionHandler.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { EventHandler } from "./eventPump.ts";
export { readStoredRecords, type StoredRecords } from "./storedRecords.ts";

export {
  BackgroundProcessor,
  type BackgroundProcessorOptions,
  type NodeStatus,
} from "./backgroundProcessor.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { EventHandler } from "./eventPump.ts";
export { readStoredRecords, type StoredRecords } from "./storedRecords.ts";

export { HistoryTooLong, hidesOutputs } from "./historyTooLong.ts";
export { maxItems, tooManyItems } from "./itemLimit.ts";
export { locateBlock } from "./locateBlock.ts";
export type {
  HeaderTip,
  HistoryItem,
  OutputsAnswer,
  OutputsQuestion,
  TransactionClient,
} from "./transactionClient.ts";
export { TransactionSync, type TransactionSyncOptions } from "./transactionSync.ts";
export { WatchList } from "./watchList.ts";

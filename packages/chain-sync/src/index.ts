export { BroadcastQueue, type BroadcastQueueOptions } from "./broadcast/index.ts";
export type {
  BroadcastOutcome,
  ChainClients,
  ChainFollower,
  ChainGap,
  ChainSource,
  ChainTip,
  FeerateTable,
  MempoolListener,
  ScriptSource,
  SyncProgress,
} from "./chainSource.ts";
export { ChainSourceError, type ChainSourceErrorCode } from "./chainSourceError.ts";
export { FailoverSource, type FailoverSourceOptions, Member } from "./failover/index.ts";
export { FeeEstimates } from "./fees/index.ts";
export { CheckedHeaders, type KnownHeader } from "./headers/index.ts";
export { ChainUtxoLookup, type ChainUtxoLookupOptions } from "./utxo/index.ts";

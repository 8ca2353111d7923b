export type {
  BroadcastOutcome,
  ChainClients,
  ChainFollower,
  ChainSource,
  ChainTip,
  FeerateTable,
  MempoolListener,
  ScriptSource,
  SyncProgress,
} from "./chainSource.ts";
export { ChainSourceError, type ChainSourceErrorCode } from "./chainSourceError.ts";

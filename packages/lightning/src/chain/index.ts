export type {
  BlockLocator,
  BroadcasterInterface,
  Confirm,
  ConfirmationTarget,
  FeeEstimator,
  Filter,
  Listen,
  TransactionInBlock,
  TransactionType,
  WatchedOutput,
} from "./chainInterface.ts";
export type { EntropySource } from "./entropySource.ts";
export type { KVStore, KVStoreError, KvEntry, KvWrite } from "./kvStore.ts";
export type { NodeSigner } from "./nodeSigner.ts";

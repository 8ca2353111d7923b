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
export type { ChangeDestinationSource } from "./changeDestination.ts";
export {
  type ClaimId,
  type CoinSelection,
  type CoinSelectionRefusal,
  type CoinSelectionRequest,
  type CoinSelectionSource,
  claimIdOf,
  type Input,
  type PaidParent,
  type SignPsbtRefusal,
  type Utxo,
} from "./coinSelection.ts";
export type { EntropySource } from "./entropySource.ts";
export type { KVStore, KVStoreError, KvEntry, KvWrite } from "./kvStore.ts";
export type { Lease, LeasedStore } from "./lease.ts";
export type { NodeSigner, PhantomSigner } from "./nodeSigner.ts";
export { unsignedPsbt } from "./psbt.ts";

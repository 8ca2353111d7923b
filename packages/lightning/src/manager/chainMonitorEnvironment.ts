import type { BroadcasterInterface, FeeEstimator, Filter } from "../chain/chainInterface.ts";
import type { Logger } from "../handlers/logger.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import type { OutputSweeper } from "./outputSweeper.ts";

/** Signs for channels that are closing. `KeysManager` does. */
export interface MonitorSignerProvider {
  deriveChannelSigner(channelKeysId: Uint8Array): Pick<ChannelSigner, "point" | "sign"> & OutputSpendSigner;
  /** Where funds go that come back on chain. */
  destinationScript(channelKeysId: Uint8Array): Uint8Array;
}

/** What a `ChainMonitor` is given. */
export interface ChainMonitorEnvironment {
  readonly signerProvider: MonitorSignerProvider;
  readonly broadcaster: BroadcasterInterface;
  readonly feeEstimator: FeeEstimator;
  readonly logger: Logger;
  /** Absent when every block is given whole. */
  readonly filter?: Filter;
  /**
   * Whether the manager has a store of its own, as for a `Watch` elsewhere: outputs are handed over when
   * `outputsStored` says so. Default false: they are with the batch that has the monitors' writes.
   */
  readonly storesApart?: boolean;
  /**
   * Told of each output in the block in which it becomes the user's: it then sees every block that may have what spends
   * it, also when a node that comes back from a backup reads months at once. Its writes are committed with the
   * monitors': where `storesApart`, a sweeper is refused. Absent when outputs are taken from the event
   * `spendable-outputs`.
   */
  readonly sweeper?: Pick<OutputSweeper, "trackSpendableOutputs">;
}

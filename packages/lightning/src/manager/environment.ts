import type { Network } from "@fulmen/bitcoin/network";
import type { BroadcasterInterface, FeeEstimator, Filter } from "../chain/chainInterface.ts";
import type { EntropySource } from "../chain/entropySource.ts";
import type { NodeSigner } from "../chain/nodeSigner.ts";
import type { UserConfig } from "../channel/config.ts";
import type { Logger } from "../handlers/logger.ts";
import type { AnchorReserveSource } from "../onchain/anchorReserve.ts";
import type { Watch } from "../onchain/watch.ts";
import type { Router } from "../routing/route.ts";
import type { SignerProvider } from "../sign/channelSigner.ts";

/** All that a `ChannelManager` is given: each part the user's own or one of ours. */
export interface ManagerEnvironment {
  readonly network: Network;
  readonly config: UserConfig;
  readonly nodeSigner: NodeSigner;
  readonly signerProvider: SignerProvider;
  readonly entropy: EntropySource;
  readonly feeEstimator: FeeEstimator;
  readonly broadcaster: BroadcasterInterface;
  readonly watch: Watch;
  readonly router: Router;
  readonly logger: Logger;
  /**
   * Milliseconds that only rise, from anywhere: how long we hold HTLCs is told to their payers. Absent, 0 is told
   * (BOLT 4, "Initialization of attribution_data").
   */
  readonly clock?: { now(): number };
  /** Told which outputs to look for; absent when every block is given whole. */
  readonly filter?: Filter;
  /** Absent when the host sees to the reserve of its wallet itself. */
  readonly anchorReserve?: AnchorReserveSource;
}

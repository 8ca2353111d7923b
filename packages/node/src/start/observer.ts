import type { NodeStatus } from "@fulmen/background";
import type { SyncProgress } from "@fulmen/chain-sync";
import type { Event } from "@fulmen/lightning/handlers";

/** What the node does about what its parts tell. */
export interface PartsObserver {
  readonly event: (event: Event, index: number) => Promise<void>;
  readonly status: (status: NodeStatus) => void;
  readonly chainChanged: () => void;
  /** Told how far a long sync has come. */
  readonly progress: (progress: SyncProgress) => void;
  /** Resolves when a funding may be broadcast: whoever loses the store right after it has the channel in a backup. */
  readonly beforeFunding: () => Promise<void>;
}

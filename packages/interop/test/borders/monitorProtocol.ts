import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, TransactionType } from "@fulmen/lightning/chain";
import type { ChainBlock } from "@fulmen/testkit";
import type { FromKeeper, ToKeeper } from "./remoteWatch.ts";

/** How a process that keeps monitors is started; its only argument, as JSON. */
export interface MonitorProcessOptions {
  readonly seed: number;
  readonly storePath: string;
  /** Where a new store begins. */
  readonly tip: BlockLocator;
  /** The commit, from 1, at which the process kills itself; never when absent. */
  readonly diesAt?: number;
}

/** A block as it is told to a follower. */
export type ToldBlock = Pick<ChainBlock, "block" | "hash" | "height">;

/** What the process is told: by the manager, and by a chain source. */
export type ToMonitorProcess =
  | { readonly kind: "from-manager"; readonly message: ToKeeper }
  /** All blocks above the tip that the process asked from, or new ones. */
  | { readonly kind: "blocks"; readonly blocks: readonly ToldBlock[] };

/** What it says: to the manager, and to the chain. */
export type FromMonitorProcess =
  | { readonly kind: "to-manager"; readonly message: FromKeeper }
  | { readonly kind: "want-blocks"; readonly tip: BlockLocator }
  | {
      readonly kind: "broadcast";
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
    };

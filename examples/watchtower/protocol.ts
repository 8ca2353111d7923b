import type { TransactionType } from "@fulmen/lightning/chain";

/** What a node, or whoever has a copy of its monitor and a source of blocks, says to the tower. */
export type ToTower =
  /** The first thing: the keys' seed, and what `exportMonitor` has made. */
  | { readonly kind: "defend"; readonly seed: Uint8Array; readonly exported: Uint8Array }
  /** The next block, in the network's form. */
  | { readonly kind: "block"; readonly bytes: Uint8Array }
  /** The best chain leaves the one that the tower knows: the blocks above `height` are gone. */
  | { readonly kind: "disconnected"; readonly height: number };

/** What the tower answers: one message to each. */
export type FromTower =
  /** It is ready for the block after this one, or for the next one. */
  | {
      readonly kind: "watching";
      readonly height: number;
      /** To be put into the mempool, in the network's form, in this order. */
      readonly broadcasts: readonly { readonly transaction: Uint8Array; readonly type: TransactionType }[];
      /** How the channel ends, for people to read. */
      readonly timeline: readonly string[];
      /** Satoshis that nothing stands against any more, and that a wallet of the seed's finds at its own scripts. */
      readonly secured: bigint;
    }
  /** It does not take what it was given, and says why. What it knew before stands. */
  | { readonly kind: "refused"; readonly text: string };

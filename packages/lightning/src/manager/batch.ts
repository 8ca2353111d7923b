import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { TransactionType, WatchedOutput } from "../chain/chainInterface.ts";
import type { KvWrite } from "../chain/kvStore.ts";
import type { IndexedEvent } from "../handlers/event.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../onchain/watch.ts";
import type { ChannelId, NodeId, OutPoint } from "../util/ids.ts";
import type { LightningMessage } from "../wire/index.ts";

/** What happens outside once a batch is durable. Sends carry the connection's epoch and are dropped when it is over. */
export type Effect =
  | {
      readonly kind: "send";
      readonly nodeId: NodeId;
      readonly epoch: number;
      readonly message: LightningMessage;
    }
  | { readonly kind: "disconnect"; readonly nodeId: NodeId; readonly epoch: number }
  | {
      readonly kind: "broadcast";
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
    }
  | { readonly kind: "register-output"; readonly output: WatchedOutput }
  | { readonly kind: "event"; readonly event: IndexedEvent }
  /** Of these outputs a `Watch` elsewhere need not tell again. */
  | {
      readonly kind: "outputs-stored";
      readonly channelId: ChannelId;
      readonly outPoints: readonly OutPoint[];
    }
  /** An announcement of ours: into the own graph, and to all peers. */
  | { readonly kind: "gossip"; readonly message: LightningMessage };

/**
 * Whether an effect is built again from the records after a crash (`derived`), or may be lost (`expendable`). One of
 * the two must be true of every kind.
 */
export const effectDurability = {
  /** `channel_reestablish` makes both sides send again what the other lacks. */
  send: "derived",
  disconnect: "expendable",
  /** The funding transaction and closing transactions are part of the channel's record. */
  broadcast: "derived",
  "register-output": "derived",
  /** Rows of their own until they are acknowledged. */
  event: "derived",
  /** The `Watch` tells of them again, and the user may hear it twice. */
  "outputs-stored": "expendable",
  /** Updates are made anew; announcements follow from the channel's record. */
  gossip: "derived",
} as const satisfies Record<Effect["kind"], "derived" | "expendable">;

/**
 * All that the inputs since the last batch caused. The host commits `writes` atomically and then calls
 * `ChannelManager.batchCommitted`; only then does anything of it leave the node. See docs/durability.md.
 */
export interface Batch {
  /** Rises by one, through restarts too: it is also part of `writes`, and so says how far a store has come. */
  readonly sequence: number;
  readonly writes: readonly KvWrite[];
}

/** An effect, and the channel whose update must not have been refused for it to run. */
export interface OwnedEffect {
  readonly channelId?: ChannelId;
  readonly effect: Effect;
}

/** What one input caused. It may touch several channels: a claim on one settles another. */
export interface EffectGroup {
  /** Channels whose effects must keep their order. */
  readonly channels: readonly ChannelId[];
  readonly setups: readonly MonitorSetup[];
  readonly updates: readonly ChannelMonitorUpdate[];
  readonly effects: readonly OwnedEffect[];
}

/** What waits for a batch, input by input. */
export interface GatedBatch {
  readonly sequence: number;
  readonly groups: readonly EffectGroup[];
}

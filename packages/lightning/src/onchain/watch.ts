import type { KvWrite } from "../chain/kvStore.ts";
import type { Basepoints, ChannelParams } from "../commitment/params.ts";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import type { Point, Script } from "../util/bytes.ts";
import type { BlockHeight, ChannelId, NodeId, OutPoint, PaymentHash } from "../util/ids.ts";
import type { Sat } from "../util/units.ts";
import type { ChannelMonitorUpdate } from "./channelMonitorUpdate.ts";

/**
 * What a monitor is told when its channel's first commitments are signed: with the keys and the updates that follow,
 * all that is needed to defend the channel.
 */
export interface MonitorSetup {
  readonly channelId: ChannelId;
  readonly counterparty: NodeId;
  /** Derives the channel's keys through `SignerProvider`. */
  readonly channelKeysId: Uint8Array;
  readonly params: ChannelParams;
  readonly funding: {
    readonly outPoint: OutPoint;
    readonly capacity: Sat;
    readonly localKey: Point;
    readonly remoteKey: Point;
    readonly script: Script;
  };
  /** Blocks below it cannot have the funding transaction. */
  readonly bestHeight: BlockHeight;
  /** Our own basepoints, as `params.local` has them; here for watchtowers that hold no keys. */
  readonly basepoints: Basepoints;
  /** Both sides' first commitments, as update 1. */
  readonly initial: ChannelMonitorUpdate;
}

/**
 * `completed`: durable. `in-progress`: a `MonitorEvent` that says so follows. `refused`: the monitor locked itself,
 * since it signed or saw a commitment on chain; the channel is closing and what waited for the update is never
 * revealed.
 *
 * @ldk lightning::chain::ChannelMonitorUpdateStatus
 */
export type ChannelMonitorUpdateStatus = "completed" | "in-progress" | "refused";

/** What a monitor tells the manager. @ldk lightning::chain::channelmonitor::MonitorEvent */
export type MonitorEvent =
  /** An update that was in progress is durable, and with it all before it. */
  | { readonly kind: "completed"; readonly channelId: ChannelId; readonly updateId: number }
  /** An update that was in progress met a locked monitor. */
  | { readonly kind: "refused"; readonly channelId: ChannelId; readonly updateId: number }
  /** The monitor closes the channel by our commitment: the deadline of an HTLC came, and nobody else closed it. */
  | {
      readonly kind: "holder-force-closed";
      readonly channelId: ChannelId;
      /** Of the HTLC that was due first. */
      readonly paymentHash: PaymentHash;
    }
  /** Both sides' closing transaction is confirmed, whether we ever had the peer's signature of it or not. */
  | { readonly kind: "cooperative-close-confirmed"; readonly channelId: ChannelId }
  /** A commitment or an unknown transaction spent the funding output. */
  | { readonly kind: "commitment-confirmed"; readonly channelId: ChannelId }
  /** The chain revealed the preimage of an HTLC that we offered. */
  | {
      readonly kind: "preimage-seen";
      readonly channelId: ChannelId;
      readonly htlcId: bigint;
      readonly preimage: Uint8Array;
    }
  /** The chain settled an HTLC that we offered against the peer: it may be failed upstream. */
  | { readonly kind: "htlc-timed-out"; readonly channelId: ChannelId; readonly htlcId: bigint }
  /**
   * Outputs that are ours alone from now on: final, and their delays over. Each is told of once; by a `Watch` elsewhere
   * again after a restart, until `outputsStored` says that the manager has them.
   */
  | {
      readonly kind: "spendable-outputs";
      readonly channelId: ChannelId;
      readonly counterparty: NodeId;
      readonly outputs: readonly SpendableOutputDescriptor[];
      /** The sweeper has them already: see `ChainMonitorEnvironment.sweeper`. */
      readonly isTracked?: boolean;
    }
  /** Nothing is left of the channel on the chain, and that for long: it can be forgotten. */
  | { readonly kind: "resolved"; readonly channelId: ChannelId };

/**
 * Who watches the chain for the channels. Calls are idempotent: the outbox is replayed after a restart, and each update
 * is answered as it was before. Those of one channel come in the order of their ids, and none before what it names in
 * `after` is completed.
 *
 * @ldk lightning::chain::Watch
 */
export interface Watch {
  /**
   * Who makes setups and updates durable. `same-batch`: the manager, as rows of the monitor in the batch that has the
   * channel's own rows, so that each is `completed` at once. `elsewhere`: the `Watch`, where and when it likes; the
   * manager keeps each in its outbox until it is completed.
   */
  readonly durability: "same-batch" | "elsewhere";
  /**
   * Rows of a setup, and of all updates of one channel that a batch has, which the manager puts into that batch: of a
   * `Watch` of the same batch. They are asked for once each, in the order in which they are committed.
   */
  setupWrites?(setup: MonitorSetup): readonly KvWrite[];
  updateWrites?(updates: readonly ChannelMonitorUpdate[]): readonly KvWrite[];
  watchChannel(setup: MonitorSetup): ChannelMonitorUpdateStatus;
  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus;
  /** The last update that the monitor durably has, or `undefined` when it does not know the channel. */
  latestUpdateId(channelId: ChannelId): number | undefined;
  /** What happened since the last call. After a restart, of either side, all that still holds is told again. */
  takeMonitorEvents(): readonly MonitorEvent[];
  /**
   * Of a `Watch` elsewhere: these outputs, of which it told, are in the manager's store. Unknown ones change nothing.
   */
  outputsStored?(channelId: ChannelId, outPoints: readonly OutPoint[]): void;
}

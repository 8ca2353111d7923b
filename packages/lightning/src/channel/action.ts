import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { TransactionType } from "../chain/chainInterface.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { ClosureReason, Event } from "../handlers/event.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../onchain/watch.ts";
import type { SigningRequest } from "../sign/channelSigner.ts";
import type { Bytes32 } from "../util/bytes.ts";
import type { ChannelId, OutPoint, PaymentHash } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { LightningMessage } from "../wire/index.ts";
import type { HtlcSource, IncomingHtlc } from "./disposition.ts";
import type { ChannelRefusal } from "./error.ts";

/** What a step asks for. The manager puts the actions of all steps of one input into one durable batch. */
export type ChannelAction = OwnAction | CrossChannelAction;

/** What a step asks for its own channel. */
export type OwnAction =
  /** Ask the signer; its answer comes back as the input `signed`. */
  | { readonly kind: "request-signature"; readonly request: SigningRequest }
  /** The state must be durable before any effect of this step. `left` are rows that have left the table for good. */
  | { readonly kind: "persist"; readonly left: readonly Htlc[] }
  | { readonly kind: "watch-channel"; readonly setup: MonitorSetup }
  | { readonly kind: "watch-update"; readonly update: ChannelMonitorUpdate }
  | { readonly kind: "send"; readonly message: LightningMessage }
  | {
      readonly kind: "broadcast";
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
    }
  /** Register the funding output with the chain source. */
  | { readonly kind: "watch-funding"; readonly outPoint: OutPoint; readonly script: Uint8Array }
  /** The funding outpoint is known: the channel has its final id. */
  | { readonly kind: "set-channel-id"; readonly temporaryChannelId: ChannelId; readonly channelId: ChannelId }
  | { readonly kind: "event"; readonly event: Event }
  /** The command or message was refused; the state did not change. */
  | { readonly kind: "refused"; readonly refusal: ChannelRefusal }
  /** Close the connection after what was sent. */
  | { readonly kind: "disconnect" }
  | { readonly kind: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly text: string };

/** What concerns more than the channel itself: other channels, payments, the network. */
export type CrossChannelAction =
  /** An incoming HTLC is irrevocably added and undecided: read its onion. */
  | { readonly kind: "htlc-added"; readonly htlc: Htlc; readonly incoming: IncomingHtlc }
  /** The HTLCs first signed by this step: each forward's disposition is written in this same batch. */
  | {
      readonly kind: "htlcs-signed";
      readonly htlcs: readonly { readonly htlcId: bigint; readonly source: HtlcSource }[];
    }
  /** The peer fulfilled an HTLC of ours: the preimage goes upstream at once. */
  | {
      readonly kind: "htlc-fulfilled";
      readonly htlc: Htlc;
      readonly source: HtlcSource;
      readonly preimage: Bytes32;
    }
  /** The removal of an HTLC of ours is irrevocable. Only now may a failure go upstream. */
  | { readonly kind: "htlc-removed"; readonly htlc: Htlc; readonly source: HtlcSource }
  /** An HTLC of ours was offered, or waited to be, and never signed: its source decides anew. */
  | {
      readonly kind: "htlc-dropped";
      readonly amount: Msat;
      readonly source: HtlcSource;
      readonly paymentHash: PaymentHash;
    }
  /** The peer irrevocably removed an incoming HTLC; nothing about it is needed off chain any more. */
  | { readonly kind: "incoming-htlc-gone"; readonly htlc: Htlc }
  /** The channel can carry payments, or cannot any more: the manager updates its routes and `channel_update`. */
  | { readonly kind: "usability-changed" }
  /** Both `announcement_signatures` are there. */
  | { readonly kind: "announce"; readonly announcement: LightningMessage }
  | { readonly kind: "closed"; readonly reason: ClosureReason };

/** What `step` gives: a state, and what is to be done, in order. */
export interface ChannelStep<S> {
  readonly state: S;
  readonly actions: readonly ChannelAction[];
}

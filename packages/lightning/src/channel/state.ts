import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Commitments, FirstCommitments, LocalCommitment } from "../commitment/commitments.ts";
import type { DanceStep } from "../commitment/dance.ts";
import type { FormatName, PartyParams } from "../commitment/params.ts";
import type { ClosureReason } from "../handlers/event.ts";
import type { SigningRequest } from "../sign/channelSigner.ts";
import type { Point, Script, Signature } from "../util/bytes.ts";
import type { BlockHash, ChannelId, NodeId, OutPoint, ShortChannelId, Txid } from "../util/ids.ts";
import type { FeeratePerKw, Msat, Sat } from "../util/units.ts";
import type { ChannelType, Features, OpenChannel } from "../wire/index.ts";
import type { ChannelConfig, UserConfig } from "./config.ts";
import type { IncomingHtlc, OutgoingHtlc } from "./disposition.ts";
import type { ChannelInput } from "./input.ts";
import type { LocalKeys } from "./localKeys.ts";

/** What every channel has from its first message on. */
export interface ChannelIdentity {
  readonly counterparty: NodeId;
  /** The user's own number for the channel. */
  readonly userChannelId: bigint;
  readonly config: ChannelConfig;
  readonly announce: boolean;
  /** Ours, told to the peer in `channel_ready`; random, never that of a real output. */
  readonly localAlias: ShortChannelId;
  /** `option_scid_alias` is part of the channel type: the channel's real short channel id is told to nobody. */
  readonly scidPrivacy: boolean;
  /** Where a cooperative close pays us when nobody says otherwise. */
  readonly shutdownScript: Script;
  /** Of the peer's last `init`. */
  readonly remoteFeatures: Features;
}

/** Opener: `open_channel` is sent. */
export interface WaitForAcceptChannel {
  readonly kind: "wait-for-accept-channel";
  readonly identity: ChannelIdentity;
  readonly keys: LocalKeys;
  readonly open: OpenChannel;
  readonly format: FormatName;
  /** Formats still to be tried when the peer refuses this one, the best first. */
  readonly fallbacks: readonly FormatName[];
  readonly config: UserConfig;
  readonly ticks: number;
}

/** Acceptor: the user decides. */
export interface WaitForAcceptance {
  readonly kind: "wait-for-acceptance";
  readonly counterparty: NodeId;
  readonly remoteFeatures: Features;
  readonly open: OpenChannel;
  readonly format: FormatName;
  readonly channelType: ChannelType;
  /** Counted in ticks since the request; it lapses after two. */
  readonly ticks: number;
}

/** Both sides' parameters of an opening, before the funding outpoint is known. */
export interface AgreedOpening {
  readonly identity: ChannelIdentity;
  readonly keys: LocalKeys;
  readonly format: FormatName;
  readonly temporaryChannelId: ChannelId;
  readonly isOpener: boolean;
  readonly capacity: Sat;
  readonly pushed: Msat;
  readonly feerate: FeeratePerKw;
  readonly local: PartyParams;
  readonly remote: PartyParams;
  readonly remoteFundingKey: Point;
  readonly remoteFirstPoint: Point;
  /** Confirmations before either side calls the channel ready. */
  readonly minimumDepth: number;
}

/** Opener: the peer accepted; the user builds the funding transaction. */
export interface WaitForFundingTransaction {
  readonly kind: "wait-for-funding-transaction";
  readonly opening: AgreedOpening;
  readonly ticks: number;
}

/** Acceptor: `accept_channel` is sent. */
export interface WaitForFundingCreated {
  readonly kind: "wait-for-funding-created";
  readonly opening: AgreedOpening;
  readonly ticks: number;
}

/** Opener: `funding_created` is sent. Nothing is stored yet: the funding transaction has not left us. */
export interface WaitForFundingSigned {
  readonly kind: "wait-for-funding-signed";
  readonly opening: AgreedOpening;
  readonly channelId: ChannelId;
  readonly fundingTransaction: Transaction;
  readonly funding: OutPoint;
  readonly ticks: number;
}

export type UnfundedState =
  | WaitForAcceptChannel
  | WaitForAcceptance
  | WaitForFundingTransaction
  | WaitForFundingCreated
  | WaitForFundingSigned;

/** What was exchanged on the present connection; nothing, without one. */
export interface Exchanged {
  /** Our `shutdown`: sent again on every connection (BOLT 2, "Message Retransmission"). */
  readonly shutdownSent: boolean;
  /** The peer's: negotiation does not start again before. */
  readonly shutdownReceived: boolean;
  readonly announcementSignaturesSent: boolean;
}

/** A new connection. */
export const nothingExchanged: Exchanged = {
  shutdownSent: false,
  shutdownReceived: false,
  announcementSignaturesSent: false,
};

/** Where the funding transaction is. */
export type FundingStatus =
  | { readonly kind: "unconfirmed" /** Best height when the funding was signed. */; readonly since: number }
  | {
      readonly kind: "confirmed";
      readonly height: number;
      readonly blockHash: BlockHash;
      /** Index of the transaction in its block: part of the short channel id. */
      readonly txIndex: number;
    };

/** What every funded channel has. */
export interface FundedChannel {
  readonly identity: ChannelIdentity;
  readonly channelKeysId: Uint8Array;
  readonly temporaryChannelId: ChannelId;
  readonly commitments: Commitments;
  readonly minimumDepth: number;
  readonly fundingStatus: FundingStatus;
  /** Ours to broadcast again until it confirms; absent when the peer funded. */
  readonly fundingTransaction?: Transaction;
  /** Whether our `channel_ready` has left. */
  readonly localReady: boolean;
  /** Whether the peer's `channel_ready` has come. */
  readonly remoteReady: boolean;
  readonly remoteAlias?: ShortChannelId;
  /** Of `announcement_signatures`; both are needed to announce. */
  readonly announcementSignatures: {
    readonly local?: { readonly node: Signature; readonly bitcoin: Signature };
    readonly remote?: { readonly node: Signature; readonly bitcoin: Signature };
  };
  readonly incoming: readonly IncomingHtlc[];
  readonly outgoing: readonly OutgoingHtlc[];
  /** Id of the last `ChannelMonitorUpdate`. */
  readonly lastUpdateId: number;
  /** `local` is ours from the moment that we are to close, whether the peer was told already or not. */
  readonly shutdown: { readonly local?: Script; readonly remote?: Script };
  readonly exchanged: Exchanged;
  /** Who asked first for the cooperative close, once one did. */
  readonly closeInitiator?: "local" | "remote";
  /** A closing feerate that the user chose. */
  readonly closingFeerate?: FeeratePerKw;
}

/** Waits for confirmations and for both `channel_ready`. */
export interface WaitForChannelReady {
  readonly kind: "wait-for-channel-ready";
  readonly channel: FundedChannel;
}

export interface Normal {
  readonly kind: "normal";
  readonly channel: FundedChannel;
}

/** At least one side wants to close; HTLCs or updates are still there. */
export interface ShuttingDown {
  readonly kind: "shutting-down";
  readonly channel: FundedChannel;
}

/** One cooperative close that we signed. Each one that ever was is kept: any of them may confirm. */
export interface SignedClosing {
  readonly transaction: Transaction;
  readonly fee: Sat;
}

/** The fees of a cooperative close that one side would take. */
export interface FeeRange {
  readonly minFeeSatoshis: Sat;
  readonly maxFeeSatoshis: Sat;
}

/** Only `closing_signed` is left to exchange. */
export interface Negotiating {
  readonly kind: "negotiating";
  readonly channel: FundedChannel;
  readonly proposals: readonly SignedClosing[];
  /** What we proposed last on this connection. */
  readonly localFee?: Sat;
  /** The range that we told with it: it binds us whatever feerates are estimated since. */
  readonly localRange?: FeeRange;
  /** Since the last progress. */
  readonly ticks: number;
}

/** Off chain, all is over; the monitor sees to the rest. */
export interface Closing {
  readonly kind: "closing";
  readonly channel: FundedChannel;
  readonly reason: ClosureReason;
  readonly proposals: readonly SignedClosing[];
  /** The fully signed cooperative close, if one was reached. */
  readonly closingTransaction?: Transaction;
}

export type ConnectedState = WaitForChannelReady | Normal | ShuttingDown | Negotiating;

/** No connection to the peer. */
export interface Offline {
  readonly kind: "offline";
  readonly inner: ConnectedState;
}

/** `channel_reestablish` is sent, the peer's has not come. */
export interface Syncing {
  readonly kind: "syncing";
  readonly inner: ConnectedState;
}

/** The peer proved that our state is old: it must close, we never broadcast (BOLT 2, "Message Retransmission"). */
export interface WaitForRemoteClose {
  readonly kind: "wait-for-remote-close";
  readonly channel: FundedChannel;
}

/** A state that is not awaiting the signer. */
export type RestingState =
  | UnfundedState
  | ConnectedState
  | Offline
  | Syncing
  | Closing
  | WaitForRemoteClose
  | Ended;

/** Nothing is left; the manager forgets the channel. */
export interface Ended {
  readonly kind: "ended";
}

/**
 * The channel asked its signer and takes no step before the answer. Other inputs wait in `stash` in their order;
 * the peer is not read from meanwhile. A disconnection drops the request: the state before it counts.
 */
export interface AwaitingSigner {
  readonly kind: "awaiting-signer";
  readonly before: RestingState;
  readonly request: SigningRequest;
  readonly continuation: SignerContinuation;
  /** Asked for one after the other once this one is answered. */
  readonly later: readonly SigningTask[];
  readonly stash: readonly ChannelInput[];
}

/** A request to the signer and what to do with the answer. */
export interface SigningTask {
  readonly request: SigningRequest;
  readonly continuation: SignerContinuation;
}

/** What to do with the signer's answer: data, so that a waiting channel can be recorded and replayed. */
export type SignerContinuation =
  | {
      readonly kind: "send-funding-created";
      readonly fundingTransaction: Transaction;
      readonly funding: OutPoint;
    }
  /** `first` has the peer's verified signature of ours. */
  | { readonly kind: "send-funding-signed"; readonly first: FirstCommitments }
  /** Sign the peer's next commitment; `txids` for each active funding. */
  | {
      readonly kind: "send-commitment";
      readonly txids: readonly Txid[];
    }
  /** The same commitment once more, after a reconnection; the updates it covers are sent before it. */
  | { readonly kind: "resend-commitment" }
  /** `signed` are the peer's verified signatures of our next commitment; answering revokes the present one. */
  | {
      readonly kind: "send-revocation";
      readonly received: DanceStep;
      readonly signed: readonly LocalCommitment[];
    }
  | { readonly kind: "resend-revocation" }
  | {
      readonly kind: "send-closing";
      readonly fee: Sat;
      readonly transaction: Transaction;
      readonly feeRange: FeeRange;
      /** The peer signed the same transaction: with our signature the close is complete. `reply` unless it has ours. */
      readonly agreed?: { readonly remoteSignature: Signature; readonly reply: boolean };
    }
  | { readonly kind: "send-announcement-signatures" };

export type ChannelState = RestingState | AwaitingSigner;

/** The funded channel inside of a state, or `undefined` before the funding is signed and after the end. */
export function fundedChannel(state: ChannelState): FundedChannel | undefined {
  switch (state.kind) {
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "negotiating":
    case "closing":
    case "wait-for-remote-close":
      return state.channel;
    case "offline":
    case "syncing":
      return state.inner.channel;
    case "awaiting-signer":
      return fundedChannel(state.before);
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
    case "ended":
      return undefined;
  }
}

/** `state` with another channel inside; states that hold none stay as they are. */
export function withFundedChannel(state: RestingState, channel: FundedChannel): RestingState {
  switch (state.kind) {
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "negotiating":
    case "closing":
    case "wait-for-remote-close":
      return { ...state, channel };
    case "offline":
    case "syncing":
      return { ...state, inner: { ...state.inner, channel } };
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
    case "ended":
      return state;
  }
}

/** `state` with its channel changed. */
export function withChannel<S extends ConnectedState>(state: S, channel: FundedChannel): S {
  return channel === state.channel ? state : { ...state, channel };
}

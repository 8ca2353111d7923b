import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { FormatName } from "../commitment/params.ts";
import type { UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { SigningAnswer } from "../sign/channelSigner.ts";
import type { Point, Script } from "../util/bytes.ts";
import type { BlockHash, ChannelId, NodeId, PaymentHash, ShortChannelId } from "../util/ids.ts";
import type { FeeratePerKw, Msat, Sat } from "../util/units.ts";
import type { Features, LightningMessage } from "../wire/index.ts";
import type { ChannelConfig, ChannelFeerates, UserConfig } from "./config.ts";
import type { Disposition, HtlcToSend, Resolution } from "./disposition.ts";
import type { LocalKeys } from "./localKeys.ts";

/** What a user or the manager asks a channel to do. A refused command changes nothing. */
export type ChannelCommand =
  | {
      readonly kind: "open";
      readonly temporaryChannelId: ChannelId;
      readonly counterparty: NodeId;
      readonly remoteFeatures: Features;
      readonly userChannelId: bigint;
      readonly funding: Sat;
      readonly push: Msat;
      /** The best first; usually what the config says and the peer supports. */
      readonly formats: readonly FormatName[];
      readonly keys: LocalKeys;
      readonly localAlias: ShortChannelId;
      /** Where a cooperative close pays us; committed to at the opening when `config` says so. */
      readonly shutdownScript: Script;
      /** The peer need not keep a reserve: only for one that is trusted not to cheat. */
      readonly zeroReserve?: boolean;
      readonly config: UserConfig;
    }
  | {
      readonly kind: "accept";
      readonly userChannelId: bigint;
      readonly keys: LocalKeys;
      readonly localAlias: ShortChannelId;
      /** Where a cooperative close pays us; committed to at the opening when the node's settings say so. */
      readonly shutdownScript: Script;
      /** Take the channel as ready without confirmations: only from peers that are trusted with the funding. */
      readonly zeroConf: boolean;
      /** The peer need not keep a reserve: only for one that is trusted not to cheat. */
      readonly zeroReserve?: boolean;
    }
  | { readonly kind: "reject"; readonly reason: string }
  | { readonly kind: "fund"; readonly transaction: Transaction }
  | { readonly kind: "add-htlc"; readonly htlc: HtlcToSend }
  | { readonly kind: "update-fee"; readonly feerate: FeeratePerKw }
  /**
   * After a reconnection, once both sides are in step: tell the peer what it was not told yet. Given by the channel
   * itself.
   */
  | { readonly kind: "resume" }
  /** Sign what has changed, if anything has and the peer does not owe a revocation. */
  | { readonly kind: "sign" }
  /** Cooperative close. `feerate` is the opener's wish. */
  | { readonly kind: "shutdown"; readonly script: Script; readonly feerate: FeeratePerKw | undefined }
  | { readonly kind: "force-close"; readonly message: string }
  | RecordCommand;

/** Commands that note a fact about the channel. The peer need not hear of it at once, or ever. */
export type RecordCommand =
  /** Decides an incoming HTLC that is not resolved yet. */
  | { readonly kind: "set-disposition"; readonly htlcId: bigint; readonly disposition: Disposition }
  /**
   * Ends an incoming HTLC. Resolving it again is a no-op; a preimage wins over a failure that has not left yet. With
   * `later`, the peer is told when it is resolved once more without, or with the next connection.
   */
  | {
      readonly kind: "resolve-htlc";
      readonly htlcId: bigint;
      readonly resolution: Resolution;
      readonly monitor: PreimageForMonitor | undefined;
      readonly later?: true;
    }
  /** Notes which upstream update stored the preimage of an outgoing HTLC. */
  | { readonly kind: "set-upstream"; readonly htlcId: bigint; readonly upstream: UpdateRef }
  /** Notes that all which follows from an outgoing HTLC's end on the chain was done. */
  | { readonly kind: "settle-on-chain"; readonly htlcId: bigint }
  | { readonly kind: "update-config"; readonly config: ChannelConfig };

/** What the monitor learns when an incoming HTLC is fulfilled. */
export interface PreimageForMonitor {
  readonly parts: readonly { readonly channelId: ChannelId; readonly htlcId: bigint }[];
  readonly after: readonly { readonly channelId: ChannelId; readonly updateId: number }[];
}

/** All that a channel ever reacts to. */
export type ChannelInput =
  | {
      readonly kind: "message";
      readonly message: LightningMessage;
      /** With `channel_reestablish` only: our point of the commitment whose secret the peer shows in it. */
      readonly ourPoint?: Point;
    }
  | { readonly kind: "command"; readonly command: ChannelCommand }
  | { readonly kind: "signed"; readonly answer: SigningAnswer }
  | { readonly kind: "connected"; readonly remoteFeatures: Features }
  | { readonly kind: "disconnected" }
  /** About once a minute. */
  | { readonly kind: "tick" }
  | ChainInput;

/** Who closed a channel on chain: one side alone, or both together. */
export type FundingSpentBy = "commitment" | "closing-transaction";

/** What the chain does to a channel, as its monitor and its chain source see it. */
export type ChainInput =
  /** The funding transaction is in the block. A reorganisation says `funding-unconfirmed` first. */
  | {
      readonly kind: "funding-confirmed";
      readonly transaction: Transaction;
      readonly height: number;
      readonly blockHash: BlockHash;
      readonly txIndex: number;
    }
  | { readonly kind: "funding-unconfirmed" }
  /** The monitor saw the funding output spent; or is about to spend it by our commitment, since an HTLC is due. */
  | { readonly kind: "funding-spent"; readonly by: FundingSpentBy; readonly dueHtlc?: PaymentHash }
  /** The monitor refused an update. */
  | { readonly kind: "watch-refused" }
  | { readonly kind: "new-block" };

/** The world as a step sees it: plain data, no function that could answer differently twice. */
export interface ChannelContext {
  readonly ourNodeId: NodeId;
  readonly ourFeatures: Features;
  /** The genesis hash of the chain. */
  readonly chainHash: BlockHash;
  readonly bestHeight: number;
  readonly feerates: ChannelFeerates;
  readonly config: UserConfig;
}

import type {
  Closing,
  FundedChannel,
  FundingStatus,
  Negotiating,
  SignedClosing,
} from "../../channel/state.ts";
import { array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  bool,
  chainHash,
  channelId,
  feerate32,
  rest,
  restScript,
  sat64,
  shortChannelId,
  signature,
  u32,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import { type StoredTerms, storedTerms } from "./commitments.ts";
import { closureReason } from "./event.ts";
import { layout, nameOf, needed, nested, possible, record, union } from "./layouts.ts";
import { channelIdentity } from "./params.ts";
import { transaction } from "./values.ts";

type Announcement = FundedChannel["announcementSignatures"];

/**
 * What rarely changes of a funded channel: all but what has rows of its own (most of `commitments`, `incoming`,
 * `outgoing`) and what belongs to one connection.
 */
export type StoredChannel = Omit<
  FundedChannel,
  "commitments" | "incoming" | "outgoing" | "exchanged" | "lastUpdateId"
> & {
  readonly terms: StoredTerms;
};

/** What the channel is doing, without what belongs to one connection. */
export type StoredPhase =
  | { readonly kind: "wait-for-channel-ready" }
  | { readonly kind: "normal" }
  | { readonly kind: "shutting-down" }
  | Pick<Negotiating, "kind" | "proposals">
  | Omit<Closing, "channel">
  | { readonly kind: "wait-for-remote-close" };

/** The record `channel/<id>/core`. */
export interface ChannelCore {
  readonly phase: StoredPhase;
  readonly channel: StoredChannel;
}

const fundingStatus: Codec<FundingStatus> = union<FundingStatus>("funding_status", {
  unconfirmed: [0, { since: needed(0, u32) }],
  confirmed: [1, { height: needed(0, u32), blockHash: needed(2, chainHash), txIndex: needed(4, u32) }],
});

const signaturePair = struct("announcement_signatures", { node: signature, bitcoin: signature });

const announcementSignatures: Codec<Announcement> = nested<Announcement>("announcement_signatures", {
  local: possible(0, signaturePair),
  remote: possible(2, signaturePair),
});

const shutdownScripts: Codec<FundedChannel["shutdown"]> = nested<FundedChannel["shutdown"]>("shutdown", {
  local: possible(0, restScript),
  remote: possible(2, restScript),
});

const signedClosings: Codec<readonly SignedClosing[]> = array16(
  nested<SignedClosing>("signed_closing", { transaction: needed(0, transaction), fee: needed(2, sat64) }),
);

const phase: Codec<StoredPhase> = union<StoredPhase>("phase", {
  "wait-for-channel-ready": [0, {}],
  normal: [1, {}],
  "shutting-down": [2, {}],
  negotiating: [3, { proposals: needed(0, signedClosings) }],
  closing: [
    4,
    {
      reason: needed(0, closureReason),
      proposals: needed(2, signedClosings),
      closingTransaction: possible(4, transaction),
    },
  ],
  "wait-for-remote-close": [5, {}],
});

const storedChannel: Codec<StoredChannel> = nested<StoredChannel>("channel", {
  identity: needed(0, channelIdentity),
  channelKeysId: needed(2, rest),
  temporaryChannelId: needed(4, channelId),
  terms: needed(6, storedTerms),
  minimumDepth: needed(8, u32),
  fundingStatus: needed(10, fundingStatus),
  fundingTransaction: possible(12, transaction),
  localReady: needed(14, bool),
  remoteReady: needed(16, bool),
  remoteAlias: possible(18, shortChannelId),
  announcementSignatures: needed(20, announcementSignatures),
  shutdown: needed(22, shutdownScripts),
  closeInitiator: possible(24, nameOf<"local" | "remote">("initiator", { local: 0, remote: 1 })),
  closingFeerate: possible(26, feerate32),
});

export const channelCore: Codec<ChannelCore> = record(
  layout<ChannelCore>("channel_core", {
    phase: needed(0, phase),
    channel: needed(2, storedChannel),
  }),
);

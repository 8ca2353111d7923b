import { crypto } from "@fulmen/bitcoin/crypto";
import type { ActiveFunding } from "../../commitment/commitments.ts";
import { fromHex, noBytes, type Signature } from "../../util/bytes.ts";
import type { ShortChannelId } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import {
  type AnnouncementSignatures,
  type ChannelAnnouncement,
  encodeMessage,
  type LightningMessage,
} from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { announcementDepth } from "../deadlines.ts";
import { refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import { type Outcome, unchanged } from "../outcome.ts";
import { type ConnectedState, type FundedChannel, type SigningTask, withChannel } from "../state.ts";
import { type AnswerOf, type ChannelChange, fundingOutput, send } from "./commit.ts";
import { confirmations, realShortChannelId } from "./confirmations.ts";
import { punish } from "./forceClose.ts";

interface Signatures {
  readonly node: Signature;
  readonly bitcoin: Signature;
}

/**
 * Asks for our signatures of the channel's announcement once they are due (BOLT 7, "The announcement_signatures
 * Message"): the channel is ready on both sides and closing on none, and no reorganisation will move its funding.
 */
export function announcementTasks(ctx: ChannelContext, state: ConnectedState): readonly SigningTask[] {
  const { channel } = state;
  const { shutdown, announcementSignatures } = channel;
  const due =
    state.kind === "normal" &&
    mayBeAnnounced(channel) &&
    announcementSignatures.local === undefined &&
    shutdown.local === undefined &&
    shutdown.remote === undefined &&
    confirmations(ctx, channel) >= announcementDepth;
  if (!due) return [];
  const shortChannelId = present(realShortChannelId(channel), "a confirmed funding");
  const announcement = signedPart(unsigned(ctx, channel, shortChannelId));
  const funding = fundingOutput(first(channel));
  return [
    {
      request: { kind: "channel-announcement", funding, announcement },
      continuation: { kind: "send-announcement-signatures" },
    },
  ];
}

/** The signer gave our signatures: they go out, and with the peer's the announcement is complete. */
export function sendAnnouncementSignatures(
  ctx: ChannelContext,
  channel: FundedChannel,
  answer: AnswerOf<"channel-announcement">,
): ChannelChange {
  const local = { node: answer.nodeSignature, bitcoin: answer.bitcoinSignature };
  const signed = { ...channel, announcementSignatures: { ...channel.announcementSignatures, local } };
  const sent = tellSignatures(signed);
  return {
    channel: sent.channel,
    actions: [{ kind: "persist", left: [] }, ...sent.actions, ...announceAction(ctx, sent.channel)],
  };
}

/** After a reconnection: ours once more when the peer's have not come, for the peer may lack ours as well. */
export function resendAnnouncementSignatures(channel: FundedChannel): ChannelChange {
  const { announcementSignatures, exchanged } = channel;
  const lacking = announcementSignatures.local !== undefined && announcementSignatures.remote === undefined;
  return lacking && !exchanged.announcementSignaturesSent && mayBeAnnounced(channel)
    ? tellSignatures(channel)
    : { channel, actions: [] };
}

/** The peer's signatures. Some that come too early are not kept: the peer sends them again on the next connection. */
export function receiveAnnouncementSignatures<S extends ConnectedState>(
  ctx: ChannelContext,
  state: S,
  message: AnnouncementSignatures,
): Outcome {
  const { channel } = state;
  const log = (text: string): Outcome => unchanged(state, { kind: "log", level: "debug", text });
  if (!mayBeAnnounced(channel)) return log("announcement_signatures for a channel that stays private");
  const shortChannelId = realShortChannelId(channel);
  if (shortChannelId === undefined) return log("announcement_signatures before the funding confirmed");
  if (message.shortChannelId !== shortChannelId) {
    const text = `announcement_signatures for ${message.shortChannelId}, the channel is ${shortChannelId}`;
    return punish(state, refusal("warn", "wrong-short-channel-id", text));
  }
  const remote = { node: message.nodeSignature, bitcoin: message.bitcoinSignature };
  const hash = crypto().hash256(signedPart(unsigned(ctx, channel, shortChannelId)));
  const { counterparty } = channel.identity;
  const valid =
    crypto().ecdsaVerify(remote.node, hash, fromHex(counterparty)) &&
    crypto().ecdsaVerify(remote.bitcoin, hash, first(channel).remoteKey);
  if (!valid) {
    const text = "announcement_signatures do not sign the channel's announcement";
    return punish(state, refusal("close", "invalid-announcement-signature", text));
  }
  const { local, remote: known } = channel.announcementSignatures;
  if (known !== undefined) {
    // The peer lacks ours: it asks by sending its own again. Answered once on a connection, or two such nodes never
    // end.
    if (local === undefined || channel.exchanged.announcementSignaturesSent) return unchanged(state);
    const again = tellSignatures(channel);
    return { state: withChannel(state, again.channel), actions: again.actions };
  }
  const complete = { ...channel, announcementSignatures: { ...channel.announcementSignatures, remote } };
  return {
    state: withChannel(state, complete),
    actions: [{ kind: "persist", left: [] }, ...announceAction(ctx, complete)],
  };
}

/** Whether both sides want the channel known. */
function mayBeAnnounced({ identity, localReady, remoteReady }: FundedChannel): boolean {
  return identity.announce && !identity.scidPrivacy && localReady && remoteReady;
}

function tellSignatures(channel: FundedChannel): ChannelChange {
  const shortChannelId = realShortChannelId(channel);
  const { local } = channel.announcementSignatures;
  if (shortChannelId === undefined || local === undefined) return { channel, actions: [] };
  const message: LightningMessage = {
    type: "announcement_signatures",
    channelId: channel.commitments.channelId,
    shortChannelId,
    nodeSignature: local.node,
    bitcoinSignature: local.bitcoin,
  };
  const exchanged = { ...channel.exchanged, announcementSignaturesSent: true };
  return { channel: { ...channel, exchanged }, actions: [send(message)] };
}

function announceAction(ctx: ChannelContext, channel: FundedChannel): readonly ChannelAction[] {
  const announcement = channelAnnouncement(ctx, channel);
  return announcement === undefined ? [] : [{ kind: "announce", announcement }];
}

/** What tells the network of the channel, once both sides have signed it. */
export function channelAnnouncement(
  ctx: ChannelContext,
  channel: FundedChannel,
): ChannelAnnouncement | undefined {
  const { local, remote } = channel.announcementSignatures;
  const shortChannelId = realShortChannelId(channel);
  if (local === undefined || remote === undefined || shortChannelId === undefined) return undefined;
  return announcementOf(ctx, channel, { shortChannelId, local, remote });
}

/** `channel_announcement`: the node with the lesser id comes first, and its keys and signatures with it (BOLT 7). */
function announcementOf(
  ctx: ChannelContext,
  channel: FundedChannel,
  by: { readonly shortChannelId: ShortChannelId; readonly local: Signatures; readonly remote: Signatures },
): ChannelAnnouncement {
  const { localKey, remoteKey } = first(channel);
  const we = { id: ctx.ourNodeId, key: localKey, signatures: by.local };
  const peer = { id: channel.identity.counterparty, key: remoteKey, signatures: by.remote };
  const [one, two] = we.id < peer.id ? [we, peer] : [peer, we];
  return {
    type: "channel_announcement",
    nodeSignature1: one.signatures.node,
    nodeSignature2: two.signatures.node,
    bitcoinSignature1: one.signatures.bitcoin,
    bitcoinSignature2: two.signatures.bitcoin,
    features: noBytes,
    chainHash: ctx.chainHash,
    shortChannelId: by.shortChannelId,
    nodeId1: one.id,
    nodeId2: two.id,
    bitcoinKey1: one.key,
    bitcoinKey2: two.key,
    unknownFields: noBytes,
  };
}

function unsigned(
  ctx: ChannelContext,
  channel: FundedChannel,
  shortChannelId: ShortChannelId,
): ChannelAnnouncement {
  const none = new Uint8Array(64) as Signature;
  const blank = { node: none, bitcoin: none };
  return announcementOf(ctx, channel, { shortChannelId, local: blank, remote: blank });
}

/** What is signed of an announcement: all behind its type and its four signatures. */
function signedPart(announcement: ChannelAnnouncement): Uint8Array {
  return encodeMessage(announcement).slice(2 + 4 * 64);
}

function first({ commitments }: FundedChannel): ActiveFunding {
  return present(commitments.fundings[0], "a funding");
}

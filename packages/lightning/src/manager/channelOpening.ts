import type { ChannelHandshakeConfig } from "../channel/config.ts";
import type { LocalKeys } from "../channel/localKeys.ts";
import { openChannel } from "../channel/openChannel.ts";
import { complaint } from "../channel/ops/forceClose.ts";
import { allowsZeroReserve } from "../channel/ops/openingTerms.ts";
import { receiveOpenChannel } from "../channel/receiveOpenChannel.ts";
import type { FormatName } from "../commitment/params.ts";
import type { ChannelMessage } from "../handlers/index.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { Script } from "../util/bytes.ts";
import {
  type ChannelId,
  channelIdOf,
  commitmentNumber,
  type NodeId,
  type ShortChannelId,
} from "../util/ids.ts";
import { shortChannelId } from "../util/shortChannelId.ts";
import { type Msat, type Sat, zeroSat } from "../util/units.ts";
import type { OpenChannel } from "../wire/index.ts";
import { checkAnchorReserve } from "./anchorReserveCheck.ts";
import { ApiError } from "./apiError.ts";
import { isUnfunded } from "./channelDetails.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { ManagerCore } from "./managerCore.ts";

/** Channels without a confirmed funding that one peer may have with us. @ldk MAX_UNFUNDED_CHANS_PER_PEER */
const maxUnfundedPerPeer = 4;
/** Peers without a confirmed channel that may have unfunded ones. @ldk MAX_UNFUNDED_CHANNEL_PEERS */
const maxPeersWithUnfunded = 50;

/** Begins a channel with a connected peer; gives its temporary id. */
export function createChannel(
  core: ManagerCore,
  request: {
    readonly counterparty: NodeId;
    readonly funding: Sat;
    readonly push: Msat;
    readonly userChannelId: bigint;
    readonly announce?: boolean;
    readonly formats?: readonly FormatName[];
    readonly zeroReserve?: boolean;
  },
): ChannelId {
  const { channels, environment } = core;
  const { counterparty, funding, push, userChannelId } = request;
  const peer = channels.peers.connection(counterparty);
  if (peer === undefined) {
    throw new ApiError("peer-not-connected", `${counterparty} is not connected: connect first`);
  }
  const { signer, keys } = newKeys(environment, false);
  const { config } = environment;
  const handshake = config.channelHandshakeConfig;
  const { announce = handshake.announceForForwarding, zeroReserve = false } = request;
  const formats = request.formats ?? formatsOf(handshake);
  const temporaryChannelId = channelIdOf(environment.entropy.randomBytes(32));
  const opened = openChannel(channels.context, {
    kind: "open",
    temporaryChannelId,
    counterparty,
    remoteFeatures: peer.features,
    userChannelId,
    funding,
    push,
    formats: zeroReserve ? formats.filter(allowsZeroReserve) : formats,
    zeroReserve,
    keys,
    localAlias: newAlias(core),
    shutdownScript: environment.signerProvider.shutdownScript() as Script,
    config: { ...config, channelHandshakeConfig: { ...handshake, announceForForwarding: announce } },
  });
  if (!opened.ok) throw new ApiError("channel-refused", opened.error.text);
  const { format, fallbacks } = opened.value.state;
  checkAnchorReserve(core, { formats: [format, ...fallbacks], funding, beside: "paid-for" });
  channels.add(temporaryChannelId, { state: opened.value.state, written: undefined, counterparty, signer });
  channels.perform(temporaryChannelId, opened.value.actions);
  return temporaryChannelId;
}

/** The user takes a peer's channel. */
export function acceptChannel(
  core: ManagerCore,
  temporaryChannelId: ChannelId,
  options: {
    readonly userChannelId: bigint;
    readonly zeroConf: boolean;
    readonly zeroReserve: boolean;
    readonly withoutAnchorReserve: boolean;
  },
): void {
  const { channels, environment } = core;
  const { withoutAnchorReserve, ...terms } = options;
  const entry = channels.get(temporaryChannelId);
  if (entry?.state.kind !== "wait-for-acceptance") {
    throw new ApiError(
      "channel-unavailable",
      `no peer waits for an answer about channel ${temporaryChannelId}`,
    );
  }
  if (!withoutAnchorReserve)
    checkAnchorReserve(core, { formats: [entry.state.format], funding: zeroSat, beside: "all" });
  const { signer, keys } = newKeys(environment, true);
  entry.signer = signer;
  const refusal = channels.command(temporaryChannelId, {
    kind: "accept",
    ...terms,
    keys,
    localAlias: newAlias(core),
    shutdownScript: environment.signerProvider.shutdownScript() as Script,
  });
  if (refusal !== undefined) throw new ApiError("channel-refused", refusal.text);
}

/** A message of a peer about channels: a new one, one that we have, or one that we do not know. */
export function inboundOpen(core: ManagerCore, nodeId: NodeId, message: ChannelMessage): void {
  const { channels } = core;
  switch (message.type) {
    case "open_channel":
      receiveOpen(core, nodeId, message);
      return;
    case "channel_update":
      core.counterpartyTerms.take(nodeId, message);
      return;
    case "peer_storage":
    case "peer_storage_retrieval":
      return;
    case "error":
    case "warning": {
      // An id of zeros means every channel with the peer (BOLT 1, "The error and warning Messages").
      const all = /^0+$/.test(message.channelId);
      for (const id of channels.peers.channelsOf(nodeId)) {
        if (all || id === message.channelId) channels.message(id, message);
      }
      return;
    }
    default:
  }
  const channelId = "channelId" in message ? message.channelId : temporaryIdOf(message);
  if (channelId === undefined) return;
  const entry = channels.get(channelId);
  if (entry !== undefined && entry.counterparty === nodeId) channels.message(channelId, message);
  else unknownChannel(core, nodeId, channelId);
}

function temporaryIdOf(message: ChannelMessage): ChannelId | undefined {
  return "temporaryChannelId" in message ? message.temporaryChannelId : undefined;
}

/** BOLT 1: an `error` tells the peer that we know nothing of the channel, so that it can close it. */
function unknownChannel(core: ManagerCore, nodeId: NodeId, channelId: ChannelId): void {
  const peer = core.channels.peers.connection(nodeId);
  if (peer === undefined) return;
  const message = complaint("error", channelId, "unknown channel");
  core.turn.effect({ kind: "send", nodeId, epoch: peer.epoch, message });
}

function receiveOpen(core: ManagerCore, nodeId: NodeId, message: OpenChannel): void {
  const { channels } = core;
  const peer = channels.peers.connection(nodeId);
  if (peer === undefined) return;
  const refuse = (text: string): void => {
    const error = complaint("error", message.temporaryChannelId, text);
    core.turn.effect({ kind: "send", nodeId, epoch: peer.epoch, message: error });
  };
  if (channels.get(message.temporaryChannelId) !== undefined) {
    refuse("a channel of this id exists");
    return;
  }
  if (unfundedWith(core, nodeId) >= maxUnfundedPerPeer || tooManyUnfundedPeers(core, nodeId)) {
    refuse("too many channels wait for their funding");
    return;
  }
  const { state, actions } = receiveOpenChannel(channels.context, nodeId, peer.features, message);
  channels.add(message.temporaryChannelId, {
    state,
    written: undefined,
    counterparty: nodeId,
    signer: undefined,
  });
  channels.perform(message.temporaryChannelId, actions);
}

function unfundedWith(core: ManagerCore, nodeId: NodeId): number {
  return core.channels.peers.channelsOf(nodeId).filter((id) => isUnfunded(core.channels.funded(id))).length;
}

/** Peers with nothing at stake are limited in number, so that they cannot crowd out the others. */
function tooManyUnfundedPeers(core: ManagerCore, nodeId: NodeId): boolean {
  const { channels } = core;
  const hasStake = (peer: NodeId): boolean =>
    channels.peers.channelsOf(peer).some((id) => !isUnfunded(channels.funded(id)));
  if (hasStake(nodeId)) return false;
  const others = channels.peers.counterparties().filter((peer) => peer !== nodeId && !hasStake(peer));
  return others.length >= maxPeersWithUnfunded;
}

/** What we ask for, the best first: a peer that refuses one is asked for the next. */
function formatsOf(config: ChannelHandshakeConfig): readonly FormatName[] {
  return [
    ...(config.negotiateAnchorZeroFeeCommitments ? (["zero-fee-commitments"] as const) : []),
    ...(config.negotiateAnchorsZeroFeeHtlcTx ? (["anchors-zero-fee-htlc"] as const) : []),
    "static-remotekey",
  ];
}

function newKeys(
  { signerProvider, entropy }: ManagerEnvironment,
  inbound: boolean,
): { readonly signer: ChannelSigner; readonly keys: LocalKeys } {
  const channelKeysId = signerProvider.generateChannelKeysId(inbound, entropy.randomBytes(32));
  const signer = signerProvider.deriveChannelSigner(channelKeysId);
  const { fundingKey, basepoints } = signer;
  const point = (number: number) => signer.point(commitmentNumber(number));
  return { signer, keys: { channelKeysId, fundingKey, basepoints, points: [point(0), point(1), point(2)] } };
}

/** A name that no real output has: in a block long past, at an index that no transaction reaches. */
function newAlias({ environment }: ManagerCore): ShortChannelId {
  const random = new DataView(environment.entropy.randomBytes(8).buffer);
  return shortChannelId({
    height: 1 + (random.getUint16(0) % 10_000),
    txIndex: 0x80_0000 | (random.getUint32(2) & 0x7f_ffff),
    outputIndex: random.getUint16(6),
  });
}

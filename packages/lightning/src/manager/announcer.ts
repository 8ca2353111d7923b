import { channelAnnouncement } from "../channel/ops/announce.ts";
import { realShortChannelId } from "../channel/ops/confirmations.ts";
import { type ChannelState, type FundedChannel, fundedChannel } from "../channel/state.ts";
import { compareBytes, fromHex, type Signature } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { minOf, minus, satToMsat } from "../util/units.ts";
import { type ChannelUpdate, encodeMessage } from "../wire/index.ts";
import { isUsable } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { Turn } from "./turn.ts";

/** Type and signature in front of what a `channel_update` signs. */
const unsignedStart = 2 + 64;
const noSignature = new Uint8Array(64) as Signature;

/**
 * Tells what our channels cost: announced ones to the network, others to their peer alone (BOLT 7, "The
 * channel_update Message").
 */
export class Announcer {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #turn: Turn;
  readonly #changed = new Set<ChannelId>();
  /** Channels whose announcement has gone out since the start. */
  readonly #announced = new Set<ChannelId>();
  /** Of the last update: each one must be newer than the one before. */
  readonly #timestamps = new Map<ChannelId, number>();

  constructor(environment: ManagerEnvironment, channels: Channels, turn: Turn) {
    this.#environment = environment;
    this.#channels = channels;
    this.#turn = turn;
  }

  changed(channelId: ChannelId): void {
    this.#changed.add(channelId);
  }

  /** The channel's announcement goes out. */
  announced(channelId: ChannelId): void {
    this.#announced.add(channelId);
    this.changed(channelId);
  }

  /** Sends the updates of the channels that have changed. */
  publish(now: number): void {
    for (const channelId of this.#changed) {
      const state = this.#channels.get(channelId)?.state;
      const update = state && this.#updateOf(state, now);
      if (update !== undefined) this.#send(channelId, update);
    }
    this.#changed.clear();
  }

  #send(channelId: ChannelId, message: ChannelUpdate): void {
    const channel = present(this.#channels.funded(channelId), "the channel of an update");
    if (isAnnounced(channel)) {
      this.#announceAgain(channelId, channel);
      this.#turn.effect({ kind: "gossip", message }, channelId);
      return;
    }
    const { counterparty: nodeId } = channel.identity;
    const peer = this.#channels.peer(nodeId);
    if (peer) this.#turn.effect({ kind: "send", nodeId, epoch: peer.epoch, message }, channelId);
  }

  /** After a restart: the graph was lost with the memory, and the announcement perhaps before it reached anybody. */
  #announceAgain(channelId: ChannelId, channel: FundedChannel): void {
    if (this.#announced.has(channelId)) return;
    this.#announced.add(channelId);
    const message = channelAnnouncement(this.#channels.context, channel);
    if (message !== undefined) this.#turn.effect({ kind: "gossip", message }, channelId);
  }

  #updateOf(state: ChannelState, now: number): ChannelUpdate | undefined {
    const channel = fundedChannel(state);
    if (channel === undefined || !channel.localReady || !channel.remoteReady) return undefined;
    const usable = isUsable(state);
    const shortChannelId = realShortChannelId(channel) ?? channel.remoteAlias;
    if (shortChannelId === undefined || (!usable && !isAnnounced(channel))) return undefined;
    const { commitments, identity } = channel;
    const { config } = identity;
    const { nodeId } = this.#environment.nodeSigner;
    const timestamp = Math.max(now, (this.#timestamps.get(commitments.channelId) ?? 0) + 1);
    this.#timestamps.set(commitments.channelId, timestamp);
    const direction = compareBytes(fromHex(nodeId), fromHex(identity.counterparty)) < 0 ? 0 : 1;
    const { capacity } = present(commitments.fundings[0], "a funding");
    const { remote } = commitments.params;
    const spendable = satToMsat(minus(capacity, remote.channelReserve));
    const unsigned: ChannelUpdate = {
      type: "channel_update",
      signature: noSignature,
      chainHash: this.#environment.network.genesisHash,
      shortChannelId,
      timestamp,
      // Bit 0 was `option_channel_htlc_max` and must be set; bit 1: not to be forwarded.
      messageFlags: isAnnounced(channel) ? 0b01 : 0b11,
      channelFlags: direction | (usable ? 0 : 0b10),
      cltvExpiryDelta: config.cltvExpiryDelta,
      htlcMinimumMsat: remote.htlcMinimum,
      feeBaseMsat: config.forwardingFeeBase,
      feeProportionalMillionths: config.forwardingFeeProportionalMillionths,
      htlcMaximumMsat: minOf(spendable, remote.maxHtlcValueInFlight),
      unknownFields: new Uint8Array(0),
    };
    const signature = this.#environment.nodeSigner.signGossip(
      encodeMessage(unsigned).subarray(unsignedStart),
    );
    return { ...unsigned, signature };
  }
}

/** Whether both sides have signed the channel's announcement. */
export function isAnnounced({ identity, announcementSignatures }: FundedChannel): boolean {
  const { local, remote } = announcementSignatures;
  return identity.announce && local !== undefined && remote !== undefined;
}

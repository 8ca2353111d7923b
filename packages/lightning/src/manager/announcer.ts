import { channelAnnouncement } from "../channel/ops/announce.ts";
import { realShortChannelId } from "../channel/ops/confirmations.ts";
import { type ChannelState, type FundedChannel, fundedChannel } from "../channel/state.ts";
import { compareBytes, fromHex, noBytes, type Signature } from "../util/bytes.ts";
import type { ChannelId, ShortChannelId } from "../util/ids.ts";
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

/** Ticks for which a channel is out of use before the network is told, and in use again. @ldk DISABLE_GOSSIP_TICKS */
const ticksToDisable = 10;
/** @ldk ENABLE_GOSSIP_TICKS */
const ticksToEnable = 5;

/** Seconds after which an update is sent again as it was: nodes forget those of two weeks ago (BOLT 7). */
const refreshAfter = 7 * 24 * 3_600;

/** What the network was told of an announced channel. */
interface Told {
  readonly isEnabled: boolean;
  /** The last update; absent since a restart until the first one. */
  readonly update?: ChannelUpdate;
  /** Ticks since the channel is not what was told. */
  readonly ticks: number;
}

/**
 * Tells what our channels cost: announced ones to the network, others to their peer alone (BOLT 7, "The
 * channel_update Message"). A peer that comes and goes is no news: the network is told of it after a while.
 */
export class Announcer {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #turn: Turn;
  readonly #now: () => number;
  readonly #changed = new Set<ChannelId>();
  /** Channels whose announcement has gone out since the start. */
  readonly #announced = new Set<ChannelId>();
  readonly #told = new Map<ChannelId, Told>();
  /** Of the last update: each one must be newer than the one before. */
  readonly #timestamps = new Map<ChannelId, number>();
  /** The last update that was made for a failure. */
  readonly #named = new Map<ChannelId, ChannelUpdate>();

  constructor(
    environment: ManagerEnvironment,
    channels: Channels,
    { turn, now }: { readonly turn: Turn; readonly now: () => number },
  ) {
    this.#environment = environment;
    this.#channels = channels;
    this.#turn = turn;
    this.#now = now;
  }

  changed(channelId: ChannelId): void {
    this.#changed.add(channelId);
  }

  /** The channel's announcement goes out. */
  announced(channelId: ChannelId): void {
    this.#announced.add(channelId);
    this.changed(channelId);
  }

  forget(channelId: ChannelId): void {
    this.#told.delete(channelId);
    this.#named.delete(channelId);
    this.#timestamps.delete(channelId);
    this.#announced.delete(channelId);
  }

  /** Whether the network was told that the channel is out of use. */
  isDisabled(channelId: ChannelId): boolean {
    return this.#told.get(channelId)?.isEnabled === false;
  }

  /** Sends the updates of the channels that have changed. */
  publish(): void {
    for (const channelId of this.#changed) {
      const state = this.#channels.get(channelId)?.state;
      const channel = state && readyChannel(state);
      if (state === undefined || channel === undefined) continue;
      if (isAnnounced(channel)) this.#broadcast(channelId, channel, this.#enabledNow(channelId, state));
      else if (isUsable(state)) this.#tellPeer(channelId, channel);
    }
    this.#changed.clear();
  }

  /** About once a minute: what has lasted is told, and what is old is told again. */
  tick(): void {
    for (const [channelId, { state }] of this.#channels.all()) {
      const channel = readyChannel(state);
      if (channel === undefined || !isAnnounced(channel)) continue;
      const told = this.#told.get(channelId) ?? { isEnabled: true, ticks: 0 };
      const usable = isUsable(state);
      if (usable === told.isEnabled) {
        this.#told.set(channelId, { ...told, ticks: 0 });
        const age = this.#now() - (told.update?.timestamp ?? this.#now());
        if (usable && age >= refreshAfter) this.#broadcast(channelId, channel, true, "again");
        continue;
      }
      const ticks = told.ticks + 1;
      this.#told.set(channelId, { ...told, ticks });
      if (ticks > (usable ? ticksToEnable : ticksToDisable)) this.#broadcast(channelId, channel, usable);
    }
  }

  /**
   * The channel's present terms for a failure, under the name that the payer used (BOLT 4, "Failure Messages"): a
   * message with its type.
   */
  updateNamed(channelId: ChannelId, name: ShortChannelId): Uint8Array {
    const state = this.#channels.get(channelId)?.state;
    const channel = state && readyChannel(state);
    if (channel === undefined) return noBytes;
    const terms = {
      ...this.#termsOf(channel, this.#told.get(channelId)?.isEnabled ?? true),
      shortChannelId: name,
    };
    const known = [this.#told.get(channelId)?.update, this.#named.get(channelId)];
    const same = known.find((update) => update !== undefined && isSame(update, terms));
    const update = same ?? this.#signed({ ...terms, timestamp: this.#now() });
    if (same === undefined) this.#named.set(channelId, update);
    return encodeMessage(update);
  }

  /** A channel that ends is out of use at once; one whose peer left is what was told before, for now. */
  #enabledNow(channelId: ChannelId, state: ChannelState): boolean {
    if (isEnding(state)) return false;
    return this.#told.get(channelId)?.isEnabled ?? true;
  }

  #broadcast(channelId: ChannelId, channel: FundedChannel, isEnabled: boolean, again?: "again"): void {
    const told = this.#told.get(channelId);
    const terms = this.#termsOf(channel, isEnabled);
    // After a restart nothing is told before the channel is in use, or is known to stay out of use.
    const isFirst = told?.update === undefined;
    const state = this.#channels.get(channelId)?.state;
    if (isFirst && isEnabled && state !== undefined && !isUsable(state)) return;
    if (told?.update !== undefined && again === undefined && isSame(told.update, terms)) return;
    const timestamp = Math.max(this.#now(), (this.#timestamps.get(channelId) ?? 0) + 1);
    this.#timestamps.set(channelId, timestamp);
    const update = this.#signed({ ...terms, timestamp });
    this.#told.set(channelId, { isEnabled, update, ticks: 0 });
    this.#announceAgain(channelId, channel);
    this.#turn.effect({ kind: "gossip", message: update }, channelId);
  }

  #tellPeer(channelId: ChannelId, channel: FundedChannel): void {
    const { counterparty: nodeId } = channel.identity;
    const peer = this.#channels.peers.connection(nodeId);
    const hasName = realShortChannelId(channel) !== undefined || channel.remoteAlias !== undefined;
    if (peer === undefined || !hasName) return;
    const timestamp = Math.max(this.#now(), (this.#timestamps.get(channelId) ?? 0) + 1);
    this.#timestamps.set(channelId, timestamp);
    const message = this.#signed({ ...this.#termsOf(channel, true), timestamp });
    this.#turn.effect({ kind: "send", nodeId, epoch: peer.epoch, message }, channelId);
  }

  /** After a restart: the graph was lost with the memory, and the announcement perhaps before it reached anybody. */
  #announceAgain(channelId: ChannelId, channel: FundedChannel): void {
    if (this.#announced.has(channelId)) return;
    this.#announced.add(channelId);
    const message = channelAnnouncement(this.#channels.context, channel);
    if (message !== undefined) this.#turn.effect({ kind: "gossip", message }, channelId);
  }

  /** What an update says, without its time and its signature. */
  #termsOf(channel: FundedChannel, isEnabled: boolean): UpdateTerms {
    const { commitments, identity } = channel;
    const { config } = identity;
    const { nodeId } = this.#environment.nodeSigner;
    const direction = compareBytes(fromHex(nodeId), fromHex(identity.counterparty)) < 0 ? 0 : 1;
    const { capacity } = present(commitments.fundings[0], "a funding");
    const { remote } = commitments.params;
    const spendable = satToMsat(minus(capacity, remote.channelReserve));
    return {
      type: "channel_update",
      chainHash: this.#environment.network.genesisHash,
      shortChannelId: realShortChannelId(channel) ?? channel.remoteAlias ?? identity.localAlias,
      // Bit 0 was `option_channel_htlc_max` and must be set; bit 1: not to be forwarded.
      messageFlags: isAnnounced(channel) ? 0b01 : 0b11,
      channelFlags: direction | (isEnabled ? 0 : 0b10),
      cltvExpiryDelta: config.cltvExpiryDelta,
      htlcMinimumMsat: remote.htlcMinimum,
      feeBaseMsat: config.forwardingFeeBase,
      feeProportionalMillionths: config.forwardingFeeProportionalMillionths,
      htlcMaximumMsat: minOf(spendable, remote.maxHtlcValueInFlight),
      unknownFields: noBytes,
    };
  }

  #signed(terms: UpdateTerms & Pick<ChannelUpdate, "timestamp">): ChannelUpdate {
    const unsigned: ChannelUpdate = { ...terms, signature: noSignature };
    const signature = this.#environment.nodeSigner.signGossip(
      encodeMessage(unsigned).subarray(unsignedStart),
    );
    return { ...unsigned, signature };
  }
}

type UpdateTerms = Omit<ChannelUpdate, "signature" | "timestamp">;

/** Whether the update says just this. */
function isSame(update: ChannelUpdate, terms: UpdateTerms): boolean {
  return (
    update.shortChannelId === terms.shortChannelId &&
    update.messageFlags === terms.messageFlags &&
    update.channelFlags === terms.channelFlags &&
    update.cltvExpiryDelta === terms.cltvExpiryDelta &&
    update.htlcMinimumMsat === terms.htlcMinimumMsat &&
    update.feeBaseMsat === terms.feeBaseMsat &&
    update.feeProportionalMillionths === terms.feeProportionalMillionths &&
    update.htlcMaximumMsat === terms.htlcMaximumMsat
  );
}

/** The channel inside of a state, once both sides have called it ready. */
function readyChannel(state: ChannelState): FundedChannel | undefined {
  const channel = fundedChannel(state);
  return channel?.localReady && channel.remoteReady ? channel : undefined;
}

/** Whether the channel will not be used any more. */
function isEnding(state: ChannelState): boolean {
  switch (state.kind) {
    case "shutting-down":
    case "negotiating":
    case "closing":
    case "wait-for-remote-close":
      return true;
    case "offline":
    case "syncing":
      return isEnding(state.inner);
    case "awaiting-signer":
      return isEnding(state.before);
    default:
      return false;
  }
}

/** Whether both sides have signed the channel's announcement. */
export function isAnnounced({ identity, announcementSignatures }: FundedChannel): boolean {
  const { local, remote } = announcementSignatures;
  return identity.announce && local !== undefined && remote !== undefined;
}

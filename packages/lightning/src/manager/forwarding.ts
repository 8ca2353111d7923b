import type { HtlcRef, HtlcSource } from "../channel/disposition.ts";
import type { ChannelRefusal } from "../channel/error.ts";
import type { FundedChannel } from "../channel/state.ts";
import type { Htlc, HtlcRemoval } from "../commitment/htlc.ts";
import type { Event, HtlcHandlingFailureType, LocalHtlcFailureReason } from "../handlers/event.ts";
import { latencyGracePeriod } from "../onchain/deadlines.ts";
import type { BlindedNextHop } from "../onion/index.ts";
import {
  checkForward,
  checkUnknownForward,
  forwardFailure,
  forwardFailureType,
} from "../payment/forwardPolicy.ts";
import type { ForwardOrder } from "../payment/incomingOnion.ts";
import { attributionSecret, failBehind } from "../payment/wayBack.ts";
import { type Bytes32, noBytes } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import { type Msat, minus, minusOrZero } from "../util/units.ts";
import type { Announcer } from "./announcer.ts";
import { isUsable } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import { claimParts } from "./claimParts.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { ForwardingBudgets } from "./forwardingBudget.ts";
import { htlcLocator } from "./htlcLocator.ts";
import { type ForwardTo, type IncomingHtlcs, type ReadHtlc, setDisposition } from "./incomingHtlcs.ts";
import type { InterceptedHtlcs } from "./interceptedHtlcs.ts";
import { PreviousConfigs } from "./previousConfigs.ts";

type ForwardedSource = Extract<HtlcSource, { readonly kind: "forwarded" }>;

/** A preimage, and the attribution data that came with it, when a peer showed it. */
export interface Fulfilment {
  readonly preimage: Bytes32;
  readonly attribution: Uint8Array | undefined;
}

/** What forwarding asks of others. */
export interface ForwardingParts {
  readonly incoming: IncomingHtlcs;
  readonly announcer: Announcer;
  readonly intercepted: InterceptedHtlcs;
  readonly budgets: ForwardingBudgets;
}

/** Passes HTLCs on, and their ends back. BOLT 4, "Forwarding"; BOLT 7, "HTLC Fees". */
export class Forwarding {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  readonly #announcer: Announcer;
  readonly #intercepted: InterceptedHtlcs;
  readonly #budgets: ForwardingBudgets;
  /** Configs that were just replaced. */
  readonly previousConfigs = new PreviousConfigs();
  /** Channels whose commitment is on the chain: only that settles their HTLCs. */
  readonly #onChain = new Set<ChannelId>();

  constructor(environment: ManagerEnvironment, channels: Channels, parts: ForwardingParts) {
    this.#environment = environment;
    this.#channels = channels;
    this.#incoming = parts.incoming;
    this.#announcer = parts.announcer;
    this.#intercepted = parts.intercepted;
    this.#budgets = parts.budgets;
  }

  forward(read: ReadHtlc, order: ForwardOrder): void {
    const named = this.#outgoingChannel(order.next);
    const isIntercepted = this.#intercepted.wants(read.ref, order.next, named);
    const refused = this.#refusal(read, order, { named, isIntercepted });
    if (refused !== undefined) {
      const mayWait = refused === "peer-offline" && named !== undefined && this.#isExpected(read.ref, named);
      if (mayWait && this.#incoming.wait(read.ref)) return;
      this.#refuse(read, order, { reason: refused, named });
    } else if (isIntercepted) {
      const full = this.#intercepted.add(read, order);
      if (full !== undefined) this.#refuse(read, order, { reason: full, named });
    } else if (named !== undefined) {
      const reason = this.#offerAny(read, order, this.#channelsTo(named, order.amountToForward));
      if (reason !== undefined) this.#refuse(read, order, { reason, named });
    }
  }

  /** Goes on with an HTLC about which the user decided, and which was not signed before the connection went away. */
  forwardIntercepted(read: ReadHtlc, order: ForwardOrder, to: ForwardTo): void {
    const refused = this.offerIntercepted(read, order, to);
    if (refused === undefined) return;
    const named = this.#channels.funded(to.channelId);
    const mayWait = named !== undefined && this.#isExpected(read.ref, named);
    if (mayWait && this.#incoming.wait(read.ref)) return;
    const reason = this.#unusable(to.channelId) ?? refused.reason;
    this.#refuse(read, order, { reason, named });
  }

  /** Offers an intercepted HTLC on the channel that the user chose; nothing has changed when that is refused. */
  offerIntercepted(
    read: ReadHtlc,
    order: ForwardOrder,
    { channelId, amount }: ForwardTo,
  ): { readonly text: string; readonly reason: LocalHtlcFailureReason } | undefined {
    const skimmed = minusOrZero(order.amountToForward, amount);
    const source = { ...sourceOf(read), ...(skimmed > 0n && { skimmedFee: skimmed }) };
    const refusal = this.#add(channelId, read, { ...order, amountToForward: amount, source });
    return refusal && { text: refusal.text, reason: reasonOfRefusal(refusal) };
  }

  /** The outgoing HTLC is signed: the incoming one is forwarded, in the same batch. */
  signed(outgoing: HtlcRef, source: ForwardedSource): void {
    const { incoming, sharedSecret, blinded, onionInside } = source;
    const undecided = onionInside && this.#incoming.undecided(incoming);
    setDisposition(this.#channels, incoming, {
      kind: "forwarded",
      outgoing,
      sharedSecret,
      ...(blinded && { blinded }),
      ...(undecided && { onion: undecided.onion }),
    });
  }

  /**
   * The preimage is known: claim upstream at once, and let the removal downstream wait for that. `false` when upstream
   * knew it already.
   */
  fulfilled(outgoing: HtlcRef, source: ForwardedSource, { preimage, attribution }: Fulfilment): boolean {
    const { incoming } = source;
    const record = this.#channels
      .funded(outgoing.channelId)
      ?.outgoing.find(({ id }) => id === outgoing.htlcId);
    // The peer fulfils once more after a disconnection; upstream has long been claimed, and may be gone.
    if (record?.upstream !== undefined) return false;
    const resolution = {
      kind: "fulfill" as const,
      preimage,
      ...attributionSecret(source),
      holdTime: this.#incoming.holdTime(incoming),
      // Behind the introduction node of a blinded path nobody is to tell anything.
      ...(attribution && source.blinded === undefined && { downstream: attribution }),
    };
    const { logger } = this.#environment;
    const upstream = claimParts({ channels: this.#channels, logger }, [{ ref: incoming, resolution }]);
    if (upstream === undefined) return false;
    this.#channels.command(outgoing.channelId, { kind: "set-upstream", htlcId: outgoing.htlcId, upstream });
    return true;
  }

  /** The chain gave the HTLC back to us: it fails upstream. */
  timedOut(channelId: ChannelId, { incoming, sharedSecret, blinded }: ForwardedSource): void {
    const way = { ref: incoming, sharedSecret, blinded };
    const handling = { failureType: this.#typeOf(channelId), reason: "on-chain-timeout" } as const;
    this.#incoming.fail(way, { type: "permanent_channel_failure" }, handling);
  }

  /** A commitment of the channel is on the chain. */
  commitmentConfirmed(channelId: ChannelId): void {
    this.#onChain.add(channelId);
  }

  /** Whether only the chain settles what is left of the channel. */
  isOnChain(channelId: ChannelId): boolean {
    return this.#onChain.has(channelId);
  }

  /** Whether an HTLC that came in elsewhere waits for what becomes of one of this channel. */
  isAwaited(channelId: ChannelId): boolean {
    for (const { settledOnChain, source } of this.#channels.funded(channelId)?.outgoing ?? []) {
      if (settledOnChain || source.kind !== "forwarded") continue;
      const { incoming } = source;
      const upstream = this.#channels.funded(incoming.channelId);
      const record = upstream?.incoming.find(({ id }) => id === incoming.htlcId);
      if (record?.disposition.kind === "forwarded") return true;
    }
    return false;
  }

  /** The channel is forgotten. */
  forget(channelId: ChannelId): void {
    this.#onChain.delete(channelId);
    this.previousConfigs.forget(channelId);
  }

  /**
   * Fails upstream what is about to expire there while the chain downstream has settled nothing: waiting longer would
   * cost the channel upstream as well. It loses money when the peer downstream has its claim confirmed afterwards,
   * which happens only where fees were too low or blocks were withheld for all the time between both expiries.
   */
  failBackInTime(height: number): void {
    for (const channelId of this.#onChain) {
      for (const { source, upstream } of this.#channels.funded(channelId)?.outgoing ?? []) {
        if (source.kind !== "forwarded" || upstream !== undefined) continue;
        const { incoming } = source;
        const channel = this.#channels.funded(incoming.channelId);
        const htlc = channel?.commitments.htlcs.find(
          (one) => one.direction === "incoming" && one.id === incoming.htlcId,
        );
        const record = channel?.incoming.find(({ id }) => id === incoming.htlcId);
        const isWaiting = record?.disposition.kind === "forwarded";
        if (htlc === undefined || !isWaiting || htlc.cltvExpiry > height + latencyGracePeriod) continue;
        this.timedOut(channelId, source);
      }
    }
  }

  /** The failure downstream is irrevocable: it goes back, wrapped once more. */
  failed(
    channelId: ChannelId,
    source: ForwardedSource,
    removal: Exclude<HtlcRemoval, { readonly kind: "fulfill" }>,
  ): void {
    const { incoming } = source;
    this.#incoming.tellFailed(incoming, this.#typeOf(channelId), { kind: "downstream" });
    const resolution = failBehind(source, removal, this.#incoming.holdTime(incoming));
    this.#incoming.failBack({ ref: incoming, ...source }, resolution);
  }

  /** What the user is told of a forward that was paid. */
  forwardedEvent(outgoing: HtlcRef, htlc: Htlc, how: ForwardedSource & { readonly onChain: boolean }): Event {
    const { incoming, incomingAmount, skimmedFee, onChain } = how;
    return {
      kind: "payment-forwarded",
      prevHtlcs: [htlcLocator(this.#channels, incoming, incomingAmount)],
      nextHtlcs: [htlcLocator(this.#channels, outgoing, htlc.amount)],
      totalFeeEarned: minus(incomingAmount, htlc.amount),
      ...(skimmedFee !== undefined && { skimmedFee }),
      claimFromOnchainTx: onChain,
      outboundAmountForwarded: htlc.amount,
    };
  }

  #typeOf(channelId: ChannelId): HtlcHandlingFailureType {
    const nodeId = this.#channels.get(channelId)?.counterparty;
    return { kind: "forward", channelId, ...(nodeId && { nodeId }) };
  }

  /** Offers the HTLC on the first of these channels that takes it; or the reason of the first one that does not. */
  #offerAny(
    read: ReadHtlc,
    order: ForwardOrder,
    ids: readonly ChannelId[],
  ): LocalHtlcFailureReason | undefined {
    const upstream = this.#channels.get(read.ref.channelId)?.counterparty;
    const source = { ...sourceOf(read), ...(order.isBelowFirst && { onionInside: true as const }) };
    let first: LocalHtlcFailureReason | undefined;
    for (const channelId of ids) {
      const out = this.#channels.funded(channelId);
      if (upstream && out && !this.#budgets.allows(upstream, out, order.amountToForward)) {
        first ??= "forwarding-budget";
        continue;
      }
      const refusal = this.#add(channelId, read, { ...order, source });
      if (refusal === undefined) return undefined;
      this.#environment.logger.log({ level: "info", module: "forwarding", text: refusal.text });
      first ??= reasonOfRefusal(refusal);
    }
    return first ?? "temporary-channel-failure";
  }

  #add(
    channelId: ChannelId,
    { htlc }: ReadHtlc,
    order: ForwardOrder & { readonly source: HtlcSource },
  ): ChannelRefusal | undefined {
    const { amountToForward: amount, outgoingCltv: cltvExpiry, layer, source } = order;
    const { paymentHash } = htlc;
    if (layer.pathKey !== undefined && !this.#readsBlinded(channelId)) {
      const text = "the next peer does not support route blinding";
      return { verdict: "ignore", code: "route-blinding-unsupported", text };
    }
    return this.#channels.command(channelId, {
      kind: "add-htlc",
      htlc: { amount, paymentHash, cltvExpiry, ...layer, source },
    });
  }

  /** To others a path key is an even record that they do not know: a path made for that would cost us the channel. */
  #readsBlinded(channelId: ChannelId): boolean {
    const nodeId = this.#channels.get(channelId)?.counterparty;
    return (
      (nodeId && this.#channels.peers.connection(nodeId)?.features.has("option_route_blinding")) ?? false
    );
  }

  /** One to the node that is to be next; a blinded path may name that node instead of a channel. */
  #outgoingChannel(next: BlindedNextHop): FundedChannel | undefined {
    if (next.kind === "short-channel-id") {
      const id = this.#channels.named(next.shortChannelId);
      return id && this.#channels.funded(id);
    }
    const ids = this.#channels.peers.channelsOf(next.nodeId);
    const usable = ids.find((id) => {
      const entry = this.#channels.get(id);
      return entry !== undefined && isUsable(entry.state);
    });
    const id = usable ?? ids.find((one) => this.#channels.funded(one) !== undefined);
    return id && this.#channels.funded(id);
  }

  /**
   * Any channel to the same peer will do (BOLT 4, "Non-strict Forwarding"): of those that can take the amount, the one
   * that can take least, so that large ones stay for large amounts.
   */
  #channelsTo(named: FundedChannel, amount: Msat): readonly ChannelId[] {
    const first = named.commitments.channelId;
    const usable = this.#channels.peers.channelsOf(named.identity.counterparty).flatMap((id) => {
      const details = this.#channels.details(id);
      if (!details?.isUsable) return [];
      return [{ id, min: details.nextOutboundHtlcMinimum, max: details.nextOutboundHtlcLimit }];
    });
    if (usable.length <= 1) return [first];
    const fitting = usable.filter(({ min, max }) => min <= amount && amount <= max);
    if (fitting.length === 0) return [first];
    return fitting.sort((a, b) => (a.max < b.max ? -1 : a.max > b.max ? 1 : 0)).map(({ id }) => id);
  }

  /**
   * Whether the channel's peer may be back in a moment: it has not been here since we started, is about to agree on
   * the channel's state, or left while the HTLC was on its way.
   */
  #isExpected(ref: HtlcRef, { commitments, identity }: FundedChannel): boolean {
    const entry = this.#channels.get(commitments.channelId);
    if (entry === undefined || entry.quarantined) return false;
    if (entry.state.kind === "syncing") return true;
    if (entry.state.kind !== "offline") return false;
    return !this.#channels.peers.hasLeft(identity.counterparty) || this.#incoming.wasInterrupted(ref);
  }

  /** Why the HTLC may not go on, if so. What an intercepted one leaves by need not be there yet. */
  #refusal(
    { htlc, blinded }: ReadHtlc,
    { amountToForward, outgoingCltv }: ForwardOrder,
    { named, isIntercepted }: { readonly named: FundedChannel | undefined; readonly isIntercepted: boolean },
  ): LocalHtlcFailureReason | undefined {
    const outgoing = { amount: amountToForward, cltvExpiry: outgoingCltv };
    const height = this.#channels.context.bestHeight;
    if (named === undefined) {
      return isIntercepted ? checkUnknownForward(htlc, outgoing, height) : "unknown-next-peer";
    }
    const { identity, commitments } = named;
    // As if there were no such channel: whether there is one is nobody's business.
    if (!identity.announce && !this.#environment.config.acceptForwardsToPrivChannels) {
      return "private-channel-forward";
    }
    const unusable = isIntercepted ? undefined : this.#unusable(commitments.channelId);
    if (unusable !== undefined) return unusable;
    const previous = this.previousConfigs.of(commitments.channelId);
    return checkForward(htlc, outgoing, {
      configs: previous === undefined ? [identity.config] : [identity.config, previous],
      htlcMinimum: commitments.params.remote.htlcMinimum,
      height,
      isBlinded: blinded !== undefined,
    });
  }

  #unusable(channelId: ChannelId): LocalHtlcFailureReason | undefined {
    const state = this.#channels.get(channelId)?.state;
    if (state === undefined) return "unknown-next-peer";
    if (isUsable(state)) return undefined;
    const inner = state.kind === "awaiting-signer" ? state.before : state;
    switch (inner.kind) {
      case "closing":
      case "wait-for-remote-close":
        return "channel-closed";
      case "shutting-down":
      case "negotiating":
        return "channel-disabled";
      case "offline":
      case "syncing":
        if (inner.inner.kind === "shutting-down" || inner.inner.kind === "negotiating") {
          return "channel-disabled";
        }
        return this.#announcer.isDisabled(channelId) ? "channel-disabled" : "peer-offline";
      default:
        return "channel-not-ready";
    }
  }

  /** Fails the HTLC as BOLT 4 has it, and tells the user why. */
  #refuse(
    read: ReadHtlc,
    order: ForwardOrder,
    { reason, named }: { readonly reason: LocalHtlcFailureReason; readonly named: FundedChannel | undefined },
  ): void {
    const { next, amountToForward: amount, outgoingCltv: cltvExpiry } = order;
    const channelId = named?.commitments.channelId;
    const failure = forwardFailure(reason, {
      incoming: read.htlc,
      outgoing: { amount, cltvExpiry },
      channelUpdate: () =>
        channelId === undefined || next.kind !== "short-channel-id"
          ? noBytes
          : this.#announcer.updateNamed(channelId, next.shortChannelId),
    });
    const failureType = channelId === undefined ? forwardFailureType(order) : this.#typeOf(channelId);
    this.#incoming.fail(read, failure, { failureType, reason });
  }
}

function sourceOf({ ref, htlc, sharedSecret, blinded }: ReadHtlc): ForwardedSource {
  return {
    kind: "forwarded",
    incoming: ref,
    sharedSecret,
    incomingAmount: htlc.amount,
    ...(blinded && { blinded }),
  };
}

function reasonOfRefusal({ code }: ChannelRefusal): LocalHtlcFailureReason {
  switch (code) {
    case "expiry-too-soon":
      return "outgoing-cltv-too-soon";
    case "amount-zero":
    case "below-htlc-minimum":
    case "dust-exposure":
      return "htlc-minimum";
    case "too-many-htlcs":
    case "too-much-in-flight":
    case "below-reserve":
    case "opener-cannot-afford-fee":
      return "htlc-maximum";
    case "shutting-down":
      return "channel-disabled";
    case "route-blinding-unsupported":
      return "invalid-onion-blinding";
    default:
      return "temporary-channel-failure";
  }
}

import { cltvFarFarAway } from "../channel/deadlines.ts";
import type { HtlcRef, HtlcSource, Resolution } from "../channel/disposition.ts";
import type { FundedChannel } from "../channel/state.ts";
import type { HtlcRemoval } from "../commitment/htlc.ts";
import { htlcFailBackBuffer, latencyGracePeriod } from "../onchain/deadlines.ts";
import type { BlindedNextHop } from "../onion/index.ts";
import type { ForwardOrder } from "../payment/incomingOnion.ts";
import { attributionSecret, failBehind } from "../payment/wayBack.ts";
import type { Bytes32 } from "../util/bytes.ts";
import type { ChannelId, PaymentHash } from "../util/ids.ts";
import { type Msat, minus, plus } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import { isUsable } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { type IncomingHtlcs, type ReadHtlc, refKey, setDisposition } from "./incomingHtlcs.ts";

type ForwardedSource = Extract<HtlcSource, { readonly kind: "forwarded" }>;

/** A preimage, and the attribution data that came with it, when a peer showed it. */
export interface Fulfilment {
  readonly preimage: Bytes32;
  readonly attribution: Uint8Array | undefined;
}

const noUpdate = new Uint8Array(0);

/** Passes HTLCs on, and their ends back. BOLT 4, "Forwarding"; BOLT 7, "HTLC Fees". */
export class Forwarding {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  /** Channels whose commitment is on the chain: only that settles their HTLCs. */
  readonly #onChain = new Set<ChannelId>();

  constructor(environment: ManagerEnvironment, channels: Channels, incoming: IncomingHtlcs) {
    this.#environment = environment;
    this.#channels = channels;
    this.#incoming = incoming;
  }

  forward(read: ReadHtlc, order: ForwardOrder): void {
    const named = this.#outgoingChannel(order.next);
    if (named === undefined) {
      this.#incoming.fail(read, { type: "unknown_next_peer" });
      return;
    }
    const refused = this.#checkPolicy(read, order, named);
    if (refused !== undefined) {
      const isOffline = refused.type === "temporary_channel_failure";
      if (isOffline && this.#isExpected(read.ref, named) && this.#incoming.wait(read.ref)) return;
      this.#incoming.fail(read, refused);
      return;
    }
    const { ref, htlc, sharedSecret, blinded } = read;
    const source: HtlcSource = {
      kind: "forwarded",
      incoming: ref,
      sharedSecret,
      incomingAmount: htlc.amount,
      ...(blinded && { blinded }),
    };
    // Any channel to the same peer will do (BOLT 4, "Non-strict Forwarding"), the named one first.
    for (const channelId of this.#channelsTo(named)) {
      const refusal = this.#channels.command(channelId, {
        kind: "add-htlc",
        htlc: {
          amount: order.amountToForward,
          paymentHash: htlc.paymentHash,
          cltvExpiry: order.outgoingCltv,
          ...order.layer,
          source,
        },
      });
      if (refusal === undefined) return;
      this.#environment.logger.log({ level: "info", module: "forwarding", text: refusal.text });
    }
    this.#incoming.fail(read, { type: "temporary_channel_failure", channelUpdate: noUpdate });
  }

  /** The outgoing HTLC is signed: the incoming one is forwarded, in the same batch. */
  signed(outgoing: HtlcRef, source: ForwardedSource): void {
    const { incoming, sharedSecret, blinded } = source;
    setDisposition(this.#channels, incoming, {
      kind: "forwarded",
      outgoing,
      sharedSecret,
      ...(blinded && { blinded }),
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
    const before = this.#channels.funded(incoming.channelId)?.lastUpdateId;
    const resolution: Resolution = {
      kind: "fulfill",
      preimage,
      ...attributionSecret(source),
      holdTime: this.#incoming.holdTime(incoming),
      // Behind the introduction node of a blinded path nobody is to tell anything.
      ...(attribution && source.blinded === undefined && { downstream: attribution }),
    };
    const refusal = this.#channels.command(incoming.channelId, {
      kind: "resolve-htlc",
      htlcId: incoming.htlcId,
      resolution,
      monitor: { parts: [incoming], after: [] },
    });
    if (refusal !== undefined) {
      this.#environment.logger.log({
        level: "error",
        module: "forwarding",
        text: `${refKey(incoming)}: ${refusal.text}`,
      });
      return false;
    }
    const updateId = this.#channels.funded(incoming.channelId)?.lastUpdateId;
    // The preimage was known before: nothing is left to do.
    if (updateId === undefined || updateId === before) return false;
    const upstream = { channelId: incoming.channelId, updateId };
    this.#channels.command(outgoing.channelId, { kind: "set-upstream", htlcId: outgoing.htlcId, upstream });
    return true;
  }

  /** The chain gave the HTLC back to us: it fails upstream. */
  timedOut({ incoming, sharedSecret, blinded }: ForwardedSource): void {
    this.#incoming.fail({ ref: incoming, sharedSecret, blinded }, { type: "permanent_channel_failure" });
  }

  /** A commitment of the channel is on the chain. */
  commitmentConfirmed(channelId: ChannelId): void {
    this.#onChain.add(channelId);
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
  }

  /**
   * Fails upstream what is about to expire there while the chain downstream has settled nothing, and returns it:
   * waiting longer would cost the channel upstream as well. It loses money when the peer downstream has its claim
   * confirmed afterwards, which happens only where fees were too low or blocks were withheld for all the time between
   * both expiries.
   */
  failBackInTime(
    height: number,
  ): readonly { readonly incoming: HtlcRef; readonly paymentHash: PaymentHash }[] {
    const failed: { readonly incoming: HtlcRef; readonly paymentHash: PaymentHash }[] = [];
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
        this.timedOut(source);
        failed.push({ incoming, paymentHash: htlc.paymentHash });
      }
    }
    return failed;
  }

  /** The failure downstream is irrevocable: it goes back, wrapped once more. */
  failed(source: ForwardedSource, removal: Exclude<HtlcRemoval, { readonly kind: "fulfill" }>): void {
    const holdTime = this.#incoming.holdTime(source.incoming);
    this.#incoming.resolve(source.incoming, failBehind(source, removal, holdTime));
  }

  /** One to the node that is to be next; a blinded path may name that node instead of a channel. */
  #outgoingChannel(next: BlindedNextHop): FundedChannel | undefined {
    if (next.kind === "short-channel-id") {
      const id = this.#channels.named(next.shortChannelId);
      return id && this.#channels.funded(id);
    }
    const ids = this.#channels.ofPeer(next.nodeId);
    const usable = ids.find((id) => {
      const entry = this.#channels.get(id);
      return entry !== undefined && isUsable(entry.state);
    });
    const id = usable ?? ids.find((one) => this.#channels.funded(one) !== undefined);
    return id && this.#channels.funded(id);
  }

  #channelsTo(named: FundedChannel): readonly ChannelId[] {
    const first = named.commitments.channelId;
    const others = this.#channels.ofPeer(named.identity.counterparty).filter((id) => {
      const entry = this.#channels.get(id);
      return id !== first && entry !== undefined && isUsable(entry.state);
    });
    return [first, ...others];
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
    return !this.#channels.hasLeft(identity.counterparty) || this.#incoming.wasInterrupted(ref);
  }

  /** What we ask for passing an HTLC on, and what BOLT 4 has us answer when it is not given. */
  #checkPolicy(read: ReadHtlc, order: ForwardOrder, out: FundedChannel): FailureMessage | undefined {
    const { htlc, blinded } = read;
    const { amountToForward, outgoingCltv } = order;
    const { config } = out.identity;
    const entry = this.#channels.get(out.commitments.channelId);
    const height = this.#channels.context.bestHeight;
    if (!out.identity.announce && !this.#environment.config.acceptForwardsToPrivChannels) {
      return { type: "unknown_next_peer" };
    }
    if (entry === undefined || !isUsable(entry.state)) {
      return { type: "temporary_channel_failure", channelUpdate: noUpdate };
    }
    if (amountToForward < out.commitments.params.remote.htlcMinimum) {
      return { type: "amount_below_minimum", htlcMsat: htlc.amount, channelUpdate: noUpdate };
    }
    // Within a blinded path what we pass on is rounded up at our expense (BOLT 4, "payload format").
    const leeway = blinded === undefined ? 0n : 1n;
    const fee = forwardingFee(config, amountToForward);
    if (htlc.amount < amountToForward || minus(htlc.amount, amountToForward) + leeway < fee) {
      return { type: "fee_insufficient", htlcMsat: htlc.amount, channelUpdate: noUpdate };
    }
    if (htlc.cltvExpiry < outgoingCltv + config.cltvExpiryDelta) {
      return { type: "incorrect_cltv_expiry", cltvExpiry: htlc.cltvExpiry, channelUpdate: noUpdate };
    }
    if (
      htlc.cltvExpiry <= height + 1 + htlcFailBackBuffer ||
      outgoingCltv <= height + 1 + latencyGracePeriod
    ) {
      return { type: "expiry_too_soon", channelUpdate: noUpdate };
    }
    return htlc.cltvExpiry > height + 1 + cltvFarFarAway ? { type: "expiry_too_far" } : undefined;
  }
}

/** What we earn for forwarding `amount` (BOLT 7, "HTLC Fees"). */
function forwardingFee(config: FundedChannel["identity"]["config"], amount: Msat): Msat {
  const proportional = (amount * BigInt(config.forwardingFeeProportionalMillionths)) / 1_000_000n;
  return plus(config.forwardingFeeBase, proportional as Msat);
}

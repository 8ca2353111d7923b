import { crypto } from "@fulmen/bitcoin/crypto";
import type { CrossChannelAction } from "../channel/action.ts";
import type { HtlcSource } from "../channel/disposition.ts";
import { findHtlc } from "../commitment/dance.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { Event } from "../handlers/event.ts";
import type { OutboundPayments } from "../payment/outboundPayments.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { type ChannelId, type PaymentHash, paymentHashOf } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import type { Channels } from "./channels.ts";
import type { Forwarding } from "./forwarding.ts";
import type { IncomingHtlcs } from "./incomingHtlcs.ts";
import type { TrampolineRelays } from "./trampolineRelays.ts";

/** An HTLC that we offered, and on whose account. */
export interface OutgoingHtlc {
  readonly htlc: Htlc;
  readonly source: HtlcSource;
}

/** Those who may have an HTLC offered. */
export interface OutgoingHtlcSources {
  readonly payments: OutboundPayments;
  readonly relays: TrampolineRelays;
  readonly forwarding: Forwarding;
  readonly incoming: IncomingHtlcs;
}

/**
 * HTLCs that we offered: takes what becomes of each, as the peer or the chain says, to its source, which is a payment
 * (our own, or one that we relay) or an HTLC that came in.
 */
export class OutgoingHtlcs {
  readonly #channels: Channels;
  readonly #sources: OutgoingHtlcSources;
  readonly #emit: (event: Event, channelId: ChannelId) => void;

  constructor(
    channels: Channels,
    sources: OutgoingHtlcSources,
    emit: (event: Event, channelId: ChannelId) => void,
  ) {
    this.#channels = channels;
    this.#sources = sources;
    this.#emit = emit;
  }

  /** They are signed for the first time. */
  signed(
    channelId: ChannelId,
    { htlcs }: Extract<CrossChannelAction, { readonly kind: "htlcs-signed" }>,
  ): void {
    for (const { htlcId, source } of htlcs) {
      if (source.kind === "forwarded") this.#sources.forwarding.signed({ channelId, htlcId }, source);
    }
  }

  /** It was offered, or waited to be, and never signed. */
  dropped(
    channelId: ChannelId,
    { source, amount, paymentHash }: Extract<CrossChannelAction, { readonly kind: "htlc-dropped" }>,
  ): void {
    const { incoming, payments } = this.#sources;
    if (source.kind === "forwarded") {
      incoming.addInterrupted(source.incoming);
      return;
    }
    const isInterrupted = this.#channels.get(channelId)?.state.kind === "offline";
    payments.dropped(source, { amount, paymentHash }, isInterrupted);
  }

  /** Its preimage is known, from the peer or from the chain. */
  fulfilled(
    channelId: ChannelId,
    { htlc, source }: OutgoingHtlc,
    preimage: Bytes32,
    claimedOnChain = false,
  ): void {
    const { payments, relays, forwarding } = this.#sources;
    if (source.kind === "local") {
      if (!payments.fulfilled(source, preimage)) return;
      const relayed = relays.fulfilled(source.paymentId, preimage, claimedOnChain);
      if (relayed !== undefined) this.#emit(relayed, channelId);
      return;
    }
    const attribution = htlc.removal?.kind === "fulfill" ? htlc.removal.attribution : undefined;
    const outgoing = { channelId, htlcId: htlc.id };
    if (!forwarding.fulfilled(outgoing, source, { preimage, attribution })) return;
    const how = { ...source, onChain: claimedOnChain };
    this.#emit(forwarding.forwardedEvent(outgoing, htlc, how), channelId);
  }

  /** Its removal is irrevocable. */
  removed(channelId: ChannelId, { htlc, source }: OutgoingHtlc): void {
    const { payments, forwarding } = this.#sources;
    const { removal } = htlc;
    invariant(removal !== undefined, "an HTLC that is gone without a removal");
    if (source.kind === "forwarded") {
      if (removal.kind !== "fulfill") forwarding.failed(channelId, source, removal);
    } else if (removal.kind === "fulfill")
      payments.settled(source, { ...htlc, channelId }, removal.attribution);
    else if (removal.kind === "fail") payments.failed(source, htlc, { kind: "packet", removal });
    else payments.failed(source, htlc, { kind: "first-hop" });
  }

  /** The peer claimed it on the chain, and so showed the preimage. */
  claimedOnChain(channelId: ChannelId, htlcId: bigint, preimage: Bytes32): void {
    const found = this.#unsettled(channelId, htlcId);
    if (found === undefined) return;
    this.fulfilled(channelId, found, preimage, true);
    const { htlc, source } = found;
    if (source.kind === "local") this.#sources.payments.settled(source, { ...htlc, channelId });
    this.#channels.command(channelId, { kind: "settle-on-chain", htlcId });
  }

  /** The chain gave it back to us. */
  timedOutOnChain(channelId: ChannelId, htlcId: bigint): void {
    const found = this.#unsettled(channelId, htlcId);
    if (found === undefined) return;
    const { htlc, source } = found;
    const { payments, forwarding } = this.#sources;
    if (source.kind === "local") payments.failed(source, htlc, { kind: "first-hop" });
    else forwarding.timedOut(channelId, source);
    this.#channels.command(channelId, { kind: "settle-on-chain", htlcId });
  }

  /** Somebody showed these pieces of 32 bytes. Those that are preimages are used at once, wherever they were seen. */
  preimagesSeen(shown: readonly Bytes32[]): void {
    const offered = new Map<PaymentHash, { readonly channelId: ChannelId; readonly htlc: Htlc }[]>();
    for (const [channelId] of this.#channels.all()) {
      for (const htlc of this.#channels.funded(channelId)?.commitments.htlcs ?? []) {
        if (htlc.direction !== "outgoing") continue;
        const twins = offered.get(htlc.paymentHash);
        if (twins === undefined) offered.set(htlc.paymentHash, [{ channelId, htlc }]);
        else twins.push({ channelId, htlc });
      }
    }
    if (offered.size === 0) return;
    for (const preimage of shown) {
      for (const { channelId, htlc } of offered.get(paymentHashOf(crypto().sha256(preimage))) ?? []) {
        const found = this.#unsettled(channelId, htlc.id);
        if (found) this.fulfilled(channelId, found, preimage, true);
      }
    }
  }

  /** One that the chain has not settled yet, as far as we have acted on that. */
  #unsettled(channelId: ChannelId, htlcId: bigint): OutgoingHtlc | undefined {
    const channel = this.#channels.funded(channelId);
    const htlc = channel && findHtlc(channel.commitments, "outgoing", htlcId);
    const record = channel?.outgoing.find(({ id }) => id === htlcId);
    if (htlc === undefined || record === undefined || record.settledOnChain) return undefined;
    return { htlc, source: record.source };
  }
}

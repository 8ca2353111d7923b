import type { ForwardingBudget } from "../channel/config.ts";
import type { HtlcSource } from "../channel/disposition.ts";
import type { FundedChannel } from "../channel/state.ts";
import type { OutboundPayments } from "../payment/outboundPayments.ts";
import type { NodeId } from "../util/ids.ts";
import { type Msat, minOf, minusOrZero, plus, satToMsat, sum, zeroMsat } from "../util/units.ts";
import { isUsable } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";

/**
 * Keeps room for others: HTLCs that one peer sends over a channel take at most a share of its slots and of its
 * liquidity, so that a peer which jams the channel, by itself or for those behind it, cannot fill it. Without anybody
 * else who could want the room there is no limit, and our own payments have none. What we relay as a trampoline node is
 * the peer's who brought its first part.
 */
export class ForwardingBudgets {
  readonly #channels: Channels;
  readonly #payments: Pick<OutboundPayments, "get">;
  readonly #budget: ForwardingBudget;

  constructor(channels: Channels, payments: Pick<OutboundPayments, "get">, budget: ForwardingBudget) {
    this.#channels = channels;
    this.#payments = payments;
    this.#budget = budget;
  }

  /** Who sent what an HTLC of this source passes on; `undefined` when it is our own. */
  peerOf(source: HtlcSource): NodeId | undefined {
    const incoming =
      source.kind === "forwarded"
        ? source.incoming
        : this.#payments.get(source.paymentId)?.terms.relay?.incoming[0];
    return incoming && this.#channels.get(incoming.channelId)?.counterparty;
  }

  /** Whether an HTLC of `amount` that comes from `peer` may leave by the channel. */
  allows(peer: NodeId, out: FundedChannel, amount: Msat): boolean {
    const { maxSlotsPercent, maxLiquidityPercent } = this.#budget;
    if (maxSlotsPercent >= 100 && maxLiquidityPercent >= 100) return true;
    const { params, htlcs, fundings } = out.commitments;
    const { channelReserve, maxAcceptedHtlcs, maxHtlcValueInFlight } = params.remote;
    // What is in flight is part of the balance until it has left.
    const balance = fundings[0]?.localBalance ?? zeroMsat;
    const liquidity = minOf(minusOrZero(balance, satToMsat(channelReserve)), maxHtlcValueInFlight);
    // A channel of one slot has one for everybody.
    const slots = Math.max(1, Math.floor((maxAcceptedHtlcs * maxSlotsPercent) / 100));
    const fits = (count: number, held: Msat): boolean =>
      count + 1 <= slots && plus(held, amount) * 100n <= liquidity * BigInt(maxLiquidityPercent);
    const offered = htlcs.filter(({ direction }) => direction === "outgoing");
    if (fits(offered.length, sum(offered.map((htlc) => htlc.amount)))) return true;
    const fromPeer = new Set<bigint>();
    for (const { id, source } of out.outgoing) if (this.peerOf(source) === peer) fromPeer.add(id);
    const held = sum(offered.filter(({ id }) => fromPeer.has(id)).map((htlc) => htlc.amount));
    return fits(fromPeer.size, held) || !this.#hasRival(peer, out.identity.counterparty);
  }

  /** Whether somebody else is there who could send over a channel to `next`. */
  #hasRival(peer: NodeId, next: NodeId): boolean {
    return this.#channels.peers.counterparties().some(
      (other) =>
        other !== peer &&
        other !== next &&
        this.#channels.peers.channelsOf(other).some((id) => {
          const entry = this.#channels.get(id);
          return entry !== undefined && isUsable(entry.state);
        }),
    );
  }
}

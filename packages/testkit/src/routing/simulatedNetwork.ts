import { crypto } from "@fulmen/bitcoin/crypto";
import type { FirstHop, Path, RouteHop } from "@fulmen/lightning/routing";
import { msat, type NodeId, nodeIdOf, type ShortChannelId, shortChannelId } from "@fulmen/lightning/util";
import { Dice } from "../network/index.ts";
import { pick } from "./draws.ts";
import type { DumpedPolicy, GraphDump } from "./graphDump.ts";
import { type BalanceKind, HiddenBalances } from "./hiddenBalances.ts";
import { nodeIdAt } from "./loadInto.ts";

export interface SimulatedNetworkOptions {
  readonly seed: number;
  /** Default `bimodal`. */
  readonly balances?: BalanceKind;
  /** With whom the payer has a channel each. Default: five nodes that forward, likely those with many channels. */
  readonly peers?: readonly NodeId[];
  /** What the payer can send by each of its channels, sat. Default 10,000,000. */
  readonly ownBalance?: number;
}

/** Why a node on the way did not pass a part on, in the words of BOLT 4, "Failure Messages". */
export type PartFailure =
  | "temporary_channel_failure"
  | "unknown_next_peer"
  | "amount_below_minimum"
  | "fee_insufficient"
  | "incorrect_cltv_expiry";

/** What became of a part that was sent. */
export type SentPart =
  | { readonly kind: "arrived"; readonly held: HeldPart }
  /** `shortChannelId` is the channel that the failing node was to use. */
  | { readonly kind: "failed"; readonly shortChannelId: ShortChannelId; readonly failure: PartFailure };

/** A part that lies on every channel of its way until the payee has all of them. */
export interface HeldPart {
  readonly path: Path;
  readonly htlcs: readonly HeldHtlc[];
}

/** An HTLC on a channel of others. */
interface HeldHtlc {
  readonly shortChannelId: ShortChannelId;
  readonly source: NodeId;
  readonly direction: number;
  /** msat */
  readonly amount: number;
}

const drawnPeers = 5;
/** Heights from which the payer's own channels are numbered: no dump comes so far. */
const ownChannelHeight = 8_000_000;

/**
 * The nodes of a dump with what only they know, the balances of their channels, and a payer beside them, whose own
 * channels nobody has announced. A part goes from node to node, each of which checks what BOLT 4 and BOLT 7 ask for and
 * has enough on its side of the channel, or tells where it failed. The payer's channels are filled again after each
 * payment: it is the network that is tried, not the payer's purse. Whole numbers of msat throughout.
 */
export class SimulatedNetwork {
  readonly dump: GraphDump;
  readonly payer: NodeId;
  readonly balances: HiddenBalances;
  readonly #own: readonly FirstHop[];
  readonly #ownHeld = new Map<ShortChannelId, number>();
  readonly #channels: ReadonlyMap<ShortChannelId, number>;

  constructor(dump: GraphDump, options: SimulatedNetworkOptions) {
    const { seed, balances = "bimodal", ownBalance = 10_000_000 } = options;
    const dice = new Dice(seed);
    this.dump = dump;
    this.payer = nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(0x77)));
    this.balances = new HiddenBalances(dump, balances, dice);
    this.#own = (options.peers ?? drawPeers(dump, dice)).map((counterparty, index) => ({
      counterparty,
      shortChannelId: shortChannelId({ height: ownChannelHeight + index, txIndex: 1, outputIndex: 0 }),
      minimum: msat(1n),
      maximum: msat(BigInt(ownBalance) * 1000n),
    }));
    this.#channels = new Map(dump.channels.map((channel, index) => [channel.shortChannelId, index]));
  }

  /** The payer's channels, with what is left of them beside the parts that are held. */
  firstHops(): readonly FirstHop[] {
    return this.#own.map((hop) => ({
      ...hop,
      maximum: msat(hop.maximum - BigInt(this.#ownHeld.get(hop.shortChannelId) ?? 0)),
    }));
  }

  /** Sends a part on its way. Throws an `Error` for a path that the payer could not even begin. */
  send(path: Path): SentPart {
    const amounts = amountsOf(path.hops);
    const [first] = path.hops;
    const total = amounts[0] ?? 0;
    const own = this.firstHops().find((hop) => hop.shortChannelId === first?.shortChannelId);
    if (own === undefined || own.counterparty !== first?.nodeId || own.maximum < BigInt(total)) {
      throw new Error(`the payer cannot send ${total} msat by channel ${first?.shortChannelId}`);
    }
    const htlcs: HeldHtlc[] = [];
    for (let index = 1; index < path.hops.length; index++) {
      const forwarded = this.#forward(path.hops, amounts, index);
      if (typeof forwarded === "string") {
        for (const { direction, amount } of htlcs) this.balances.release(direction, amount);
        const failing = path.hops[index] as RouteHop;
        return { kind: "failed", shortChannelId: failing.shortChannelId, failure: forwarded };
      }
      htlcs.push(forwarded);
    }
    this.#ownHeld.set(own.shortChannelId, (this.#ownHeld.get(own.shortChannelId) ?? 0) + total);
    return { kind: "arrived", held: { path, htlcs } };
  }

  /** The payee takes all parts: what they held moves. With `isStatic` it stays where it was. */
  settle(parts: readonly HeldPart[], isStatic = false): void {
    for (const { htlcs } of parts) {
      for (const { direction, amount } of htlcs) {
        if (isStatic) this.balances.release(direction, amount);
        else this.balances.settle(direction, amount);
      }
    }
    this.#ownHeld.clear();
  }

  /** The payment is given up: nothing has moved. */
  release(parts: readonly HeldPart[]): void {
    this.settle(parts, true);
  }

  /** The direction by which `source` sends on this channel, and its terms; absent when it has no such channel. */
  #directionOf(id: ShortChannelId, source: NodeId, target: NodeId) {
    const index = this.#channels.get(id);
    const channel = index === undefined ? undefined : this.dump.channels[index];
    if (index === undefined || channel === undefined) return undefined;
    const one = nodeIdAt(this.dump, channel.nodeOne);
    const two = nodeIdAt(this.dump, channel.nodeTwo);
    const capacity = channel.capacity * 1000;
    if (one === source && two === target) return { direction: 2 * index, policy: channel.oneToTwo, capacity };
    if (two === source && one === target)
      return { direction: 2 * index + 1, policy: channel.twoToOne, capacity };
    return undefined;
  }

  /** The node before hop `index` forwards over the hop's channel. */
  #forward(hops: readonly RouteHop[], amounts: readonly number[], index: number): HeldHtlc | PartFailure {
    const previous = hops[index - 1] as RouteHop;
    const hop = hops[index] as RouteHop;
    const found = this.#directionOf(hop.shortChannelId, previous.nodeId, hop.nodeId);
    if (found?.policy === undefined) return "unknown_next_peer";
    const { direction, policy, capacity } = found;
    const amount = amounts[index] ?? 0;
    if (amount < policy.htlcMinimum) return "amount_below_minimum";
    if (Number(previous.fee) < feeOf(policy, amount)) return "fee_insufficient";
    if (previous.cltvExpiryDelta < policy.cltvExpiryDelta) return "incorrect_cltv_expiry";
    if (amount > Math.min(policy.htlcMaximum, capacity)) return "temporary_channel_failure";
    if (!this.balances.hold(direction, amount)) return "temporary_channel_failure";
    return { shortChannelId: hop.shortChannelId, source: previous.nodeId, direction, amount };
  }
}

/** By hop: what passes its channel, msat. */
function amountsOf(hops: readonly RouteHop[]): readonly number[] {
  const amounts: number[] = [];
  let amount = 0;
  for (let index = hops.length - 1; index >= 0; index--) {
    amount += Number(hops[index]?.fee ?? 0n);
    amounts[index] = amount;
  }
  return amounts;
}

/** BOLT 7, "HTLC Fees"; exact: the product may be above 2^53. */
function feeOf({ feeBase, feeProportionalMillionths }: DumpedPolicy, amount: number): number {
  return feeBase + Number((BigInt(amount) * BigInt(feeProportionalMillionths)) / 1_000_000n);
}

/** Nodes that forward, picked by the number of channels by which they do. */
function drawPeers(dump: GraphDump, dice: Dice): readonly NodeId[] {
  const forwarding = dump.channels.flatMap(({ nodeOne, nodeTwo, oneToTwo, twoToOne }) => [
    ...(oneToTwo === undefined ? [] : [nodeOne]),
    ...(twoToOne === undefined ? [] : [nodeTwo]),
  ]);
  if (new Set(forwarding).size < drawnPeers) throw new Error(`fewer than ${drawnPeers} nodes forward`);
  const peers = new Set<number>();
  while (peers.size < drawnPeers) peers.add(pick(dice, forwarding));
  return [...peers].map((peer) => nodeIdAt(dump, peer));
}

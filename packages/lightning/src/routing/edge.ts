import type { ChannelInfo, ReadOnlyNetworkGraph } from "../gossip/index.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { FirstHop, RouteParameters } from "./route.ts";

/**
 * One direction of a channel, as a search sees it. Amounts are plain numbers of millisatoshis here, exact up to 2^53:
 * larger ones stand for "no limit".
 */
export interface Edge {
  readonly source: NodeId;
  readonly shortChannelId: ShortChannelId;
  /** Smallest and largest HTLC. */
  readonly minimum: number;
  readonly maximum: number;
  /** What the source asks for passing a payment on; nothing on our own channels. */
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

const unlimited = Number.MAX_SAFE_INTEGER;

/** An amount as a number; those above 2^53-1 are as good as that. */
export function toNumber(amount: Msat): number {
  return amount > BigInt(unlimited) ? unlimited : Number(amount);
}

/**
 * `base + amount * millionths / 1,000,000`, rounded down as those who forward do (BOLT 7, "HTLC Fees"). Exact; a fee
 * above 2^53 is `Infinity`. The amount is split, so that no product exceeds what a number holds.
 */
export function feeFor(amount: number, feeBaseMsat: number, millionths: number): number {
  const whole = Math.floor(amount / 1_000_000) * millionths;
  const part = Math.floor(((amount % 1_000_000) * millionths) / 1_000_000);
  const fee = feeBaseMsat + whole + part;
  return fee <= unlimited ? fee : Number.POSITIVE_INFINITY;
}

/** All ways into each node: our own channels, those of the graph, and what the recipient hints at. */
export class Edges {
  readonly #graph: ReadOnlyNetworkGraph;
  readonly #payer: NodeId;
  readonly #excluded: ReadonlySet<ShortChannelId>;
  readonly #given = new Map<NodeId, Edge[]>();

  constructor(parameters: RouteParameters, graph: ReadOnlyNetworkGraph) {
    this.#graph = graph;
    this.#payer = parameters.payer;
    this.#excluded = new Set(parameters.excludedChannels);
    // Of several own channels to a node the smallest that will do is used, and the large ones are kept for more.
    const byMaximum = (a: FirstHop, b: FirstHop) =>
      a.maximum < b.maximum ? -1 : a.maximum > b.maximum ? 1 : 0;
    for (const hop of parameters.firstHops.toSorted(byMaximum))
      this.#add(hop.counterparty, firstEdge(this.#payer, hop));
    for (const hint of parameters.routeHints) this.#addHint(hint, parameters.payee);
  }

  /** Whether any channel of ours may be used. */
  get hasFirstHop(): boolean {
    for (const edges of this.#given.values())
      if (edges.some(({ source }) => source === this.#payer)) return true;
    return false;
  }

  forEachInto(target: NodeId, visit: (edge: Edge) => void): void {
    for (const edge of this.#given.get(target) ?? []) if (this.#mayForward(edge.source)) visit(edge);
    for (const channel of this.#graph.node(target)?.channels ?? []) {
      if (channel.unknownFeaturesRequired || this.#excluded.has(channel.shortChannelId)) continue;
      const edge = edgeInto(channel, target);
      // What our own channels can carry, the first hops say.
      if (edge === undefined || edge.source === this.#payer) continue;
      if (this.#mayForward(edge.source)) visit(edge);
    }
  }

  #mayForward(nodeId: NodeId): boolean {
    return this.#graph.node(nodeId)?.announcement?.unknownFeaturesRequired !== true;
  }

  #addHint(hint: RouteParameters["routeHints"][number], payee: NodeId): void {
    for (const [i, hop] of hint.entries()) {
      if (hop.nodeId === this.#payer) continue;
      this.#add(hint[i + 1]?.nodeId ?? payee, {
        source: hop.nodeId,
        shortChannelId: hop.shortChannelId,
        minimum: 0,
        maximum: unlimited,
        feeBaseMsat: hop.feeBaseMsat,
        feeProportionalMillionths: hop.feeProportionalMillionths,
        cltvExpiryDelta: hop.cltvExpiryDelta,
      });
    }
  }

  #add(target: NodeId, edge: Edge): void {
    if (this.#excluded.has(edge.shortChannelId)) return;
    const edges = this.#given.get(target);
    if (edges === undefined) this.#given.set(target, [edge]);
    else edges.push(edge);
  }
}

function firstEdge(payer: NodeId, { shortChannelId, minimum, maximum }: FirstHop): Edge {
  return {
    source: payer,
    shortChannelId,
    minimum: toNumber(minimum),
    maximum: toNumber(maximum),
    feeBaseMsat: 0,
    feeProportionalMillionths: 0,
    cltvExpiryDelta: 0,
  };
}

/** The direction of a channel that leads to `target`, if its source forwards on it. */
function edgeInto(channel: ChannelInfo, target: NodeId): Edge | undefined {
  const isOneToTwo = channel.nodeTwo === target;
  const terms = isOneToTwo ? channel.oneToTwo : channel.twoToOne;
  if (terms === undefined || !terms.enabled) return undefined;
  return {
    source: isOneToTwo ? channel.nodeOne : channel.nodeTwo,
    shortChannelId: channel.shortChannelId,
    minimum: toNumber(terms.htlcMinimum),
    maximum: toNumber(terms.htlcMaximum),
    feeBaseMsat: terms.feeBaseMsat,
    feeProportionalMillionths: terms.feeProportionalMillionths,
    cltvExpiryDelta: terms.cltvExpiryDelta,
  };
}

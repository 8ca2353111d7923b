import type { ChannelInfo, ReadOnlyNetworkGraph } from "../gossip/index.ts";
import type { BlindedPaymentPath, IntroductionNode } from "../onion/blindedPath.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { type Msat, satToMsat } from "../util/units.ts";
import { Features } from "../wire/index.ts";
import type { FirstHop, InFlightHtlcs, RouteHintHop, RouteRequest } from "./route.ts";

/**
 * One direction of a channel, as a search sees it. Amounts are plain numbers of millisatoshis here, exact up to 2^53:
 * larger ones stand for "no limit".
 */
export interface Edge {
  readonly source: NodeId;
  /** A blinded path has a made-up one, below zero. */
  readonly shortChannelId: ShortChannelId;
  /** Smallest and largest HTLC. */
  readonly minimum: number;
  readonly maximum: number;
  /** What the source asks for passing a payment on; nothing on our own channels. */
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
  /** Set when this is all of a blinded path, from its introduction node to the recipient. */
  readonly blindedPath?: BlindedPaymentPath;
}

const unlimited = Number.MAX_SAFE_INTEGER;

/** Stands for the recipient behind blinded paths, whom nobody knows by name. */
export const blindedPayee = "blinded" as NodeId;

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

/** How channels may be filled. */
export interface Filling {
  /** At most 1/2^n of what a channel of others can hold. */
  readonly saturationPowerOfHalf: number;
  /** HTLCs of ours that take up channels of others already. */
  readonly inFlightHtlcs: readonly InFlightHtlcs[];
}

/** An edge, and what its channel holds in all; as much as the largest HTLC where that is unknown. */
interface Held {
  readonly edge: Edge;
  readonly holds: number;
}

/**
 * All ways into each node: our own channels, those of the graph, and what the recipient hints at. What was looked up
 * once is kept for the next search.
 */
export class Edges {
  readonly #graph: ReadOnlyNetworkGraph;
  readonly #payer: NodeId;
  readonly #excluded: ReadonlySet<ShortChannelId>;
  readonly #excludedNodes: ReadonlySet<NodeId>;
  readonly #given = new Map<NodeId, Edge[]>();
  readonly #announced = new Map<NodeId, readonly Held[]>();
  /** What is under way, or planned, over a direction of a channel. */
  readonly #used = new Map<ShortChannelId, Map<NodeId, number>>();
  #saturation = 1;

  constructor(request: RouteRequest, graph: ReadOnlyNetworkGraph) {
    const { payee, previouslyFailedChannels, previouslyFailedNodes } = request.parameters.paymentParameters;
    this.#graph = graph;
    this.#payer = request.payer;
    this.#excluded = new Set(previouslyFailedChannels);
    this.#excludedNodes = new Set(previouslyFailedNodes);
    // Of several own channels to a node the smallest that will do is used, and the large ones are kept for more.
    const byMaximum = (a: FirstHop, b: FirstHop) =>
      a.maximum < b.maximum ? -1 : a.maximum > b.maximum ? 1 : 0;
    for (const hop of request.firstHops.toSorted(byMaximum))
      this.#add(hop.counterparty, firstEdge(this.#payer, hop));
    if (payee.kind === "clear") {
      for (const hint of payee.routeHints.slice(0, mostHints)) this.#addHint(hint, payee.nodeId);
    } else {
      const failed = new Set(request.parameters.paymentParameters.previouslyFailedBlindedPathIndexes);
      for (const [i, path] of payee.paths.slice(0, mostHints).entries())
        if (!failed.has(i)) this.#addBlinded(path, i);
    }
  }

  /** Begins anew, with nothing planned. */
  fill({ saturationPowerOfHalf, inFlightHtlcs }: Filling): void {
    this.#saturation = 2 ** saturationPowerOfHalf;
    this.#used.clear();
    for (const { shortChannelId, source, amount } of inFlightHtlcs) {
      // What our own channels can still carry, the first hops say.
      if (source !== this.#payer) this.use({ shortChannelId, source }, toNumber(amount));
    }
  }

  /** What the largest of our own channels can still carry; `undefined` when none may be used. */
  get largestFirstHop(): number | undefined {
    let largest: number | undefined;
    for (const edges of this.#given.values()) {
      for (const edge of edges) {
        if (edge.source !== this.#payer) continue;
        largest = Math.max(largest ?? 0, this.#left(edge, edge.maximum));
      }
    }
    return largest;
  }

  /** `maximum` is what the edge can carry beside what is planned and under way. */
  forEachInto(target: NodeId, visit: (edge: Edge, maximum: number) => void): void {
    for (const edge of this.#given.get(target) ?? []) visit(edge, this.#left(edge, edge.maximum));
    for (const { edge, holds } of this.#announcedInto(target)) {
      visit(edge, this.#left(edge, holds / this.#saturation));
    }
  }

  /** From now on `amount` of the channel is taken in this direction. */
  use({ shortChannelId, source }: Pick<Edge, "shortChannelId" | "source">, amount: number): void {
    const used = this.#used.get(shortChannelId);
    if (used === undefined) this.#used.set(shortChannelId, new Map([[source, amount]]));
    else used.set(source, (used.get(source) ?? 0) + amount);
  }

  #left(edge: Edge, holds: number): number {
    const used = this.#used.size === 0 ? 0 : (this.#used.get(edge.shortChannelId)?.get(edge.source) ?? 0);
    return Math.min(edge.maximum, Math.floor(holds) - used);
  }

  #announcedInto(target: NodeId): readonly Held[] {
    const known = this.#announced.get(target);
    if (known !== undefined) return known;
    const held: Held[] = [];
    for (const channel of this.#graph.node(target)?.channels ?? []) {
      if (channel.unknownFeaturesRequired || this.#excluded.has(channel.shortChannelId)) continue;
      const edge = edgeInto(channel, target);
      if (edge === undefined || edge.source === this.#payer || !this.#mayForward(edge.source)) continue;
      const { capacity } = channel;
      held.push({ edge, holds: capacity === undefined ? edge.maximum : toNumber(satToMsat(capacity)) });
    }
    this.#announced.set(target, held);
    return held;
  }

  #mayForward(nodeId: NodeId): boolean {
    return (
      !this.#excludedNodes.has(nodeId) &&
      this.#graph.node(nodeId)?.announcement?.unknownFeaturesRequired !== true
    );
  }

  #addHint(hint: readonly RouteHintHop[], payee: NodeId): void {
    for (const [i, hop] of hint.slice(0, mostHintHops).entries()) {
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

  #addBlinded(path: BlindedPaymentPath, index: number): void {
    const { payinfo } = path;
    const source = nodeOf(path.introductionNode, this.#graph);
    // A path that begins with us has to be unwrapped before: nobody else can be asked to pass it on.
    if (source === undefined || source === this.#payer) return;
    if (Features.fromBytes(payinfo.features).unknownRequiredBits().length > 0) return;
    this.#add(blindedPayee, {
      source,
      shortChannelId: BigInt(-1 - index) as ShortChannelId,
      minimum: toNumber(payinfo.htlcMinimum),
      maximum: toNumber(payinfo.htlcMaximum),
      feeBaseMsat: toNumber(payinfo.feeBase),
      feeProportionalMillionths: payinfo.feeProportionalMillionths,
      cltvExpiryDelta: payinfo.cltvExpiryDelta,
      blindedPath: path,
    });
  }

  #add(target: NodeId, edge: Edge): void {
    if (this.#excluded.has(edge.shortChannelId) || !this.#mayForward(edge.source)) return;
    const edges = this.#given.get(target);
    if (edges === undefined) this.#given.set(target, [edge]);
    else edges.push(edge);
  }
}

/** Hints, or blinded paths, that are looked at: more are no help, and an invoice must not be able to keep us busy. */
const mostHints = 1_000;
/** Longer than any path. */
const mostHintHops = 20;

function nodeOf(introduction: IntroductionNode, graph: ReadOnlyNetworkGraph): NodeId | undefined {
  if (introduction.kind === "node-id") return introduction.nodeId;
  const channel = graph.channel(introduction.shortChannelId);
  return introduction.direction === 0 ? channel?.nodeOne : channel?.nodeTwo;
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

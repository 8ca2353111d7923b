import { edgeAmount, edgeFlag, edgeWord, type RoutingGraph } from "../gossip/index.ts";
import type { BlindedPaymentPath, IntroductionNode } from "../onion/index.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import { Features } from "../wire/index.ts";
import type { NodeNumbers } from "./nodeNumbers.ts";
import type { FirstHop, Payee, RouteHintHop, RouteRequest } from "./route.ts";

/**
 * An edge that the graph does not have: a channel of ours, one that the recipient hints at, or all of a blinded path.
 */
export interface LocalEdge {
  /** Numbers of nodes (`NodeNumbers`). */
  readonly source: number;
  readonly target: number;
  /** Smallest and largest HTLC, msat. */
  readonly minimum: number;
  readonly maximum: number;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
  /** A blinded path has none. */
  readonly shortChannelId?: ShortChannelId;
  readonly blindedPath?: BlindedPaymentPath;
}

/** Largest amount that a number holds exactly: what is above is as good as that. */
export const unlimited = Number.MAX_SAFE_INTEGER;

/** An amount as a number; those above 2^53-1 are as good as that. */
export function toNumber(amount: Msat): number {
  return amount > BigInt(unlimited) ? unlimited : Number(amount);
}

/** Hints, or blinded paths, that are looked at: more are no help, and an invoice must not be able to keep us busy. */
const mostHints = 1_000;
/** Longer than any path. */
const mostHintHops = 20;
const maxU32 = 0xffff_ffff;

/** What the edges of a request are made from. */
interface Surroundings {
  readonly request: RouteRequest;
  readonly graph: RoutingGraph;
  readonly nodes: NodeNumbers;
  readonly payer: number;
  readonly payee: number;
}

/**
 * All edges of a request that the graph does not have, those excluded apart; our own channels first, the smallest
 * before others.
 */
export function localEdgesOf(at: Surroundings): readonly LocalEdge[] {
  const { request, payer } = at;
  const { paymentParameters } = request.parameters;
  const excluded = new Set(paymentParameters.previouslyFailedChannels);
  const edges: LocalEdge[] = [];
  for (const hop of request.firstHops.toSorted(byMaximum)) edges.push(firstEdge(hop, at));
  const own = new Map(
    request.firstHops.map(({ shortChannelId, counterparty }) => [shortChannelId, at.nodes.of(counterparty)]),
  );
  const { payee } = paymentParameters;
  if (payee.kind === "clear") {
    for (const hint of payee.routeHints.slice(0, mostHints)) edges.push(...hintEdges(hint, own, at));
  } else {
    const failed = new Set(paymentParameters.previouslyFailedBlindedPathIndexes);
    edges.push(...blindedEdges(payee, failed, at));
  }
  return edges.filter(
    ({ source, target, shortChannelId }) =>
      source !== target &&
      target !== payer &&
      (shortChannelId === undefined || !excluded.has(shortChannelId)),
  );
}

function byMaximum(a: FirstHop, b: FirstHop): number {
  return a.maximum < b.maximum ? -1 : a.maximum > b.maximum ? 1 : 0;
}

function firstEdge(hop: FirstHop, { nodes, payer }: Surroundings): LocalEdge {
  return {
    source: payer,
    target: nodes.of(hop.counterparty),
    minimum: toNumber(hop.minimum),
    maximum: toNumber(hop.maximum),
    feeBaseMsat: 0,
    feeProportionalMillionths: 0,
    cltvExpiryDelta: 0,
    shortChannelId: hop.shortChannelId,
  };
}

/** From the payee backwards, until it comes to us. What is announced, the graph knows better. */
function hintEdges(
  hint: readonly RouteHintHop[],
  own: ReadonlyMap<ShortChannelId, number>,
  { graph, nodes, payer, payee }: Surroundings,
): readonly LocalEdge[] {
  const edges: LocalEdge[] = [];
  let target = payee;
  for (const hop of hint.slice(-mostHintHops).toReversed()) {
    const { shortChannelId, feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta } = hop;
    const source = nodes.of(hop.nodeId);
    if (source === payer || own.get(shortChannelId) === target) break;
    if (feeBaseMsat > maxU32 || feeProportionalMillionths > maxU32) break;
    if (!isUsable(edgeBetween(graph, shortChannelId, source, target), graph)) {
      const terms = { feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta, shortChannelId };
      edges.push({ source, target, minimum: 0, maximum: unlimited, ...terms });
    }
    target = source;
  }
  return edges;
}

function blindedEdges(
  { paths }: Extract<Payee, { kind: "blinded" }>,
  failed: ReadonlySet<number>,
  { request, graph, nodes, payer, payee }: Surroundings,
): readonly LocalEdge[] {
  const edges: LocalEdge[] = [];
  for (const [index, path] of paths.slice(0, mostHints).entries()) {
    const { payinfo, blindedHops } = path;
    if (failed.has(index) || blindedHops.length === 0) continue;
    const introduction = introductionOf(path.introductionNode, graph, request);
    // A path that begins with us has to be unwrapped before: nobody else can be asked to pass it on.
    if (introduction === undefined || introduction === nodes.idOf(payer)) continue;
    if (Features.fromBytes(payinfo.features).unknownRequiredBits().length > 0) continue;
    if (payinfo.feeBase > BigInt(maxU32)) continue;
    edges.push({
      source: nodes.of(introduction),
      target: payee,
      minimum: toNumber(payinfo.htlcMinimum),
      maximum: toNumber(payinfo.htlcMaximum),
      feeBaseMsat: toNumber(payinfo.feeBase),
      feeProportionalMillionths: payinfo.feeProportionalMillionths,
      cltvExpiryDelta: payinfo.cltvExpiryDelta,
      blindedPath: path,
    });
  }
  return edges;
}

function introductionOf(
  introduction: IntroductionNode,
  graph: RoutingGraph,
  { payer, firstHops }: RouteRequest,
): NodeId | undefined {
  if (introduction.kind === "node-id") return introduction.nodeId;
  const { shortChannelId, direction } = introduction;
  const slot = graph.channelSlot(shortChannelId);
  if (slot !== undefined) {
    const edge = 2 * slot + direction;
    return graph.nodeIdOf(graph.edgeWords[edge * edgeWord.count + edgeWord.source] as number);
  }
  // The path may begin at the other end of a channel of ours that is not announced.
  const peer = firstHops.find((hop) => hop.shortChannelId === shortChannelId)?.counterparty;
  if (peer === undefined) return undefined;
  return (direction === 0) === peer < payer ? peer : payer;
}

/** The edge of a channel of the graph that leads from one node to the other. */
export function edgeBetween(
  graph: RoutingGraph,
  id: ShortChannelId,
  source: number,
  target?: number,
): number | undefined {
  const slot = graph.channelSlot(id);
  if (slot === undefined) return undefined;
  for (const edge of [2 * slot, 2 * slot + 1]) {
    const words = edge * edgeWord.count;
    if (graph.edgeWords[words + edgeWord.source] !== source) continue;
    if (target === undefined || graph.edgeWords[words + edgeWord.target] === target) return edge;
  }
  return undefined;
}

function isUsable(edge: number | undefined, { edgeWords }: RoutingGraph): boolean {
  return (
    edge !== undefined &&
    ((edgeWords[edge * edgeWord.count + edgeWord.flags] as number) &
      (edgeFlag.usable | edgeFlag.unknownFeaturesRequired)) ===
      edgeFlag.usable
  );
}

/** Edges laid out like those of a graph. */
export interface EdgeColumns {
  readonly edgeWords: Uint32Array;
  readonly edgeAmounts: Float64Array;
}

/** The edges as columns, in their order. */
export function columnsOf(edges: readonly LocalEdge[]): EdgeColumns {
  const buffer = new ArrayBuffer(edges.length * edgeAmount.count * 8);
  const edgeWords = new Uint32Array(buffer);
  const edgeAmounts = new Float64Array(buffer);
  for (const [i, edge] of edges.entries()) {
    const words = i * edgeWord.count;
    const amounts = i * edgeAmount.count;
    edgeAmounts[amounts + edgeAmount.htlcMinimum] = edge.minimum;
    edgeAmounts[amounts + edgeAmount.htlcMaximum] = edge.maximum;
    edgeAmounts[amounts + edgeAmount.capacity] = edge.maximum;
    edgeWords[words + edgeWord.source] = edge.source;
    edgeWords[words + edgeWord.target] = edge.target;
    edgeWords[words + edgeWord.feeBaseMsat] = edge.feeBaseMsat;
    edgeWords[words + edgeWord.feeProportionalMillionths] = edge.feeProportionalMillionths;
    edgeWords[words + edgeWord.cltvExpiryDelta] = edge.cltvExpiryDelta;
    edgeWords[words + edgeWord.flags] = edgeFlag.usable | edgeFlag.hasTerms;
  }
  return { edgeWords, edgeAmounts };
}

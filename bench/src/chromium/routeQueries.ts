import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import {
  DefaultRouter,
  defaultMaxFee,
  type FirstHop,
  ProbabilisticScorer,
  paymentParameters,
  type Route,
  type RouteRequest,
} from "@fulmen/lightning/routing";
import { type Msat, msat, type NodeId, type ShortChannelId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import type { SimulatedPayment } from "@fulmen/testkit/routing";

/** Routes that a payer wants, one payment as if there were no other. Every value survives JSON. */
export interface RouteQueries {
  readonly payer: NodeId;
  readonly firstHops: readonly {
    readonly counterparty: NodeId;
    /** In decimal digits. */
    readonly shortChannelId: string;
    /** msat */
    readonly maximum: number;
  }[];
  readonly payments: readonly SimulatedPayment[];
  /** How often each route is searched for: the fastest search counts, since others use the machine, too. */
  readonly searches: number;
}

/** What came of the queries, in their order. */
export interface RouteAnswers {
  readonly channelCount: number;
  /** Milliseconds that the graph took to be read. */
  readonly readMs: number;
  /** By payment: its paths, or why there are none. */
  readonly routes: readonly string[];
  /** By payment: milliseconds that its fastest search took. */
  readonly searchMs: readonly number[];
}

const finalCltvExpiryDelta = 18;

/**
 * Reads what `NetworkGraph.write` wrote and asks for a route for each payment, with a scorer that has learned nothing.
 * It runs wherever JavaScript does, and gives the same routes everywhere.
 */
export function answerQueries(graphBytes: Uint8Array, queries: RouteQueries): RouteAnswers {
  const readStart = performance.now();
  const graph = NetworkGraph.read(graphBytes, { chainHash: networks.mainnet.genesisHash });
  const readMs = performance.now() - readStart;
  const router = new DefaultRouter(graph, new ProbabilisticScorer({ graph }));
  const firstHops = queries.firstHops.map(firstHopOf);
  const routes: string[] = [];
  const searchMs: number[] = [];
  for (const payment of queries.payments) {
    const request = requestFor(payment, queries.payer, firstHops);
    let route = "";
    let fastest = Number.POSITIVE_INFINITY;
    for (let search = 0; search < queries.searches; search++) {
      const start = performance.now();
      const found = router.findRoute(request);
      fastest = Math.min(fastest, performance.now() - start);
      route = found.ok ? textOf(found.value) : found.error.kind;
    }
    routes.push(route);
    searchMs.push(fastest);
  }
  return { channelCount: graph.channelCount, readMs, routes, searchMs };
}

function firstHopOf({ counterparty, shortChannelId, maximum }: RouteQueries["firstHops"][number]): FirstHop {
  return {
    counterparty,
    shortChannelId: BigInt(shortChannelId) as ShortChannelId,
    minimum: msat(1n),
    maximum: msat(BigInt(maximum)),
  };
}

function requestFor(
  { payee, amount, takesParts }: SimulatedPayment,
  payer: NodeId,
  firstHops: readonly FirstHop[],
): RouteRequest {
  const finalValue: Msat = msat(BigInt(amount));
  const features = Features.of(takesParts ? { basic_mpp: "optional" } : {}).toBytes();
  return {
    payer,
    parameters: {
      paymentParameters: paymentParameters({
        kind: "clear",
        nodeId: payee,
        routeHints: [],
        features,
        finalCltvExpiryDelta,
      }),
      finalValue,
      maxFee: defaultMaxFee(finalValue),
    },
    firstHops,
    inFlightHtlcs: [],
  };
}

/** One line for each path: for each hop its node, channel, fee and blocks. */
function textOf({ paths }: Route): string {
  return paths
    .map(({ hops }) =>
      hops.map((hop) => `${hop.nodeId} ${hop.shortChannelId} ${hop.fee} ${hop.cltvExpiryDelta}`).join(", "),
    )
    .join("\n");
}

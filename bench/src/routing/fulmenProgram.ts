import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import {
  DefaultRouter,
  defaultMaxFee,
  feesOf,
  ProbabilisticScorer,
  paymentParameters,
  type Route,
  type RouteRequest,
} from "@fulmen/lightning/routing";
import { msat, shortChannelId, type UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { loadInto } from "@fulmen/testkit/routing";
import { benchGraph } from "../benchGraph.ts";
import { dividedPenalties } from "../dividedPenalties.ts";
import { takeTurns } from "../side.ts";
import {
  finalCltvExpiryDelta,
  firstHopMsat,
  inTens,
  payerId,
  queryCount,
  querySeed,
  type RouteAnswer,
  type RouteQuery,
  routeQueries,
} from "./routeQueries.ts";

// Our side of the routing benchmark. Its parameter: how many paths a route may have.
installNodeCrypto();
const maxPathCount = Number(process.argv[2]);
const now = Math.floor(Date.now() / 1000) as UnixSeconds;
const { dump } = benchGraph();
const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
loadInto(graph, dump, now);
const feeParameters = dividedPenalties(5);
const router = new DefaultRouter(graph, new ProbabilisticScorer({ graph, feeParameters }));
const features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  basic_mpp: "optional",
}).toBytes();

await takeTurns(inTens(routeQueries(dump, querySeed, queryCount), answer));

function answer(query: RouteQuery): RouteAnswer {
  const request = requestOf(query);
  const start = performance.now();
  const found = router.findRoute(request);
  const milliseconds = performance.now() - start;
  return found.ok
    ? { milliseconds, feeMsat: feeOf(found.value), parts: found.value.paths.length }
    : { milliseconds };
}

function requestOf({ peer, payee: nodeId, amountMsat }: RouteQuery): RouteRequest {
  const payee = { kind: "clear", nodeId, routeHints: [], features, finalCltvExpiryDelta } as const;
  const finalValue = msat(amountMsat);
  const ours = shortChannelId({ height: 1, txIndex: 0, outputIndex: 0 });
  return {
    payer: payerId,
    parameters: {
      paymentParameters: paymentParameters(payee, { maxPathCount }),
      finalValue,
      maxFee: defaultMaxFee(finalValue),
    },
    firstHops: [{ counterparty: peer, shortChannelId: ours, minimum: msat(1), maximum: msat(firstHopMsat) }],
    inFlightHtlcs: [],
    randomSeed: new Uint8Array(32).fill(42),
  };
}

function feeOf({ paths }: Route): number {
  return paths.reduce((sum, path) => sum + Number(feesOf(path)), 0);
}

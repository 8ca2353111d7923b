import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { DefaultRouter, ProbabilisticScorer } from "@fulmen/lightning/routing";
import { loadInto } from "@fulmen/testkit/routing";
import { dividedPenalties } from "../dividedPenalties.ts";
import { type RunOptions, run, simulatedGraph, simulatedNow } from "./run.ts";

// Our side of the simulation. Its parameter: `RunOptions` as JSON.
const options = JSON.parse(process.argv[2] ?? "") as RunOptions;
const { penaltyDivisor: divisor = 1 } = options;
installNodeCrypto();
const { dump } = simulatedGraph();
const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
loadInto(graph, dump, simulatedNow);
const scorer = new ProbabilisticScorer({ graph, feeParameters: dividedPenalties(divisor) });
const router = new DefaultRouter(graph, scorer);
process.stdout.write(JSON.stringify(await run(dump, { router, scorer }, options)));

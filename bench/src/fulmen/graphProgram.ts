import { writeFileSync } from "node:fs";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { loadInto } from "@fulmen/testkit/routing";
import { benchGraph } from "../benchGraph.ts";
import { type GraphSample, graphTime, timed } from "../graphSample.ts";

// Loads our graph and measures that. The file that the parameter names gets it as we write it.
const options = { chainHash: networks.mainnet.genesisHash };
const { dump } = benchGraph();

const started = performance.now();
const graph = new NetworkGraph(options);
loadInto(graph, dump, graphTime);
const loadMs = performance.now() - started;

const written = timed(() => graph.write());
const read = timed(() => NetworkGraph.read(written.result, options));
writeFileSync(process.argv[2] ?? "", written.result);
const sample: GraphSample = {
  channels: read.result.channelCount,
  loadMs,
  writeMs: written.ms,
  readMs: read.ms,
  bytes: written.result.length,
};
process.stdout.write(JSON.stringify(sample));

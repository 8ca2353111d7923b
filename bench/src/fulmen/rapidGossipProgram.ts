import { readFileSync } from "node:fs";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph, RapidGossipSync } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";

// Reads snapshots into an empty graph, one after the other, and tells the milliseconds of each.
const [, , now, ...paths] = process.argv;
const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
const sync = new RapidGossipSync(graph);
const milliseconds = paths.map((path) => {
  const bytes = readFileSync(path);
  const started = performance.now();
  const result = sync.updateNetworkGraph(bytes, Number(now) as UnixSeconds);
  if (!result.ok) throw new Error(result.error.text);
  return performance.now() - started;
});
process.stdout.write(JSON.stringify({ milliseconds, channels: graph.channelCount }));

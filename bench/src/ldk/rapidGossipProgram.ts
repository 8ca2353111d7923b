import { readFileSync } from "node:fs";
import * as ldk from "lightningdevkit";
import { loadLdk } from "./loadLdk.ts";

// Reads snapshots into an empty graph, one after the other, and tells the milliseconds of each.
await loadLdk();
const [, , now, ...paths] = process.argv;
const logger = ldk.Logger.new_impl({ log: () => {} });
const graph = ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Bitcoin, logger);
const sync = ldk.RapidGossipSync.constructor_new(graph, logger);
const milliseconds = paths.map((path) => {
  const bytes = readFileSync(path);
  const time = ldk.Option_u64Z.constructor_some(BigInt(now ?? 0));
  const started = performance.now();
  const result = sync.update_network_graph_no_std(bytes, time);
  if (!result.is_ok()) throw new Error("LDK refuses the snapshot");
  return performance.now() - started;
});
const view = graph.read_only();
const channels = view.list_channels().length;
view.free();
process.stdout.write(JSON.stringify({ milliseconds, channels }));
process.exit(0);

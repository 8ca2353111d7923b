import { benchGraph } from "../benchGraph.ts";
import { loadLdkGraph, silentLogger } from "../ldk/loadGraph.ts";
import { loadLdk } from "../ldk/loadLdk.ts";
import { ldkRouteChooser } from "../ldk/routeChooser.ts";
import { type RunOptions, run, simulatedNow } from "./run.ts";

// LDK's side of the simulation. Its parameter: `RunOptions` as JSON.
const options = JSON.parse(process.argv[2] ?? "") as RunOptions;
const t0 = performance.now();
await loadLdk();
const { dump } = benchGraph();
const logger = silentLogger();
const graph = loadLdkGraph(dump, simulatedNow, logger);
console.error("loaded", performance.now() - t0);
const result = await run(dump, ldkRouteChooser(graph, dump, logger), options);
process.stdout.write(JSON.stringify(result));

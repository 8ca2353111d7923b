import { installNodeCrypto } from "@fulmen/crypto-node";
import { loadLdkGraph, silentLogger } from "../ldk/loadGraph.ts";
import { loadLdk } from "../ldk/loadLdk.ts";
import { ldkRouteChooser } from "../ldk/routeChooser.ts";
import { type RunOptions, run, simulatedGraph, simulatedNow } from "./run.ts";

// LDK's side of the simulation. Its parameter: `RunOptions` as JSON.
const options = JSON.parse(process.argv[2] ?? "") as RunOptions;
installNodeCrypto();
await loadLdk();
const { dump } = simulatedGraph();
const logger = silentLogger();
const chooser = ldkRouteChooser(loadLdkGraph(dump, simulatedNow, logger), dump, logger);
process.stdout.write(JSON.stringify(await run(dump, chooser, options)));

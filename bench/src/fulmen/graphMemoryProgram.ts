import { readFileSync } from "node:fs";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { type GraphMemory, settledMemory } from "../graphSample.ts";

// Reads our graph from the file that the parameter names, and tells by how much the process grew.
const bytes = new Uint8Array(readFileSync(process.argv[2] ?? ""));
const before = await settledMemory();
const graph = NetworkGraph.read(bytes, { chainHash: networks.mainnet.genesisHash });
const memory: GraphMemory = { addedBytes: (await settledMemory()) - before };
if (graph.channelCount === 0) throw new Error("an empty graph");
process.stdout.write(JSON.stringify(memory));

import { readFileSync } from "node:fs";
import * as ldk from "lightningdevkit";
import { type GraphMemory, settledMemory } from "../graphSample.ts";
import { loadLdk } from "./loadLdk.ts";

// Reads LDK's graph from the file that the parameter names, and tells by how much the process grew.
await loadLdk();
const logger = ldk.Logger.new_impl({ log: () => {} });
const bytes = new Uint8Array(readFileSync(process.argv[2] ?? ""));
const before = await settledMemory();
const result = ldk.NetworkGraph.constructor_read(bytes, logger);
if (!(result instanceof ldk.Result_NetworkGraphDecodeErrorZ_OK)) throw new Error("not read");
const memory: GraphMemory = { addedBytes: (await settledMemory()) - before };
process.stdout.write(JSON.stringify(memory));

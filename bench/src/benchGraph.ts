import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type GraphDump, generateGraph, parseGraphDump } from "@fulmen/testkit/routing";

/** A network to measure with, and where it comes from. */
export interface BenchGraph {
  readonly dump: GraphDump;
  /** For the notes of a benchmark. */
  readonly source: string;
}

const generatedSeed = 2024;

/**
 * Mainnet's public graph from the file that `MAINNET_GRAPH` names (a dump as `parseGraphDump` reads it, or that
 * compressed by gzip), or from a file beside the project; where there is none, a generated one.
 */
export function benchGraph(path: string | undefined = graphPath()): BenchGraph {
  if (path === undefined) {
    const dump = generateGraph({ seed: generatedSeed });
    return { dump, source: `generated, ${sizeOf(dump)}` };
  }
  const bytes = readFileSync(path);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
  const dump = parseGraphDump(text);
  return { dump, source: `${path.replace(/^.*\//, "")}, ${sizeOf(dump)}` };
}

function graphPath(): string | undefined {
  const named = process.env["MAINNET_GRAPH"];
  if (named !== undefined && named !== "") return named;
  const beside = new URL("../../../shared/data/mainnet-graph-2024-09-22.json.gz", import.meta.url);
  return existsSync(beside) ? fileURLToPath(beside) : undefined;
}

function sizeOf({ nodes, channels }: GraphDump): string {
  return `${nodes.length} nodes, ${channels.length} channels`;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchGraph } from "./benchGraph.ts";
import { runNode } from "./childProcess.ts";
import type { GraphMemory, GraphSample } from "./graphSample.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";

type Side = "fulmen" | "ldk";

/** What we have to reach: so many times better than LDK's WebAssembly. */
const factors = { load: 20, memory: 5, bytes: 1, write: 5, read: 5 } as const;

/**
 * How fast the whole public network enters the graph, is written and read, and how much room it takes: ours and LDK's.
 */
export async function graphBench(rounds: number): Promise<BenchResult> {
  const directory = mkdtempSync(join(tmpdir(), "fulmen-bench-graph-"));
  try {
    const samples = { fulmen: [] as GraphSample[], ldk: [] as GraphSample[] };
    const memories = { fulmen: [] as GraphMemory[], ldk: [] as GraphMemory[] };
    for (let round = 0; round < rounds; round++) {
      for (const side of ["fulmen", "ldk"] as const) {
        const file = join(directory, side);
        samples[side].push(await run<GraphSample>(side, "graphProgram", file));
        memories[side].push(await run<GraphMemory>(side, "graphMemoryProgram", file));
      }
    }
    const figure = (side: Side, name: keyof GraphSample) => median(samples[side].map((one) => one[name]));
    const added = (side: Side) => median(memories[side].map(({ addedBytes }) => addedBytes)) / 1e6;
    const against = (name: keyof GraphSample, scale = 1) =>
      [figure("fulmen", name) / scale, figure("ldk", name) / scale] as const;
    return {
      cases: [
        caseOf("load", "ms", against("loadMs"), factors.load),
        caseOf("memory", "MB", [added("fulmen"), added("ldk")], factors.memory),
        caseOf("serialised", "MB", against("bytes", 1e6), factors.bytes),
        caseOf("write", "ms", against("writeMs"), factors.write),
        caseOf("read", "ms", against("readMs"), factors.read),
      ],
      notes: [
        `graph: ${benchGraph().source}`,
        "load: an empty graph is told of each channel and each direction's terms, unsigned, by a call for each",
        "write, read: the best of three runs in each process",
        "memory: resident, added to a process by reading the graph from bytes",
        "LDK's graph has no capacities: its bindings do not take them",
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function caseOf(
  name: string,
  unit: string,
  [ours, ldk]: readonly [number, number],
  factor: number,
): MeasuredCase {
  return { name, unit, better: "lower", ours, rival: { name: "ldk", figure: ldk }, target: ldk / factor };
}

function run<T>(side: Side, program: string, file: string): Promise<T> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = fileURLToPath(new URL(`./${side}/${program}.${extension}`, import.meta.url));
  return runNode<T>([...process.execArgv, "--expose-gc", path, file]);
}

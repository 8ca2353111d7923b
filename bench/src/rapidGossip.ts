import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeRapidSnapshot, RapidGossipHistory, rapidSnapshotSince } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { benchGraph } from "./benchGraph.ts";
import { runNode } from "./childProcess.ts";
import { changeFees, rapidGossipGraph } from "./fulmen/rapidGossipGraph.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";

const start = 1_800_000_000 as UnixSeconds;
const later = (start + 24 * 3600) as UnixSeconds;

/** What a program that reads snapshots tells. */
interface Reading {
  readonly milliseconds: readonly number[];
  readonly channels: number;
}

/** Snapshots of mainnet's size, and what changed in a day: how they are made, how large they are, how they are read. */
export async function rapidGossipBench(rounds: number): Promise<BenchResult> {
  const { dump, source } = benchGraph();
  const graph = rapidGossipGraph(dump, start);
  const timer = new Timer();
  const history = timer.time("the graph looked at", () => RapidGossipHistory.of(graph, start));
  const full = [1, 2].map((version) => snapshot(history, version === 1 ? 1 : 2, 0));
  const made = Array.from({ length: rounds }, () => timer.time("made", () => snapshot(history, 2, 0)));
  changeFees(graph, dump, 20, later);
  timer.time("the graph looked at again", () => history.observe(graph, later));
  const delta = timer.time("the delta made", () => snapshot(history, 2, start));

  const folder = mkdtempSync(join(tmpdir(), "fulmen-bench-rapid-gossip-"));
  try {
    const files = { v1: full[0], v2: full[1], delta };
    const paths = Object.fromEntries(
      Object.entries(files).map(([name, bytes]) => {
        const path = join(folder, name);
        writeFileSync(path, bytes ?? "");
        return [name, path];
      }),
    );
    const read = async (program: string, ...names: readonly string[]): Promise<Reading> => {
      const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
      const path = fileURLToPath(new URL(`./${program}/rapidGossipProgram.${extension}`, import.meta.url));
      const parameters = names.map((name) => paths[name] ?? "");
      return runNode<Reading>([...process.execArgv, path, String(later), ...parameters]);
    };
    const cases: MeasuredCase[] = [];
    for (const names of [["v1"], ["v2", "delta"]]) {
      const ours: Reading[] = [];
      const theirs: Reading[] = [];
      for (let round = 0; round < rounds; round++) {
        ours.push(await read("fulmen", ...names));
        theirs.push(await read("ldk", ...names));
      }
      if (ours[0]?.channels !== theirs[0]?.channels) throw new Error("the graphs differ");
      for (const [index, name] of names.entries()) {
        const of = (readings: readonly Reading[]): number =>
          median(readings.map(({ milliseconds }) => milliseconds[index] ?? Number.NaN));
        const rival = { name: "ldk", figure: of(theirs) } as const;
        cases.push({
          name: `read ${titles[name] ?? name}`,
          unit: "ms",
          better: "lower",
          ours: of(ours),
          rival,
        });
      }
    }
    for (const [name, bytes = new Uint8Array(0)] of Object.entries(files)) {
      const title = titles[name] ?? name;
      cases.push({ name: `size of ${title}`, unit: "kB", better: "lower", ours: bytes.length / 1e3 });
      const compressed = gzipSync(bytes).length / 1e3;
      cases.push({ name: `${title}, compressed`, unit: "kB", better: "lower", ours: compressed });
    }
    const notes = [
      source,
      `made ${made.length} times`,
      ...timer.notes(),
      "read: each in a new process, no crypto",
    ];
    return { cases, notes };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const titles: Readonly<Record<string, string>> = {
  v1: "a full snapshot, version 1",
  v2: "a full snapshot, version 2",
  delta: "a day's changes of every 20th direction",
};

function snapshot(history: RapidGossipHistory, version: 1 | 2, since: number): Uint8Array {
  return encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: since as UnixSeconds }));
}

/** Remembers how long what took. */
class Timer {
  readonly #times = new Map<string, number[]>();

  time<T>(name: string, work: () => T): T {
    const started = performance.now();
    const result = work();
    this.#times.set(name, [...(this.#times.get(name) ?? []), performance.now() - started]);
    return result;
  }

  notes(): readonly string[] {
    return Array.from(this.#times, ([name, times]) => `${name}: ${median(times).toFixed(0)} ms`);
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { MemoryStore } from "@fulmen/persist/memory";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { runNode } from "./childProcess.ts";
import type { Role } from "./fulmen/benchLine.ts";
import { allEntries, forwardingLine } from "./fulmen/forwardingLine.ts";
import { type BenchResult, median } from "./measuredCase.ts";
import type { PaymentsSample } from "./paymentsMeasurement.ts";
import { type Side, startSide } from "./side.ts";

const few = 10;
const many = 5_000;
const mostSeconds = 10;
const mostMegabytes = 1_000;
const mostRatio = 1.2;
const secondsPerRound = 2;

/** What a node tells of its start. */
export interface LargeStart {
  /** Since the process started. */
  readonly readyMs: number;
  /** The most memory that the process ever had. */
  readonly mostBytes: number;
  readonly channels: number;
}

/**
 * A node with 5,000 channels, all but three of them with peers that are away: how long it takes to start from SQLite,
 * and a payment through it against one through a node with 10 channels.
 */
export async function largeBench(rounds: number): Promise<BenchResult> {
  const starts = await measureStarts(rounds);
  const ready = median(starts.map(({ readyMs }) => readyMs)) / 1_000;
  const memory = median(starts.map(({ mostBytes }) => mostBytes)) / 1e6;
  const [fewMs, manyMs] = await measurePayments(rounds);
  const lower = { better: "lower" } as const;
  return {
    cases: [
      { name: `start, ${many} channels`, unit: "s", ...lower, ours: ready, target: mostSeconds },
      { name: `memory, ${many} channels`, unit: "MB", ...lower, ours: memory, target: mostMegabytes },
      { name: `payment through ${few} channels`, unit: "ms", ...lower, ours: fewMs },
      { name: `payment through ${many} channels`, unit: "ms", ...lower, ours: manyMs },
      {
        name: `payment, ${many} channels to ${few}`,
        unit: "times",
        ...lower,
        ours: manyMs / fewMs,
        target: mostRatio,
      },
    ],
    notes: [
      "start: from that of the process to a node that could connect, records read from SQLite",
      "memory: the most that was resident by then",
      `payment: CPU time of all three nodes, one payment at a time, in turn; medians of ${rounds} rounds`,
    ],
  };
}

async function measureStarts(rounds: number): Promise<readonly LargeStart[]> {
  installNodeCrypto();
  const hop = new MemoryStore();
  const line = await forwardingLine(many, {
    storeOf: (role: Role) => (role === "hop" ? hop : new MemoryStore()),
  });
  const { height } = line.node("hop").manager.bestBlock;
  const folder = await mkdtemp(join(tmpdir(), "fulmen-bench-"));
  try {
    const path = join(folder, "hop.sqlite");
    const store = await openSqliteStore(path);
    await store.commit(await allEntries(hop));
    await store.close();
    const program = fileURLToPath(import.meta.resolve("./fulmen/largeStartProgram.ts"));
    const parameters = [...process.execArgv, program, path, String(line.seedByte("hop")), String(height)];
    const starts: LargeStart[] = [];
    for (let round = 0; round < rounds; round++) starts.push(await runNode<LargeStart>(parameters));
    for (const { channels } of starts) if (channels !== many) throw new Error(`${channels} channels`);
    return starts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Milliseconds of CPU for a payment through a node with few channels, and through one with many. */
async function measurePayments(rounds: number): Promise<readonly [number, number]> {
  const sides = await Promise.all(
    [few, many].map(
      (channels): Promise<Side<PaymentsSample>> => startSide("fulmen/largePaymentsProgram", String(channels)),
    ),
  );
  const costs = sides.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, side] of sides.entries()) {
      const { cpuMsPerPayment } = await side.sample(secondsPerRound);
      // The first round is a warm-up.
      if (round >= 0) costs[index]?.push(cpuMsPerPayment);
    }
  }
  for (const side of sides) await side.end();
  return costs.map(median) as [number, number];
}

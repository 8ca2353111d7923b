import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import { type Side, startSide } from "./side.ts";

/** As many HTLCs as BOLT 2 allows to offer at once. */
const mostInFlight = 483;
const warmUpSeconds = 4;
const secondsPerRound = 4;
/** Longer than that, nothing may come through. */
const longestGapMs = 5_000;

/** What came through a hop in both directions. */
export interface ForwardSample {
  /** Without the time in which invoices were made. */
  readonly elapsedMs: number;
  /** From paying to `payment-sent`, one for each payment. */
  readonly latenciesMs: readonly number[];
  /** HTLCs that one channel of the hop had at once, both ways together. */
  readonly mostHtlcs: number;
  /** The longest time in which no payment came through. */
  readonly longestGapMs: number;
}

/**
 * Payments between two nodes over a third, all in one process and thread and without a store: with one in flight each
 * way, and with as many as channels hold, each replaced by another as soon as its HTLC is gone.
 */
export async function forwardBench(rounds: number): Promise<BenchResult> {
  const cases: MeasuredCase[] = [];
  for (const inFlight of [1, mostInFlight]) {
    const side: Side<ForwardSample> = await startSide("fulmen/forwardProgram", String(inFlight));
    await side.sample(warmUpSeconds);
    const samples: ForwardSample[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await side.sample(secondsPerRound));
    await side.end();
    cases.push(...casesOf(`${inFlight} in flight each way`, inFlight, samples));
  }
  return {
    cases,
    notes: [
      `1M msat each, anchors channels; medians of ${rounds} rounds of ${secondsPerRound} s, percentiles over all of a round's payments`,
      "latency: from paying to `payment-sent`; the machine's two cores run all three nodes in one thread",
      "HTLCs: the most that a channel of the hop had at once, both ways together",
    ],
  };
}

function casesOf(name: string, inFlight: number, samples: readonly ForwardSample[]): readonly MeasuredCase[] {
  const of = (figure: (sample: ForwardSample) => number): number => median(samples.map(figure));
  return [
    {
      name: `${name}: throughput`,
      unit: "payments/s",
      better: "higher",
      ours: of(({ latenciesMs, elapsedMs }) => (latenciesMs.length * 1_000) / elapsedMs),
    },
    {
      name: `${name}: latency, p50`,
      unit: "ms",
      better: "lower",
      ours: of(({ latenciesMs }) => percentile(latenciesMs, 50)),
    },
    {
      name: `${name}: latency, p99`,
      unit: "ms",
      better: "lower",
      ours: of(({ latenciesMs }) => percentile(latenciesMs, 99)),
    },
    {
      name: `${name}: HTLCs`,
      unit: "HTLCs",
      better: "higher",
      ours: of(({ mostHtlcs }) => mostHtlcs),
      ...(inFlight === mostInFlight && { target: 2 * mostInFlight }),
    },
    {
      name: `${name}: longest gap`,
      unit: "ms",
      better: "lower",
      ours: Math.max(...samples.map((sample) => sample.longestGapMs)),
      target: longestGapMs,
    },
  ];
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

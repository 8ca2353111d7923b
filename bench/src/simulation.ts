import { fileURLToPath } from "node:url";
import { type PaymentOutcome, type SimulationSummary, summarize } from "@fulmen/testkit/routing";
import { runNode } from "./childProcess.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import { type Run, type RunOptions, simulatedGraph } from "./simulation/run.ts";

const seed = 1;
/** With the usual five rounds: 2,000 payments by which the scorers learn, and 500 that are counted. */
const warmUpPerRound = 400;
const measuredPerRound = 100;
/** LDK 0.1 weighs all chances of failure by a fifth of what LDK's later versions do, and we. */
const ldkPenaltyDivisor = 5;

/**
 * Payments over the benches' graph with hidden balances, most of them on one side, by our router and scorer and by
 * LDK's, each with its defaults and alone in a process: the same payments, the same balances at first, the same changes
 * of them by others. LDK runs beside ours, which runs again with LDK's parameters and with the other solver, for the
 * tables.
 */
export async function simulationBench(rounds: number): Promise<BenchResult> {
  const options: RunOptions = {
    seed,
    balances: "bimodal",
    warmUp: warmUpPerRound * rounds,
    measured: measuredPerRound * rounds,
  };
  const ldkRun = runSide("ldkProgram", options);
  const ours = await runSide("ourProgram", options);
  const likeLdk = await runSide("ourProgram", { ...options, penaltyDivisor: ldkPenaltyDivisor });
  const asFlow = await runSide("ourProgram", { ...options, solver: "min-cost-flow" });
  const ldk = await ldkRun;
  const sides = Object.entries({
    ours,
    "ours, parameters of LDK 0.1": likeLdk,
    "ours, min-cost flow": asFlow,
    LDK: ldk,
  });
  return {
    cases: casesOf(ours, ldk),
    tables: [
      { name: "Measured payments", rows: sides.map(([side, run]) => row(side, run)) },
      {
        name: "Payments of the warm-up",
        rows: sides.map(([side, run]) => ({ side, ...shares(summarize(run.warmUp)) })),
      },
    ],
    notes: [
      `${simulatedGraph().source}; balances drawn with seed ${seed}, nearly all of a channel's on one side`,
      `${options.warmUp} payments in one part of up to 1,000,000 sat, then ${options.measured} of up to 10,000,000 sat`,
      "each payment is tried up to seven times; its payee could receive it when the simulation began",
      "both sides run at the same time, each on a core of its own if there are two",
    ],
  };
}

function casesOf(ours: Run, ldk: Run): readonly MeasuredCase[] {
  const our = summarize(ours.measured);
  const their = summarize(ldk.measured);
  const both = ours.measured.map(({ isPaid }, index) => isPaid && ldk.measured[index]?.isPaid === true);
  const attempts = ({ measured }: Run): number =>
    summarize(measured.filter((_, index) => both[index])).meanAttempts;
  const share = (
    name: string,
    of: (summary: SimulationSummary) => number,
    isAsked = false,
  ): MeasuredCase => ({
    ...{
      name,
      unit: "%",
      better: "higher",
      ours: 100 * of(our),
      rival: { name: "ldk", figure: 100 * of(their) },
    },
    ...(isAsked && { target: 100 * of(their) }),
  });
  const lower = (
    name: string,
    unit: string,
    figures: readonly [number, number],
    isAsked = false,
  ): MeasuredCase => ({
    name,
    unit,
    better: "lower",
    ours: figures[0],
    rival: { name: "ldk", figure: figures[1] },
    ...(isAsked && { target: figures[1] }),
  });
  return [
    share("made at the first attempt", ({ firstAttemptShare }) => firstAttemptShare, true),
    share("made in the end", ({ paidShare }) => paidShare),
    lower("attempts of a payment", "attempts", [our.meanAttempts, their.meanAttempts], true),
    lower("attempts of those that both made", "attempts", [attempts(ours), attempts(ldk)]),
    lower("fees of what was paid", "ppm", [our.feePpm, their.feePpm]),
    lower("search, median", "ms", [median(ours.searchMs), median(ldk.searchMs)]),
    lower("search, mean", "ms", [mean(ours.searchMs), mean(ldk.searchMs)]),
    lower("payment, mean", "ms", [perPayment(ours), perPayment(ldk)]),
  ];
}

function row(side: string, run: Run): Readonly<Record<string, string | number>> {
  const summary = summarize(run.measured);
  return {
    side,
    ...shares(summary),
    "attempts when made": round(summary.meanAttemptsOfPaid, 3),
    "parts sent": round(summary.meanPartsSent, 2),
    "parts when made": round(summary.meanParts, 2),
    "mean ppm": round(summary.meanFeePpm, 0),
    "ms a search": round(mean(run.searchMs), 1),
    "ms a payment": round(perPayment(run), 1),
  };
}

function shares(summary: SimulationSummary): Readonly<Record<string, number>> {
  return {
    payments: summary.payments,
    "% at first": round(100 * summary.firstAttemptShare, 1),
    "% made": round(100 * summary.paidShare, 1),
    attempts: round(summary.meanAttempts, 3),
    "fee ppm": round(summary.feePpm, 0),
  };
}

function runSide(program: string, options: RunOptions): Promise<Run> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = fileURLToPath(new URL(`./simulation/${program}.${extension}`, import.meta.url));
  return runNode([...process.execArgv, path, JSON.stringify(options)]);
}

function perPayment({
  measured,
  measuredMs,
}: {
  readonly measured: readonly PaymentOutcome[];
  readonly measuredMs: number;
}): number {
  return measuredMs / measured.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(figure: number, digits: number): number {
  return Number(figure.toFixed(digits));
}

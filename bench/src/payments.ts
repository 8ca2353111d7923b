import { runProgram } from "./childProcess.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import type { PaymentsOptions, PaymentsResult } from "./paymentsMeasurement.ts";

const paymentCases: Readonly<Record<string, PaymentsOptions>> = {
  "10k msat, 1 in flight": { amountMsat: 10_000, inFlight: 1, warmUp: 200, count: 200 },
  "10k msat, 30 in flight": { amountMsat: 10_000, inFlight: 30, warmUp: 300, count: 600 },
  "1M msat, 1 in flight": { amountMsat: 1_000_000, inFlight: 1, warmUp: 200, count: 200 },
  "1M msat, 30 in flight": { amountMsat: 1_000_000, inFlight: 30, warmUp: 300, count: 600 },
};

/** Cases that are measured with our store too; LDK's bindings bring none. */
const durableCases = ["1M msat, 1 in flight", "1M msat, 30 in flight"];

/**
 * Payments per second between two nodes, ours and LDK's: everything as a program would run it, in one process and
 * thread, but for sockets and, on both sides, the store. Then ours with the store.
 */
export async function paymentsBench(rounds: number): Promise<BenchResult> {
  const cases: MeasuredCase[] = [];
  const notes: string[] = [];
  for (const [name, options] of Object.entries(paymentCases)) {
    const ours: PaymentsResult[] = [];
    const ldk: PaymentsResult[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await runOurs(options));
      ldk.push(await runProgram<PaymentsResult>("ldk/paymentsProgram", [JSON.stringify(options)]));
    }
    cases.push({ ...caseOf(name, ours), rival: { name: "ldk", figure: rateOf(ldk) } });
    notes.push(`${name}: ${cpuOf(ours)} ms of CPU for one payment, LDK ${cpuOf(ldk)} ms (both nodes)`);
  }
  for (const name of durableCases) {
    const options = paymentCases[name];
    if (options === undefined) throw new Error(`no such case: ${name}`);
    const ours: PaymentsResult[] = [];
    for (let round = 0; round < rounds; round++) ours.push(await runOurs(options, "durable"));
    cases.push(caseOf(`${name}, durable on SQLite`, ours));
  }
  return { cases, notes };
}

function runOurs(options: PaymentsOptions, ...how: readonly "durable"[]): Promise<PaymentsResult> {
  return runProgram<PaymentsResult>("fulmen/paymentsProgram", [JSON.stringify(options), ...how]);
}

function caseOf(name: string, ours: readonly PaymentsResult[]): MeasuredCase {
  return { name, unit: "payments/s", better: "higher", ours: rateOf(ours) };
}

function rateOf(results: readonly PaymentsResult[]): number {
  return median(results.map(({ paymentsPerSecond }) => paymentsPerSecond));
}

function cpuOf(results: readonly PaymentsResult[]): string {
  return median(results.map(({ cpuMsPerPayment }) => cpuMsPerPayment)).toFixed(2);
}

import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import type { PaymentsOptions, PaymentsSample } from "./paymentsMeasurement.ts";
import { type Side, startSide } from "./side.ts";

const paymentCases: Readonly<Record<string, PaymentsOptions>> = {
  "10k msat, 1 in flight": { amountMsat: 10_000, inFlight: 1 },
  "10k msat, 30 in flight": { amountMsat: 10_000, inFlight: 30 },
  "1M msat, 1 in flight": { amountMsat: 1_000_000, inFlight: 1 },
  "1M msat, 30 in flight": { amountMsat: 1_000_000, inFlight: 30 },
};

/** Cases that are measured with our store too; LDK's bindings bring none. */
const durableCases = ["1M msat, 1 in flight", "1M msat, 30 in flight"];

/** Both sides are compiled while they run. */
const warmUpSeconds = 4;
const secondsPerRound = 2;

/**
 * Payments per second between two nodes, ours and LDK's: everything as a program would run it, in one process and
 * thread, but for sockets and, on both sides, the store. Then ours with the store.
 */
export async function paymentsBench(rounds: number): Promise<BenchResult> {
  const cases: MeasuredCase[] = [];
  const notes = [
    `each side alone in a process, warmed up for ${warmUpSeconds} s, then in turn; medians of ${rounds} rounds`,
  ];
  for (const [name, options] of Object.entries(paymentCases)) {
    const parameters = JSON.stringify(options);
    const [ours = [], ldk = []] = await sampleInTurn(rounds, [
      await startSide("fulmen/paymentsProgram", parameters),
      await startSide("ldk/paymentsProgram", parameters),
    ]);
    cases.push({ ...caseOf(name, ours), rival: { name: "ldk", figure: rateOf(ldk) } });
    notes.push(`${name}: ${cpuOf(ours)} ms of CPU for one payment, LDK ${cpuOf(ldk)} ms (both nodes)`);
  }
  for (const name of durableCases) {
    const parameters = JSON.stringify(paymentCases[name]);
    const durable: Side<PaymentsSample> = await startSide("fulmen/paymentsProgram", parameters, "durable");
    const [ours = []] = await sampleInTurn(rounds, [durable]);
    cases.push(caseOf(`${name}, durable on SQLite`, ours));
  }
  return { cases, notes };
}

/** The samples of each side, after its warm-up; ends the sides. */
async function sampleInTurn(
  rounds: number,
  sides: readonly Side<PaymentsSample>[],
): Promise<readonly (readonly PaymentsSample[])[]> {
  for (const side of sides) await side.sample(warmUpSeconds);
  const samples: PaymentsSample[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, side] of sides.entries()) samples[index]?.push(await side.sample(secondsPerRound));
  }
  for (const side of sides) await side.end();
  return samples;
}

function caseOf(name: string, ours: readonly PaymentsSample[]): MeasuredCase {
  return { name, unit: "payments/s", better: "higher", ours: rateOf(ours) };
}

function rateOf(samples: readonly PaymentsSample[]): number {
  return median(samples.map(({ paymentsPerSecond }) => paymentsPerSecond));
}

function cpuOf(samples: readonly PaymentsSample[]): string {
  return median(samples.map(({ cpuMsPerPayment }) => cpuMsPerPayment)).toFixed(2);
}

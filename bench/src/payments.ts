import { type BenchResult, type MeasuredCase, type MeasuredTable, median } from "./measuredCase.ts";
import { ceilingOf, type OperationsSample, operationsTable } from "./operations.ts";
import type { PaymentsOptions, PaymentsSample } from "./paymentsMeasurement.ts";
import { type Side, startSide } from "./side.ts";

const paymentCases: Readonly<Record<string, PaymentsOptions>> = {
  "10k msat, 1 in flight": { amountMsat: 10_000, inFlight: 1 },
  "10k msat, 30 in flight": { amountMsat: 10_000, inFlight: 30 },
  "1M msat, 1 in flight": { amountMsat: 1_000_000, inFlight: 1 },
  "1M msat, 30 in flight": { amountMsat: 1_000_000, inFlight: 30 },
};

/** Both sides are compiled while they run. */
const warmUpSeconds = 8;
const secondsPerRound = 2;

/** Of the payments per second that the operations on the curve would allow, as many per cent have to be made. */
const leastShare = 60;
/** Of the payments per second without a store, as many per cent have to be made with one. */
const leastDurableShare = 50;

/**
 * Payments per second between two nodes, ours and LDK's: everything as a program would run it, in one process and
 * thread, but for sockets and, on both sides, the store. Beside them the most that our operations on the curve allow,
 * by their number and by what each takes meanwhile, and ours with its store: LDK's bindings bring none.
 */
export async function paymentsBench(rounds: number): Promise<BenchResult> {
  const cases: MeasuredCase[] = [];
  const tables: MeasuredTable[] = [];
  const notes = [
    `each side alone in a process, warmed up for ${warmUpSeconds} s, then in turn; medians of ${rounds} rounds`,
    "ceiling: if nothing took time but the operations on the curve, counted in a third process that takes its turns",
  ];
  for (const [name, options] of Object.entries(paymentCases)) {
    const parameters = JSON.stringify(options);
    const { ours, ldk, counted, durable } = await sampleInTurn(rounds, {
      ours: await startSide("fulmen/paymentsProgram", parameters),
      ldk: await startSide("ldk/paymentsProgram", parameters),
      counted: await startSide("fulmen/operationsProgram", parameters),
      durable: await startSide("fulmen/paymentsProgram", parameters, "durable"),
    });
    const ceiling = ceilingOf(counted);
    const alone = options.inFlight === 1;
    cases.push(
      { ...rateCase(name, rateOf(ours)), rival: { name: "ldk", figure: rateOf(ldk) } },
      rateCase(`${name}: ceiling`, ceiling),
      shareCase(`${name}: share of the ceiling`, rateOf(ours) / ceiling, alone ? leastShare : undefined),
      rateCase(`${name}: durable on SQLite`, rateOf(durable)),
      shareCase(
        `${name}: share that is left when durable`,
        rateOf(durable) / rateOf(ours),
        alone ? undefined : leastDurableShare,
      ),
    );
    tables.push(operationsTable(name, counted));
    notes.push(
      `${name}: ${cpuOf(ours)} ms of CPU for one payment, durable ${cpuOf(durable)} ms, LDK ${cpuOf(ldk)} ms (both nodes)`,
    );
  }
  return { cases, tables, notes };
}

interface Sides {
  readonly ours: Side<PaymentsSample>;
  readonly ldk: Side<PaymentsSample>;
  readonly counted: Side<OperationsSample>;
  readonly durable: Side<PaymentsSample>;
}

/** The samples of each side, after its warm-up; ends the sides. */
async function sampleInTurn(rounds: number, sides: Sides) {
  const { ours, ldk, counted, durable } = sides;
  for (const side of Object.values<Side<unknown>>({ ...sides })) await side.sample(warmUpSeconds);
  const samples = {
    ours: [] as PaymentsSample[],
    ldk: [] as PaymentsSample[],
    counted: [] as OperationsSample[],
    durable: [] as PaymentsSample[],
  };
  for (let round = 0; round < rounds; round++) {
    samples.ours.push(await ours.sample(secondsPerRound));
    samples.ldk.push(await ldk.sample(secondsPerRound));
    samples.counted.push(await counted.sample(secondsPerRound));
    samples.durable.push(await durable.sample(secondsPerRound));
  }
  for (const side of Object.values<Side<unknown>>({ ...sides })) await side.end();
  return samples;
}

function rateCase(name: string, paymentsPerSecond: number): MeasuredCase {
  return { name, unit: "payments/s", better: "higher", ours: paymentsPerSecond };
}

function shareCase(name: string, share: number, target: number | undefined): MeasuredCase {
  return { name, unit: "%", better: "higher", ours: 100 * share, ...(target !== undefined && { target }) };
}

function rateOf(samples: readonly PaymentsSample[]): number {
  return median(samples.map(({ paymentsPerSecond }) => paymentsPerSecond));
}

function cpuOf(samples: readonly PaymentsSample[]): string {
  return median(samples.map(({ cpuMsPerPayment }) => cpuMsPerPayment)).toFixed(2);
}

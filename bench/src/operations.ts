import { curveOperations } from "./fulmen/curveOperations.ts";
import { type MeasuredTable, median } from "./measuredCase.ts";

/** What both nodes computed on the curve for some payments. */
export interface OperationsSample {
  readonly payments: number;
  readonly usage: readonly {
    readonly node: string;
    readonly operation: string;
    readonly calls: number;
    readonly ms: number;
  }[];
}

/** Payments per second if nothing but the operations on the curve took time, by the median of the samples. */
export function ceilingOf(samples: readonly OperationsSample[]): number {
  const msPerPayment = samples.map(
    ({ payments, usage }) => usage.reduce((sum, { ms }) => sum + ms, 0) / payments,
  );
  return 1_000 / median(msPerPayment);
}

/** How often each node computes each of them for one payment, what one takes, and what both nodes' take together. */
export function operationsTable(name: string, samples: readonly OperationsSample[]): MeasuredTable {
  const rows = curveOperations.flatMap((operation) => {
    const each = samples.map(({ payments, usage }) => {
      const calls = (node: string): number => sumOf(usage, operation, node, "calls");
      const ms = sumOf(usage, operation, undefined, "ms");
      const all = sumOf(usage, operation, undefined, "calls");
      return { payer: calls("payer") / payments, payee: calls("payee") / payments, ms, all, payments };
    });
    if (each.every(({ all }) => all === 0)) return [];
    return [
      {
        operation,
        payer: round(median(each.map(({ payer }) => payer)), 2),
        payee: round(median(each.map(({ payee }) => payee)), 2),
        "µs each": round(median(each.map(({ ms, all }) => (ms * 1_000) / all)), 1),
        "µs a payment": round(median(each.map(({ ms, payments }) => (ms * 1_000) / payments)), 0),
      },
    ];
  });
  return { name: `${name}: operations on the curve for a payment`, rows };
}

function sumOf(
  usage: OperationsSample["usage"],
  operation: string,
  node: string | undefined,
  what: "calls" | "ms",
): number {
  return usage
    .filter((one) => one.operation === operation && (node === undefined || one.node === node))
    .reduce((sum, one) => sum + one[what], 0);
}

function round(figure: number, digits: number): number {
  return Number(figure.toFixed(digits));
}

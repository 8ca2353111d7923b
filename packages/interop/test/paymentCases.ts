import type { FormatName } from "@fulmen/lightning/commitment";
import { bothFormats, bothSides, type Side } from "./ourPair.ts";

/** A payment over one channel, to be disturbed. */
export interface PaymentCase {
  readonly format: FormatName;
  readonly payer: Side;
  readonly outcome: "fulfilled" | "refused";
}

/** Of the eight payments those four in which any two of format, payer and outcome meet, or the other four. */
export function paymentCases(which: "all-pairs" | "others"): readonly PaymentCase[] {
  const cases = bothFormats.flatMap((format, i) =>
    bothSides.flatMap((payer, j) =>
      (["fulfilled", "refused"] as const).map((outcome, k) => ({ format, payer, outcome, sum: i + j + k })),
    ),
  );
  return cases.filter(({ sum }) => (sum % 2 === 0) === (which === "all-pairs"));
}

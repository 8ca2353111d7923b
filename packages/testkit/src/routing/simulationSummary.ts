import type { PartFailure } from "./simulatedNetwork.ts";
import type { PaymentOutcome } from "./simulation.ts";

/** How a run of payments went. Shares are from 0 to 1. */
export interface SimulationSummary {
  readonly payments: number;
  readonly paidShare: number;
  /** Of all payments, those that the first route brought to their end. */
  readonly firstAttemptShare: number;
  /** Routes asked for by a payment, made or not. */
  readonly meanAttempts: number;
  /** Routes asked for by a payment that was made. */
  readonly meanAttemptsOfPaid: number;
  /** Parts sent for a payment, those that failed included. */
  readonly meanPartsSent: number;
  /** Parts of a payment that was made. */
  readonly meanParts: number;
  /** All fees, as millionths of all that was paid. */
  readonly feePpm: number;
  /** The same of each payment that was made, and of these the mean. */
  readonly meanFeePpm: number;
  /** How many parts failed for each reason. */
  readonly failures: Readonly<Record<PartFailure, number>>;
}

/** Sums up these payments. Means over nothing are 0. */
export function summarize(outcomes: readonly PaymentOutcome[]): SimulationSummary {
  const paid = outcomes.filter(({ isPaid }) => isPaid);
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  const count = (kind: PartFailure): number => failures.filter((failure) => failure === kind).length;
  return {
    payments: outcomes.length,
    paidShare: mean(outcomes.map(({ isPaid }) => Number(isPaid))),
    firstAttemptShare: mean(outcomes.map(({ isPaid, attempts }) => Number(isPaid && attempts === 1))),
    meanAttempts: mean(outcomes.map(({ attempts }) => attempts)),
    meanAttemptsOfPaid: mean(paid.map(({ attempts }) => attempts)),
    meanPartsSent: mean(outcomes.map(({ partsSent }) => partsSent)),
    meanParts: mean(paid.map(({ parts }) => parts)),
    feePpm: (1_000_000 * mean(paid.map(({ fee }) => fee))) / (mean(paid.map(({ amount }) => amount)) || 1),
    meanFeePpm: mean(paid.map(({ fee, amount }) => (1_000_000 * fee) / amount)),
    failures: {
      temporary_channel_failure: count("temporary_channel_failure"),
      unknown_next_peer: count("unknown_next_peer"),
      amount_below_minimum: count("amount_below_minimum"),
      fee_insufficient: count("fee_insufficient"),
      incorrect_cltv_expiry: count("incorrect_cltv_expiry"),
    },
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}

import type { KvWrite } from "@fulmen/lightning/chain";
import { msat } from "@fulmen/lightning/util";
import { BenchPair } from "./benchPair.ts";

export interface PaymentsOptions {
  /** Of each payment; below 354,000 it is dust. */
  readonly amountMsat: number;
  /** Payments started together, 1..50; the next ones start when all are done. */
  readonly inFlight: number;
  /** Payments that are timed, after `inFlight` more that are not. */
  readonly count: number;
}

export interface PaymentsResult extends PaymentsOptions {
  readonly paymentsPerSecond: number;
  /** CPU time of the process for one payment, both sides, in milliseconds: less noisy than the wall clock. */
  readonly cpuMsPerPayment: number;
}

/**
 * Our node paying our node in one process and thread: from paying an invoice (with its route search) to `payment-sent`,
 * over one anchors channel through two `PeerManager`s with encryption. Invoices are made before the clock starts.
 */
export function payments(
  options: PaymentsOptions,
  store?: (writes: readonly KvWrite[]) => void,
): PaymentsResult {
  const pair = new BenchPair(store);
  const { amountMsat, inFlight, count } = options;
  payAll(pair, invoices(pair, amountMsat, inFlight * 10), inFlight);
  const prepared = invoices(pair, amountMsat, count);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  payAll(pair, prepared, inFlight);
  const seconds = (performance.now() - before) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    ...options,
    paymentsPerSecond: Number((count / seconds).toFixed(2)),
    cpuMsPerPayment: Number(((user + system) / 1_000 / count).toFixed(3)),
  };
}

function invoices(pair: BenchPair, amountMsat: number, count: number): readonly string[] {
  return Array.from(
    { length: count },
    () =>
      pair.payee.manager.createBolt11Invoice({
        amount: msat(amountMsat),
        description: "",
        expirySeconds: 86_400,
      }).invoice,
  );
}

function payAll(pair: BenchPair, prepared: readonly string[], inFlight: number): void {
  for (let next = 0; next < prepared.length; next += inFlight) {
    const batch = prepared.slice(next, next + inFlight);
    for (const invoice of batch) pair.payer.manager.payForBolt11Invoice(invoice);
    let paid = 0;
    pair.settle((event) => {
      if (event.kind === "payment-sent") paid++;
      if (event.kind === "payment-failed") throw new Error(event.reason);
    });
    if (paid !== batch.length) throw new Error(`${paid} of ${batch.length} payments went through`);
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Invoice, parseInvoice } from "@fulmen/lightning/invoice";
import { msat } from "@fulmen/lightning/util";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { type PaymentsOptions, type PaymentsResult, timePayments } from "../paymentsMeasurement.ts";
import { BenchPair, type PairStores } from "./benchPair.ts";

/**
 * Our node paying our node in one process and thread: from paying an invoice (with its route search) to `payment-sent`,
 * over one anchors channel through two `PeerManager`s with encryption. Invoices are made and parsed before the clock
 * starts. Batches are committed to the nodes' stores, where there are any.
 */
export async function payments(options: PaymentsOptions, stores?: PairStores): Promise<PaymentsResult> {
  const pair = await BenchPair.open(stores);
  const { amountMsat, inFlight, warmUp, count } = options;
  await payAll(pair, invoices(pair, amountMsat, warmUp), inFlight);
  const prepared = invoices(pair, amountMsat, count);
  return timePayments(count, () => payAll(pair, prepared, inFlight));
}

/** `payments` with each node's records in an SQLite database of its own, every batch on the disk before it has effects. */
export async function durablePayments(options: PaymentsOptions): Promise<PaymentsResult> {
  const folder = await mkdtemp(join(tmpdir(), "fulmen-bench-"));
  const stores = {
    payer: await openSqliteStore(join(folder, "payer.sqlite")),
    payee: await openSqliteStore(join(folder, "payee.sqlite")),
  };
  try {
    return await payments(options, stores);
  } finally {
    await Promise.all([stores.payer.close(), stores.payee.close()]);
    await rm(folder, { recursive: true });
  }
}

function invoices(pair: BenchPair, amountMsat: number, count: number): readonly Invoice[] {
  return Array.from({ length: count }, () => {
    const { invoice } = pair.payee.manager.createBolt11Invoice({
      amount: msat(amountMsat),
      description: "",
      expirySeconds: 86_400,
    });
    const parsed = parseInvoice(invoice);
    if (!parsed.ok) throw new Error(parsed.error.kind);
    return parsed.value;
  });
}

async function payAll(pair: BenchPair, prepared: readonly Invoice[], inFlight: number): Promise<void> {
  for (let next = 0; next < prepared.length; next += inFlight) {
    const batch = prepared.slice(next, next + inFlight);
    for (const invoice of batch) pair.payer.manager.payForBolt11Invoice(invoice);
    let paid = 0;
    await pair.settle((event) => {
      if (event.kind === "payment-sent") paid++;
      if (event.kind === "payment-failed") throw new Error(event.reason);
    });
    if (paid !== batch.length) throw new Error(`${paid} of ${batch.length} payments went through`);
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Invoice, parseInvoice } from "@fulmen/lightning/invoice";
import { msat } from "@fulmen/lightning/util";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import type { Payments } from "../paymentsMeasurement.ts";
import { BenchPair, type PairOptions, type PairStores } from "./benchPair.ts";

/**
 * Our node paying our node in one process and thread: from paying an invoice (with its route search) to `payment-sent`,
 * over one anchors channel through two `PeerManager`s with encryption. Invoices are made and parsed before the clock
 * starts. Batches are committed to the nodes' stores, where there are any.
 */
export async function ourPayments(amountMsat: number, options: PairOptions = {}): Promise<Payments<Invoice>> {
  const pair = await BenchPair.open(options);
  return {
    prepare: (count) => invoices(pair, amountMsat, count),
    pay: (together) => payAll(pair, together),
  };
}

/** Gives each node an SQLite database of its own, where every batch is on the disk before it has effects. */
export async function withSqliteStores<T>(use: (stores: PairStores) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "fulmen-bench-"));
  try {
    const payer = await openSqliteStore(join(folder, "payer.sqlite"));
    const payee = await openSqliteStore(join(folder, "payee.sqlite"));
    const result = await use({ payer, payee });
    await Promise.all([payer.close(), payee.close()]);
    return result;
  } finally {
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

async function payAll(pair: BenchPair, together: readonly Invoice[]): Promise<void> {
  for (const invoice of together) pair.turnOf("payer").manager.payForBolt11Invoice(invoice);
  let paid = 0;
  await pair.settle((event) => {
    if (event.kind === "payment-sent") paid++;
    if (event.kind === "payment-failed") throw new Error(event.reason);
  });
  if (paid !== together.length) throw new Error(`${paid} of ${together.length} payments went through`);
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KVStore } from "@fulmen/lightning/chain";
import { type Invoice, parseInvoice } from "@fulmen/lightning/invoice";
import { msat, present } from "@fulmen/lightning/util";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import type { Payments } from "../paymentsMeasurement.ts";
import { BenchLine, type LineOptions, type Role } from "./benchLine.ts";
import type { BenchNode } from "./benchNode.ts";

/**
 * Our node paying our node in one process and thread: from paying an invoice (with its route search) to `payment-sent`,
 * over one anchors channel through two `PeerManager`s with encryption. Invoices are made and parsed before the clock
 * starts. Batches are committed to the nodes' stores, where there are any.
 */
export async function ourPayments(amountMsat: number, options: LineOptions = {}): Promise<Payments<Invoice>> {
  const line = await BenchLine.open(options);
  return {
    prepare: (count) => invoicesOf(line.node("payee"), amountMsat, count),
    pay: (together) => payAll(line, together),
  };
}

/** Gives each node an SQLite database of its own, where every batch is on the disk before it has effects. */
export async function withSqliteStores<T>(
  roles: readonly Role[],
  use: (storeOf: (role: Role) => KVStore) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "fulmen-bench-"));
  try {
    const stores = new Map<Role, KVStore>();
    for (const role of roles) stores.set(role, await openSqliteStore(join(folder, `${role}.sqlite`)));
    const result = await use((role) => present(stores.get(role), `a store of the ${role}`));
    await Promise.all([...stores.values()].map((store) => store.close()));
    return result;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** New invoices of a node, parsed. */
export function invoicesOf(node: BenchNode, amountMsat: number, count: number): readonly Invoice[] {
  return Array.from({ length: count }, () => {
    const { invoice } = node.manager.createBolt11Invoice({
      amount: msat(amountMsat),
      description: "",
      expirySeconds: 86_400,
    });
    const parsed = parseInvoice(invoice);
    if (!parsed.ok) throw new Error(parsed.error.kind);
    return parsed.value;
  });
}

/** The payer pays them together; resolves when nothing moves any more. Rejects unless all went through. */
export async function payAll(line: BenchLine, together: readonly Invoice[]): Promise<void> {
  for (const invoice of together) line.turnOf("payer").manager.payForBolt11Invoice(invoice);
  let paid = 0;
  await line.settle((event) => {
    if (event.kind === "payment-sent") paid++;
    if (event.kind === "payment-failed") throw new Error(event.reason);
  });
  if (paid !== together.length) throw new Error(`${paid} of ${together.length} payments went through`);
}

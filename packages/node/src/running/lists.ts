import { setImmediate as turn } from "node:timers/promises";
import type { LedgerEntry, LedgerQuery } from "../api/ledger.ts";
import type { Payment, PaymentQuery } from "../api/payments.ts";
import {
  entryPrefix,
  type Journal,
  numbered,
  paymentIdKey,
  paymentKey,
  paymentPrefix,
} from "../journal/index.ts";

const defaultLimit = 100;
const mostAtOnce = 1_000;
/** Rows that are read without a pause: about a millisecond of work. */
const mostInTurn = 100;

/** An invoice that nobody paid in time says so from then on. */
function asOf(payment: Payment, now: number): Payment {
  const isOver =
    payment.status === "pending" &&
    payment.direction === "received" &&
    (payment.expiresAt ?? Number.POSITIVE_INFINITY) <= now;
  return isOver ? { ...payment, status: "expired" } : payment;
}

/** Payments that fit, the newest first. */
export async function listPayments(
  journal: Journal,
  { after, limit, direction, status }: PaymentQuery,
  now: number,
): Promise<readonly Payment[]> {
  const most = limitOf(limit);
  const pageLength = Math.min(most, mostInTurn);
  const found: Payment[] = [];
  let behind = after === undefined ? undefined : paymentKey(after);
  for (;;) {
    const page = await journal.scan<Payment>(paymentPrefix, behind, pageLength);
    for (const stored of page) {
      const payment = asOf(stored, now);
      if (direction !== undefined && payment.direction !== direction) continue;
      if (status !== undefined && payment.status !== status) continue;
      found.push(payment);
      if (found.length === most) return found;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageLength) return found;
    behind = paymentKey(last.sequence);
    // What fits may be far back: meanwhile others have their turn.
    await turn();
  }
}

export async function findPayment(journal: Journal, id: string, now: number): Promise<Payment | undefined> {
  if (!/^[0-9a-f]{64}(?:-\d{1,16})?$/.test(id)) return undefined;
  const at = await journal.get<{ readonly sequence: number }>(paymentIdKey(id));
  const payment = at && (await journal.get<Payment>(paymentKey(at.sequence)));
  return payment && asOf(payment, now);
}

/** Ledger entries in their order. */
export function listEntries(
  journal: Journal,
  { after = 0, limit }: LedgerQuery,
): Promise<readonly LedgerEntry[]> {
  return journal.scan<LedgerEntry>(entryPrefix, numbered(entryPrefix, Math.max(0, after)), limitOf(limit));
}

/** The ledger as CSV (RFC 4180): a line for each posting. */
export async function* ledgerCsv(journal: Journal): AsyncGenerator<string, void, void> {
  yield "index,time,kind,account,amount_msat,reference,text\r\n";
  let after = 0;
  for (;;) {
    const page = await listEntries(journal, { after, limit: mostAtOnce });
    for (const { index, at, kind, postings, reference, text } of page) {
      const time = new Date(at * 1_000).toISOString();
      for (const { account, amount } of postings) {
        yield `${[index, time, kind, account, amount, reference, text].map((one) => field(String(one))).join(",")}\r\n`;
      }
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.index;
  }
}

/** Quoted where it has to be. A text that a spreadsheet would take for a formula gets an apostrophe. */
function field(text: string): string {
  const harmless = /^[=@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function limitOf(limit = defaultLimit): number {
  return Math.min(Math.max(1, Math.floor(limit)), mostAtOnce);
}

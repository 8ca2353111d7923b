import type { LedgerAccount } from "../api/ledger.ts";

// The journal's rows: what the node's user is told, beside the records of the core. Numbers are padded, so that the
// order of keys is theirs.

const digits = 16;
/** Payments are read from the newest: their keys count down. */
const highest = 10 ** (digits - 1);

export const headKey = "journal/head";
export const eventPrefix = "journal/event/";
export const entryPrefix = "journal/entry/";
export const paymentPrefix = "journal/payment/";
export const accountPrefix = "journal/account/";
/** Lightning payments that are not known to have ended, by id. */
export const openPrefix = "journal/open/";
/** What the ledger has booked for a transaction of the wallet, by txid. */
export const bookedPrefix = "journal/booked/";
/** Addresses of peers that the node connects to by itself, by node id. */
export const peerPrefix = "journal/peer/";
/** Of the newest static channel backup that was made of this store. */
export const backupKey = "journal/backup";
/** Of the chain, near the tip: can be lost without harm. */
export const headersKey = "journal/headers";
/** What is remembered of a channel for the ledger, by channel id. */
export const channelPrefix = "journal/channel/";

export function numbered(prefix: string, index: number): string {
  return `${prefix}${String(index).padStart(digits, "0")}`;
}

export function paymentKey(sequence: number): string {
  return numbered(paymentPrefix, highest - sequence);
}

export function paymentIdKey(id: string): string {
  return `journal/payment-id/${id}`;
}

/** Of a payment hash, the last payment that we began to send for it. */
export function sentHashKey(paymentHash: string): string {
  return `journal/sent/${paymentHash}`;
}

export function accountKey(account: LedgerAccount): string {
  return `${accountPrefix}${account}`;
}

export function bookedKey(txid: string): string {
  return `${bookedPrefix}${txid}`;
}

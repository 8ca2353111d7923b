import { crypto } from "@fulmen/bitcoin/crypto";
import { toHex } from "@fulmen/bitcoin/primitives";
import type { HistoryEntry } from "./answers.ts";

/** What servers call a history by: a hash of its ids and heights; `null` for none. */
export function statusOf(history: readonly HistoryEntry[]): string | null {
  if (history.length === 0) return null;
  const text = history.map(({ txid, height }) => `${txid}:${height}:`).join("");
  return toHex(crypto().sha256(new TextEncoder().encode(text)));
}

/**
 * Whether a history is the one of this status. Before protocol 1.6 nobody said in which order unconfirmed transactions
 * are hashed: then it is `"unknown"` where there are several, unless it is the order of the answer or that of 1.6.
 */
export function hasStatus(history: readonly HistoryEntry[], status: string | null): boolean | "unknown" {
  if (statusOf(history) === status) return true;
  const unconfirmed = history.filter(({ height }) => height <= 0);
  if (unconfirmed.length < 2) return false;
  const confirmed = history.filter(({ height }) => height > 0);
  unconfirmed.sort((a, b) => b.height - a.height || (a.txid < b.txid ? -1 : 1));
  return statusOf([...confirmed, ...unconfirmed]) === status || "unknown";
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { type Brand, reverseBytes, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { utf8Prefix } from "@fulmen/lightning/util";

/** SHA-256 of an output script with its bytes reversed, in hex: what Electrum clients ask by. */
export type ScriptHash = Brand<string, "ScriptHash">;

/** By which name clients know an output script. */
export function scriptHashOf(script: Uint8Array): ScriptHash {
  return toHex(reverseBytes(crypto().sha256(script))) as ScriptHash;
}

/** A transaction that pays to a script or spends from it. */
export interface HistoryItem {
  readonly txid: Txid;
  /** Of its block; in the mempool 0, or -1 where it spends outputs that are not confirmed either. */
  readonly height: number;
}

/** What tells clients whether they know a script's history; `null` when there is none. */
export function statusOf(history: readonly HistoryItem[]): string | null {
  if (history.length === 0) return null;
  const text = history.map(({ txid, height }) => `${txid}:${height}:`).join("");
  return toHex(crypto().sha256(utf8Prefix(text, text.length)));
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes } from "../util/bytes.ts";
import { wordsToPaddedBytes } from "./words.ts";

/** Words of the timestamp: 35 bits. */
export const timestampWords = 7;
/** Words of the signature: r, s and a recovery id, 520 bits. */
export const signatureWords = 104;

/**
 * What the payee signs: SHA-256 of the human-readable part's letters and the data before the signature, its bits
 * followed by zeros up to a whole byte (BOLT 11, "Data Part").
 */
export function invoiceHash(humanReadable: string, words: Uint8Array): Uint8Array {
  const letters = Uint8Array.from(humanReadable, (letter) => letter.charCodeAt(0));
  return crypto().sha256(concatBytes(letters, wordsToPaddedBytes(words)));
}

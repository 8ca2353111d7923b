import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { OutPoint } from "../util/ids.ts";

/** Bits of a txid by which most outputs that nobody watches are told apart from those that somebody does. */
const prefixDigits = 5;

/**
 * Values by output. Most questions are about outputs that are not in it, thousands for each block: these are answered
 * by one bit of a table that stays in the processor's cache, however many outputs there are.
 */
export class OutPointIndex<T> {
  readonly #values = new Map<string, T>();
  /** Of the first digits of txids, whether an output of such a transaction was ever added. */
  readonly #prefixes = new Uint8Array(2 ** (4 * prefixDigits - 3));

  get(outPoint: OutPoint): T | undefined {
    const prefix = prefixOf(outPoint);
    if (((this.#prefixes[prefix >> 3] ?? 0) & (1 << (prefix & 7))) === 0) return undefined;
    return this.#values.get(outPointKey(outPoint));
  }

  set(outPoint: OutPoint, value: T): void {
    const prefix = prefixOf(outPoint);
    this.#prefixes[prefix >> 3] = (this.#prefixes[prefix >> 3] ?? 0) | (1 << (prefix & 7));
    this.#values.set(outPointKey(outPoint), value);
  }

  /** The prefix stays: another output may share it. */
  delete(outPoint: OutPoint): void {
    this.#values.delete(outPointKey(outPoint));
  }
}

function prefixOf({ txid }: OutPoint): number {
  let prefix = 0;
  for (let i = 0; i < prefixDigits; i++) {
    const code = txid.charCodeAt(i);
    // Lower-case hex: "0" is 48, "a" is 97.
    prefix = prefix * 16 + (code < 58 ? code - 48 : code - 87);
  }
  return prefix;
}

import type { KvWrite } from "@fulmen/lightning/chain";
import { invariant } from "@fulmen/lightning/util";

const maxKeyLength = 500;
const keyCharacters = /^[A-Za-z0-9_./:-]*$/;

/** Comes after every character that a key may have. */
const afterAllCharacters = "\u007f";

/** A range of keys, in byte order, which for keys is the order of JavaScript's strings. */
export interface KeyRange {
  /** Keys in the range are equal to it or greater. */
  readonly from: string;
  /** Keys in the range are greater; the empty string excludes nothing, no key is empty. */
  readonly after: string;
  /** Keys in the range are less. */
  readonly below: string;
}

/** The keys that start with `prefix` and are greater than `after`. Throws `InvariantError` on what is no prefix. */
export function keyRange(prefix: string, after: string | undefined): KeyRange {
  checkCharacters(prefix);
  return { from: prefix, after: after ?? "", below: prefix + afterAllCharacters };
}

/** Throws `InvariantError` unless `limit` is a number of entries that a scan may ask for. */
export function checkLimit(limit: number): void {
  invariant(Number.isSafeInteger(limit) && limit >= 0, `not a number of entries: ${limit}`);
}

/** A copy of `batch` that its caller can no longer change. Throws `InvariantError` on a key that is none. */
export function ownBatch(batch: readonly KvWrite[]): readonly KvWrite[] {
  return batch.map(({ key, value }) => {
    invariant(key.length > 0, "a key is not empty");
    checkCharacters(key);
    // `slice` of Node's Buffer copies nothing.
    return { key, value: value && new Uint8Array(value) };
  });
}

/** Whether `text` can be the key of an entry. */
export function isKey(text: string): boolean {
  return text.length > 0 && text.length <= maxKeyLength && keyCharacters.test(text);
}

/**
 * The index of the first of `keys`, which are in order, that is at least `range.from` and greater than `range.after`.
 */
export function firstInRange(keys: readonly string[], range: KeyRange): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? "";
    if (key >= range.from && key > range.after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkCharacters(text: string): void {
  invariant(text.length <= maxKeyLength, `a key of ${text.length} characters; ${maxKeyLength} are allowed`);
  invariant(
    keyCharacters.test(text),
    `a key has letters, digits and _./:- only, not: ${JSON.stringify(text)}`,
  );
}

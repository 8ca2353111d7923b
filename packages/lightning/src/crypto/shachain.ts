import { crypto } from "@fulmen/bitcoin/crypto";
import { type Bytes32, equalSecrets } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";

// BOLT 3, "Per-commitment Secret Requirements": all secrets of a channel derive from one seed, and in such a way
// that 49 of them are enough to derive all that came before. The wire's index counts down from 2^48-1, commitment
// numbers count up from 0: the conversion happens here and nowhere else. An index has more bits than JavaScript's
// bit operators, so bits are taken from its two halves.

const lastIndex = 2 ** 48 - 1;
const indexBits = 48;

/**
 * The per-commitment secret of commitment `number`, from a channel's 32-byte seed. Handing it out revokes that
 * commitment.
 *
 * @ldk lightning::ln::chan_utils::build_commitment_secret
 */
export function commitmentSecret(seed: Uint8Array, number: CommitmentNumber): Bytes32 {
  return derive(seed, indexBits, lastIndex - number);
}

/**
 * The secrets of one seed, for whoever asks for one after the other: neighbours share most of their derivation, which
 * is kept from one to the next.
 */
export class CommitmentSecrets {
  readonly #seed: Uint8Array;
  #index = lastIndex;
  /** `#values[bit]` has gone through all bits of `#index` from the highest down to `bit`. */
  #values: Uint8Array[] = [];

  /** The seed, 32 bytes, is kept. */
  constructor(seed: Uint8Array) {
    this.#seed = seed;
  }

  /** As `commitmentSecret`; the caller owns the result. */
  secret(number: CommitmentNumber): Bytes32 {
    const index = lastIndex - number;
    const shared = this.#values.length === 0 ? indexBits : highestDifference(index, this.#index) + 1;
    let value = shared === indexBits ? this.#seed : (this.#values[shared] ?? this.#seed);
    for (let bit = shared - 1; bit >= 0; bit--) {
      if (hasBit(index, bit)) value = flippedAndHashed(value.slice(), bit);
      this.#values[bit] = value;
    }
    this.#index = index;
    return value.slice() as Bytes32;
  }
}

/**
 * The secrets that a peer revealed, in logarithmic space. Entry `i` is the latest whose index has exactly `i`
 * trailing zero bits (48 for index 0); from it, those secrets derive that share the index's higher bits.
 *
 * @ldk lightning::ln::chan_utils::CounterpartyCommitmentSecrets
 */
export interface ShachainStore {
  /** At most 49. */
  readonly entries: readonly ShachainEntry[];
}

export interface ShachainEntry {
  /** As on the wire: 2^48-1 minus the commitment number. */
  readonly index: number;
  readonly secret: Bytes32;
}

/** The secret does not belong to the seed of those that were revealed before it. */
export interface WrongSecret {
  readonly kind: "wrong-secret";
  readonly number: CommitmentNumber;
  /** The earlier commitment whose known secret cannot be derived. */
  readonly contradicts: CommitmentNumber;
}

export const emptyShachain: ShachainStore = { entries: [] };

/**
 * The store with the secret of commitment `number` added. Secrets are revealed one after the other, without a gap;
 * another number is a bug of the caller.
 */
export function insertSecret(
  store: ShachainStore,
  number: CommitmentNumber,
  secret: Bytes32,
): Result<ShachainStore, WrongSecret> {
  invariant(number === nextNumber(store), `secret ${number} inserted, ${nextNumber(store)} is next`);
  const index = lastIndex - number;
  const position = trailingZeros(index);
  for (const known of store.entries.slice(0, position)) {
    if (!equalSecrets(derive(secret, position, known.index), known.secret)) {
      return err({ kind: "wrong-secret", number, contradicts: numberOf(known.index) });
    }
  }
  const entries = [...store.entries];
  entries[position] = { index, secret };
  return ok({ entries });
}

/** The secret of commitment `number`, or `undefined` when it has not been revealed. */
export function secretFor(store: ShachainStore, number: CommitmentNumber): Bytes32 | undefined {
  const index = lastIndex - number;
  for (const [position, known] of store.entries.entries()) {
    const step = 2 ** position;
    if (Math.floor(index / step) === Math.floor(known.index / step)) {
      return derive(known.secret, position, index);
    }
  }
  return undefined;
}

/** The number of the commitment whose secret is revealed next; also how many are known. */
export function nextNumber(store: ShachainStore): CommitmentNumber {
  let lowest = lastIndex + 1;
  for (const { index } of store.entries) lowest = Math.min(lowest, index);
  return numberOf(lowest - 1);
}

/** From the secret of the index with the lowest `bits` bits of `index` cleared, the secret of `index` itself. */
function derive(secret: Uint8Array, bits: number, index: number): Bytes32 {
  let value: Uint8Array = secret.slice();
  for (let bit = bits - 1; bit >= 0; bit--) {
    if (hasBit(index, bit)) value = flippedAndHashed(value, bit);
  }
  return value as Bytes32;
}

/** The secret of commitment `number` as `ShachainStore` has it. */
export function secretAt(number: CommitmentNumber, secret: Bytes32): ShachainEntry {
  return { index: lastIndex - number, secret };
}

/** The commitment whose secret has that index. */
export function shachainNumber(index: number): CommitmentNumber {
  return numberOf(index);
}

/** The place in `ShachainStore.entries` of a secret with that index. */
export function shachainPosition(index: number): number {
  return trailingZeros(index);
}

/**
 * The indexes of `ShachainStore.entries` once `revealed` secrets are known, by position; `undefined` where none has
 * been revealed yet.
 */
export function shachainIndexes(revealed: number): readonly (number | undefined)[] {
  const lowest = lastIndex + 1 - revealed;
  const indexes: (number | undefined)[] = [];
  for (let position = 0; position < indexBits; position++) {
    const step = 2 ** position;
    const index = Math.ceil((lowest - step) / (2 * step)) * 2 * step + step;
    indexes.push(index <= lastIndex ? index : undefined);
  }
  return indexes;
}

/** The store as it was when no more than `revealed` secrets were known, which `store` has and perhaps more. */
export function shachainAt(store: ShachainStore, revealed: number): ShachainStore {
  const known = new Map(store.entries.map((entry) => [entry.index, entry]));
  const entries: ShachainEntry[] = [];
  for (const index of shachainIndexes(revealed)) {
    if (index === undefined) continue;
    const secret = secretFor(store, numberOf(index));
    invariant(secret !== undefined, `secret ${index} of ${revealed} is not there`);
    entries.push(known.get(index) ?? { index, secret });
  }
  return { entries };
}

/** One step of a derivation; writes to `value`. */
function flippedAndHashed(value: Uint8Array, bit: number): Uint8Array {
  const byte = bit >> 3;
  value[byte] = (value[byte] ?? 0) ^ (1 << (bit & 7));
  return crypto().sha256(value);
}

/** The highest bit in which two indexes differ, -1 when they are equal. */
function highestDifference(a: number, b: number): number {
  for (let bit = indexBits - 1; bit >= 0; bit--) if (hasBit(a, bit) !== hasBit(b, bit)) return bit;
  return -1;
}

function hasBit(index: number, bit: number): boolean {
  return bit < 24 ? ((index % 2 ** 24) & (1 << bit)) !== 0 : ((index / 2 ** 24) & (1 << (bit - 24))) !== 0;
}

function trailingZeros(index: number): number {
  let count = 0;
  while (count < indexBits && !hasBit(index, count)) count++;
  return count;
}

function numberOf(index: number): CommitmentNumber {
  return (lastIndex - index) as CommitmentNumber;
}

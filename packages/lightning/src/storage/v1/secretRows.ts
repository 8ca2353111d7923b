import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { decode, encode } from "../../codec/codec.ts";
import { bytes32 } from "../../codec/primitives.ts";
import {
  type ShachainEntry,
  type ShachainStore,
  secretAt,
  shachainIndexes,
  shachainNumber,
  shachainPosition,
} from "../../crypto/shachain.ts";
import type { Bytes32 } from "../../util/bytes.ts";
import type { CommitmentNumber } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { layout, needed, record } from "./layouts.ts";
import { smallCommitmentNumber } from "./values.ts";

// The secrets that a peer revealed, a row for each place in its shachain: one more secret changes one row, at any age
// of the channel.

interface StoredSecret {
  readonly number: CommitmentNumber;
  readonly secret: Bytes32;
}

const secretRow = record(
  layout<StoredSecret>("stored_secret", {
    number: needed(0, smallCommitmentNumber),
    secret: needed(2, bytes32),
  }),
);

/** The row of a secret: of its place, the last one that the peer revealed. */
export function secretWrite(keyOf: (position: number) => string, entry: ShachainEntry): KvWrite {
  const { index, secret } = entry;
  const value = encode(secretRow, { number: shachainNumber(index), secret });
  return { key: keyOf(shachainPosition(index)), value };
}

export function readStoredSecret({ key, value }: KvEntry): Result<ShachainEntry, StorageError> {
  return reading(key, () => {
    const { number, secret } = decode(secretRow, value);
    return secretAt(number, secret);
  });
}

/**
 * The store after the peer revealed `revealed` secrets, from its rows by position: not one more or less than it has.
 */
export function secretsOf(
  secrets: ReadonlyMap<number, ShachainEntry>,
  revealed: number,
  keyOf: (position: number) => string,
): Result<ShachainStore, StorageError> {
  const entries: ShachainEntry[] = [];
  for (const [position, index] of shachainIndexes(revealed).entries()) {
    const found = secrets.get(position);
    if (found?.index !== index) {
      const key = keyOf(position);
      if (found === undefined) return err(missingRecord(key, "a secret that the peer revealed"));
      return err(corruptRecord(key, `it has secret ${found.index}, not ${index}`));
    }
    if (found !== undefined) entries.push(found);
  }
  return ok({ entries });
}

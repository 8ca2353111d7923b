import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { decode, encode } from "../../codec/codec.ts";
import { bytes32 } from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import {
  type ShachainEntry,
  type ShachainStore,
  shachainIndexes,
  shachainPosition,
} from "../../crypto/shachain.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { layout, needed, record } from "./layouts.ts";
import { count } from "./values.ts";

// The secrets that a peer revealed, a row for each place in its shachain: one more secret changes one row, at any age
// of the channel.

const secretRow = record(
  layout<{ readonly entry: ShachainEntry }>("stored_secret", {
    entry: needed(0, struct("shachain_entry", { index: count, secret: bytes32 })),
  }),
);

/** The row of a secret: of its place, the last one that the peer revealed. */
export function secretWrite(keyOf: (position: number) => string, entry: ShachainEntry): KvWrite {
  return { key: keyOf(shachainPosition(entry.index)), value: encode(secretRow, { entry }) };
}

export function readStoredSecret({ key, value }: KvEntry): Result<ShachainEntry, StorageError> {
  return reading(key, () => decode(secretRow, value).entry);
}

/** The store after the peer revealed `revealed` secrets, from its rows by position: not one more or less than it has. */
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

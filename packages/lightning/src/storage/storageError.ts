import { DecodeError } from "../codec/decodeError.ts";
import { RecordTooNewError } from "../codec/record.ts";
import { err, ok, type Result } from "../util/result.ts";

/** Why a store is not opened. */
export interface StorageError {
  readonly kind: /** A record is not there that others rest on. */
    | "missing"
    /** The bytes of a record are not what was written, or records contradict each other. */
    | "corrupt"
    /** Written by a newer version, which says that this one must not read it. */
    | "from-the-future"
    /** The store belongs to another node. */
    | "wrong-node"
    /** The store belongs to a node of another network. */
    | "wrong-network";
  /** The key of the record, or what its keys begin with. */
  readonly key: string;
  /** A sentence that says what is wrong and what to do. */
  readonly text: string;
}

/** What to do about a store that cannot be trusted: nothing that could broadcast an old commitment. */
const restoreAdvice =
  "restore the latest copy of this store; never start from an older one, which could broadcast a revoked commitment";

export function missingRecord(key: string, what: string): StorageError {
  return { kind: "missing", key, text: `${what} is missing (record ${key}): ${restoreAdvice}` };
}

export function corruptRecord(key: string, what: string): StorageError {
  return { kind: "corrupt", key, text: `record ${key} is corrupt, ${what}: ${restoreAdvice}` };
}

/** Runs `read`, which decodes the record `key`, and gives decode errors as values. */
export function reading<T>(key: string, read: () => T): Result<T, StorageError> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof RecordTooNewError) {
      const { version, oldestReader, understood } = error;
      const text = `record ${key} was written by storage version ${version}, which versions before ${oldestReader} must not read; this program knows version ${understood}: start the newer program again`;
      return err({ kind: "from-the-future", key, text });
    }
    if (error instanceof DecodeError) return err(corruptRecord(key, error.message));
    throw error;
  }
}

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
    | "wrong-network"
    /** The node was moved to another store. */
    | "moved"
    /** A monitor has updates that its channel's record never gave: the store is older than the monitors. */
    | "monitor-ahead"
    /** A monitor lacks updates that are in nobody's hands any more: the monitors are older than the store. */
    | "monitor-behind";
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

/** The monitor has update `watched`; `recorded` is the last one that the channel's record, `key`, gave it. */
export function monitorAhead(key: string, watched: number, recorded: number): StorageError {
  const text = `the channel's monitor has update ${watched}, but record ${key} knows of ${recorded}: this store is older than the monitors; ${restoreAdvice}`;
  return { kind: "monitor-ahead", key, text };
}

/** The monitor has updates up to `watched`, and neither it nor the outbox has `lost`; `key` is the channel's record. */
export function monitorBehind(key: string, watched: number, lost: number): StorageError {
  const text = `the channel's monitor has update ${watched}, and update ${lost} is not in the outbox (record ${key}): the monitors are older than this store, and could not answer a revoked commitment; bring back their latest copy`;
  return { kind: "monitor-behind", key, text };
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

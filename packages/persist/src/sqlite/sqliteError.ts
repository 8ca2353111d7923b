import { StoreError, type StoreErrorCode } from "../storeError.ts";

const busy = 5;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const protocol = 15;
const notADatabase = 26;

/** SQLite's primary result code, when `error` is SQLite's. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error && "errcode" in error && typeof error.errcode === "number")) return undefined;
  return error.errcode & 0xff;
}

/** Whether SQLite says that somebody else holds the file. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === busy;
}

/** A damaged file, and what its owner should and should not do. */
export function corruptStore(path: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    "corrupt",
    `the store ${path} is damaged (${what.replaceAll(/\s+/g, " ")}). Stop this node and keep the file and those beside ` +
      `it (-wal, -shm) as they are: what they still hold can be recovered from them. Do not go on with an older copy: ` +
      `a peer may take all funds of a channel whose old state is broadcast. Check the disk before anything else.`,
    cause,
  );
}

/** `error` as a `StoreError`: `corrupt` when the file is damaged, `otherwise` for all else. */
export function storeError(error: unknown, path: string, otherwise: StoreErrorCode): StoreError {
  if (error instanceof StoreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  switch (resultCode(error)) {
    case corrupt:
    case notADatabase:
      return corruptStore(path, reason, error);
    case full:
      return new StoreError(otherwise, `the store ${path}: the disk is full (${reason})`, error);
    case readOnly:
      return new StoreError(
        otherwise,
        `the store ${path}: the disk is read-only, or the file may not be written to (${reason})`,
        error,
      );
    case protocol:
      return new StoreError(
        otherwise,
        `the store ${path}: its file system does not lock files, as some over a network: keep it on a disk of this machine (${reason})`,
        error,
      );
    case ioError:
      return new StoreError(
        otherwise,
        `the store ${path}: the disk does not answer as it should (${reason})`,
        error,
      );
    case busy:
      return new StoreError(
        otherwise,
        `the store ${path}: another program is writing to the file (${reason})`,
        error,
      );
    default:
      return new StoreError(otherwise, `the store ${path}: ${reason}`, error);
  }
}

import { messageOf } from "@fulmen/lightning/util";
import { StoreError, type StoreErrorCode } from "../storeError.ts";

/** `error` as a `StoreError` that says `otherwise`, unless it tells that the database is gone. */
export function databaseError(error: unknown, name: string, otherwise: StoreErrorCode): StoreError {
  if (error instanceof StoreError) return error;
  const reason = messageOf(error);
  switch (nameOf(error)) {
    case "QuotaExceededError":
      return new StoreError(
        otherwise,
        `the store ${name}: the browser gives no more room (${reason}): make room on the disk, the node goes on by itself`,
        error,
      );
    case "InvalidStateError":
    case "NotFoundError":
      return takenAway(name, reason, error);
    default:
      return new StoreError(otherwise, `the store ${name}: ${reason}`, error);
  }
}

/** The database is gone, or about to go. */
export function takenAway(name: string, how: string, cause?: unknown): StoreError {
  return new StoreError(
    "taken-away",
    `the store ${name} was taken away (${how}). This node stops. If its data was deleted, do not start it anew with the ` +
      "same seed before its channels are closed: restore from the backup",
    cause,
  );
}

/** Errors of the database are `DOMException`s, whose name is what counts. */
export function nameOf(error: unknown): string {
  return typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";
}

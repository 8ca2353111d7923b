import { messageOf } from "@fulmen/lightning/util";
import { StoreError, type StoreErrorCode } from "../storeError.ts";

/** A damaged file, and what its owner should and should not do. */
export function corruptFile(path: string, offset: number, what: string): StoreError {
  return new StoreError(
    "corrupt",
    `the store's file ${path} is damaged at byte ${offset} (${what}). Stop this node and keep the folder as it is: what ` +
      `it still holds can be recovered. Do not go on with an older copy: a peer may take all funds of a channel whose ` +
      `old state is broadcast. Check the disk before anything else.`,
  );
}

/** `error` as a `StoreError` that says `otherwise`, unless it is one already. */
export function fileError(error: unknown, folder: string, otherwise: StoreErrorCode): StoreError {
  if (error instanceof StoreError) return error;
  const reason = messageOf(error);
  return new StoreError(otherwise, `the store ${folder}: ${sentences[codeOf(error)] ?? ""}${reason}`, error);
}

const sentences: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: make room, the node goes on by itself; ",
  EFBIG: "the disk is full for files of this size: raise the limit, the node goes on by itself; ",
  EDQUOT: "the user's share of the disk is used up: make room, the node goes on by itself; ",
  EIO: "the disk does not answer as it should: look at the system's log; ",
  EROFS: "the disk can only be read: look at the system's log for why it was mounted so; ",
  EACCES: "this user may not use the files: see who owns them; ",
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

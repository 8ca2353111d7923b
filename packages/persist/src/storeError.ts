/**
 * What is wrong with a store:
 *
 * - `commit-failed`: a commit did not go through (disk full, I/O error, file busy). None of its writes is visible; the
 *   same batches may be committed again, in the same order.
 * - `outcome-unknown`: the answer to a commit was lost: all of its writes are there, or none. The same batches may be
 *   committed again, in the same order.
 * - `read-failed`: a read did not go through; it may be tried again.
 * - `open-failed`: the file cannot be opened or created: permissions, a path that leads nowhere. Or the database cannot
 *   be reached.
 * - `closed`: the store was closed before the call, or the thread that commits to it has died.
 * - `locked`: another process, or another store in this one, has the file open, or holds the lease.
 * - `lease-lost`: another process has taken the store over while this one had it open. Nothing more may be done here.
 * - `taken-away`: the browser has closed or deleted the database, or is asked to by another page.
 * - `rolled-back`: the database has lost commits that it had acknowledged. What it holds is an old state of the node, and
 *   to act on it would cost money.
 * - `corrupt`: the file is damaged.
 * - `foreign-file`: it is another program's.
 * - `newer-schema`: the file was written by a later version of Fulmen.
 * - `unsafe-server`: the database's server is set up so that it may lose what it has acknowledged.
 * - `wrong-key`: the values are encrypted with another key.
 * - `not-encrypted`: the values are not encrypted, though a key was given for them.
 * - `not-empty`: what is to be copied to the store does not find it empty.
 * - `moved`: the node was moved from here to another store.
 * - `unfinished`: a copy to the store was never finished, or there is nothing to copy.
 * - `copy-differs`: what was written to the copy is not what it has; or what is copied changed meanwhile.
 * - `unsupported-runtime`: this runtime has no SQLite, or a package that the store needs is not installed.
 */
export type StoreErrorCode =
  | "commit-failed"
  | "outcome-unknown"
  | "read-failed"
  | "open-failed"
  | "closed"
  | "locked"
  | "lease-lost"
  | "taken-away"
  | "rolled-back"
  | "corrupt"
  | "foreign-file"
  | "newer-schema"
  | "unsafe-server"
  | "wrong-key"
  | "not-encrypted"
  | "not-empty"
  | "moved"
  | "unfinished"
  | "copy-differs"
  | "unsupported-runtime";

/** A store could not do what it was asked; the message says what to do about it. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** Whether trying again cannot help: a node must stop at once rather than go on with this store. */
  get isFatal(): boolean {
    return this.code !== "commit-failed" && this.code !== "outcome-unknown" && this.code !== "read-failed";
  }
}

/**
 * A file or folder that is open, and that nobody else would find any more: what is written to it is lost with the
 * process.
 */
export function displacedStore(path: string): StoreError {
  return new StoreError(
    "commit-failed",
    `the store ${path} is not where it was: deleted, moved, or its disk taken away while this node has it open. Put it back, ` +
      "the node goes on by itself then; if it was deleted, do not stop the node before its open files are copied " +
      `(on Linux from /proc/${process.pid}/fd)`,
  );
}

import { statSync } from "node:fs";
import { displacedStore } from "../../storeError.ts";

/** A database as it was opened: commits are for it alone, not for what may stand in its place later. */
export interface OpenedDatabase {
  readonly path: string;
  /** Changes whenever the store is opened. */
  readonly lease: string;
  /** The database and its log, by what SQLite itself tells files apart. */
  readonly files: readonly { readonly path: string; readonly inode: number | undefined }[];
}

/** The files of the database at `path`, whose log is there already. */
export function filesOf(path: string): OpenedDatabase["files"] {
  return [path, `${path}-wal`].map((file) => ({ path: file, inode: inodeOf(file) }));
}

/** Throws `StoreError` unless its files are where they were when it was opened. */
export function checkPlace({ path, files }: OpenedDatabase): void {
  if (files.some((file) => inodeOf(file.path) !== file.inode)) throw displacedStore(path);
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

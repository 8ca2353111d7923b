import { realpath } from "node:fs/promises";
import type { KVStore } from "@fulmen/lightning/chain";
import type { StoreError } from "../storeError.ts";
import { fileError } from "./fileError.ts";
import { openStoreIn } from "./fileStore.ts";
import { nodeFileSystem } from "./nodeFileSystem.ts";
import { type Ownership, ownFolder } from "./ownership.ts";

/** How `openFileStore` opens. */
export interface FileStoreOptions {
  /** The journal is made into a snapshot when it has so many bytes; 16 MiB unless told. */
  readonly journalBytes?: number;
  /** Told when a snapshot could not be written: nothing is lost, the journal grows on until it can. */
  readonly onCompactionFailed?: (error: StoreError) => void;
}

const defaultJournalBytes = 16 * 2 ** 20;

/**
 * Opens the store in the files of `folder`, or creates it, with the folders above it, readable by its owner only.
 *
 * Commits are appended to a journal; those that wait while the disk is busy share one frame and one fsync. When that
 * fails, all of them and those called meanwhile are rejected with `commit-failed`, none is visible, and what was
 * committed before stays readable. Memory holds what changed since the last snapshot, at most about four times
 * `journalBytes` (commits wait while a snapshot is behind), and 150 bytes for each 32 KiB of the snapshot. One process
 * at a time has the folder open.
 *
 * What a crash left of a frame at the end of the journal is cut off. Any other damage is `corrupt`, with file and
 * offset: damage that a start does not find, because it comes later, makes reads reject with it.
 *
 * Rejects with `StoreError`: `unsupported-runtime`, `open-failed`, `locked`, `corrupt`, `foreign-file`,
 * `newer-schema`.
 */
export async function openFileStore(folder: string, options: FileStoreOptions = {}): Promise<KVStore> {
  let ownership: Ownership | undefined;
  try {
    await nodeFileSystem.makeFolder(folder);
    // The same lock for every way to write the path.
    const place = await realpath(folder);
    ownership = await ownFolder(place);
    return await openStoreIn({
      files: nodeFileSystem,
      folder: place,
      isOurs: ownership.isOurs,
      release: ownership.release,
      journalBytes: options.journalBytes ?? defaultJournalBytes,
      compactionFailed: options.onCompactionFailed ?? (() => {}),
    });
  } catch (error) {
    ownership?.release();
    throw fileError(error, folder, "open-failed");
  }
}

import { createReadStream } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { KVStore } from "@fulmen/lightning/chain";
import { messageOf } from "@fulmen/lightning/util";
import { isUnfinished, nodeOf } from "../copy/copyStore.ts";
import {
  checkExport,
  exportedBytes,
  type ImportOptions,
  importBytes,
  markMoved,
  takeBackMove,
} from "../copy/index.ts";
import { StoreError } from "../storeError.ts";

/** What the name of a file ends with that was imported. */
const consumedEnding = ".imported";

/**
 * Moves a node out of a store into one file, which `importFromFile` brings into another store: writes it aside, syncs
 * it, reads it back whole, marks the store as moved to the file, and gives the file its name. No node runs on the
 * store, which stays open. After a crash the same call finishes it. The file is readable by its owner only; it has
 * everything but the seed.
 *
 * Rejects with `StoreError`: `not-empty` when the file is there, `moved`, `unfinished`, `open-failed` when it cannot be
 * written, or is named as an imported one is; the store is as it was then.
 */
export async function exportToFile(store: KVStore, path: string): Promise<void> {
  const place = resolve(path);
  if (place.endsWith(consumedEnding))
    throw new StoreError("open-failed", `${place} would count as imported already: choose another name`);
  if (await exists(place))
    throw new StoreError("not-empty", `${place} is there already: choose another name`);
  const written = `${place}.new`;
  const { movedTo } = await nodeOf(store);
  try {
    const wasCutOff = movedTo === place && (await exists(written));
    if (!wasCutOff) await writeFile(store, written);
    await checkExport(createReadStream(written));
    if (!wasCutOff) await markMoved(store, place);
    try {
      await rename(written, place);
      await syncFolder(dirname(place));
    } catch (error) {
      // Nobody can have started a node from a file without its name.
      await takeBackMove(store);
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const reason = messageOf(error);
    throw new StoreError("open-failed", `the export cannot be written to ${place}: ${reason}`, error);
  }
}

async function writeFile(store: KVStore, path: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    for await (const part of exportedBytes(store)) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Brings the node of an exported file into an empty store, and gives the file the name `<path>.imported`, by which it
 * is not imported again: two live copies of one node lose its money. A copy of the file is not protected by that: never
 * make one, and delete the file once the node runs. After a crash the same call finishes it.
 *
 * Rejects as `importBytes` does, and with `open-failed` when the file cannot be read or renamed, `moved` when it was
 * imported before.
 */
export async function importFromFile(
  path: string,
  store: KVStore,
  { progress }: Pick<ImportOptions, "progress"> = {},
): Promise<{ readonly entries: number }> {
  const place = resolve(path);
  if (place.endsWith(consumedEnding))
    throw new StoreError(
      "moved",
      `${place} has the name of a file that was imported: start the node from its store; two live copies of it lose its money`,
    );
  const consumed = place + consumedEnding;
  const wasCutOff = !(await exists(place)) && (await exists(consumed));
  if (wasCutOff && !(await isUnfinished(store))) {
    const text = `${place} was imported into another store: start the node from there; two live copies of it lose its money`;
    throw new StoreError("moved", text);
  }
  if (!wasCutOff && !(await exists(place))) throw new StoreError("open-failed", `there is no file ${place}`);
  return importBytes(createReadStream(wasCutOff ? consumed : place), store, {
    ...(progress && { progress }),
    consume: async () => {
      if (!wasCutOff) await consume(place, consumed);
    },
  });
}

async function consume(place: string, consumed: string): Promise<void> {
  try {
    await rename(place, consumed);
    await syncFolder(dirname(place));
  } catch (error) {
    const reason = messageOf(error);
    const text = `${place} cannot be renamed, and so could be imported twice: ${reason}`;
    throw new StoreError("open-failed", text, error);
  }
}

/**
 * Gives a file these bytes, readable by its owner alone: whenever the power is cut, it has either what it had, or all
 * of these. For a static channel backup. Rejects with the file system's errors.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const place = resolve(path);
  const written = `${place}.new`;
  const file = await open(written, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(written, place);
  await syncFolder(dirname(place));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

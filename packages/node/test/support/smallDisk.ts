import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { KeptNode } from "./keptNode.ts";

const page = 4_096;
/** Bytes of a log of SQLite's: before the first page, and beside each. */
const [logHeader, frameHeader] = [32, 24];

/** What takes only so many more pages of a node's store. */
export interface SmallDisk {
  /** Where stores are to lie; anywhere when absent. */
  readonly parent?: string;
  /** There is room for so many more pages of the store's log, which is empty. */
  leaveRoom(node: KeptNode, pages: number): void;
  makeRoom(node: KeptNode): void;
  end(): void;
}

/** Files of the node's process may have so many bytes: what needs no other rights than the process has. */
export const limitedFiles: SmallDisk = {
  leaveRoom(node, pages) {
    emptyLog(node.store);
    node.limitFiles(logHeader + pages * (frameHeader + page));
  },
  makeRoom: (node) => node.limitFiles(undefined),
  end() {},
};

/** A file system of a few megabytes that is full but for some pages. Only root can mount it. */
export function mountSmallDisk(): SmallDisk {
  const parent = mkdtempSync(join(tmpdir(), "fulmen-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "none", parent]);
  const filler = join(parent, "filler");
  return {
    parent,
    leaveRoom({ store }, pages) {
      emptyLog(store);
      const { bavail, bsize } = statfsSync(parent);
      writeToTheBrim(filler, new Uint8Array((bavail + 1) * bsize));
      truncateSync(filler, statSync(filler).size - pages * bsize);
    },
    makeRoom: () => rmSync(filler),
    end() {
      execFileSync("umount", ["--lazy", parent]);
      rmSync(parent, { recursive: true });
    },
  };
}

function writeToTheBrim(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

/** Puts what is in the store's log into its database, so that each page of the next writes needs room. */
function emptyLog(store: string): void {
  const database = new DatabaseSync(store);
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    const done = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    if (done?.["busy"] !== 0) throw new Error("the log could not be emptied");
  } finally {
    database.close();
  }
}

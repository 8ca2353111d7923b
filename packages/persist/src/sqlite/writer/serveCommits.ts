import { parentPort, workerData } from "node:worker_threads";
import type { KvWrite } from "@fulmen/lightning/chain";
import type { StoreErrorCode } from "../../storeError.ts";
import { storeError } from "../sqliteError.ts";
import { EntryWriter } from "./entryWriter.ts";
import type { OpenedDatabase } from "./openedDatabase.ts";

/** What the thread is told: writes to commit as one, or to end. */
export type WriterOrder = readonly KvWrite[] | "close";

/** What it says of each commit. */
export type WriterAnswer = "committed" | { readonly code: StoreErrorCode; readonly message: string };

/** What the thread of a `WriterThread` runs, whose `workerData` is the `OpenedDatabase`. */
export function serveCommits(): void {
  const opened: OpenedDatabase = workerData;
  let writer: EntryWriter | undefined;

  const commit = (writes: readonly KvWrite[]): WriterAnswer => {
    try {
      writer ??= new EntryWriter(opened);
      writer.commit(writes);
      return "committed";
    } catch (error) {
      const { code, message } = storeError(error, opened.path, "commit-failed");
      return { code, message };
    }
  };

  parentPort?.on("message", (order: WriterOrder) => {
    if (order !== "close") {
      parentPort?.postMessage(commit(order));
      return;
    }
    writer?.close();
    parentPort?.close();
  });
}

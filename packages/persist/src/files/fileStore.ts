import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { invariant } from "@fulmen/lightning/util";
import { encodedLength } from "../encodedWrites.ts";
import { GroupCommits } from "../groupCommits.ts";
import { checkLimit, keyRange, ownBatch } from "../keys.ts";
import { StoreError } from "../storeError.ts";
import { ChangeTable, changesInRange } from "./changeTable.ts";
import { fileError } from "./fileError.ts";
import type { FileSystem } from "./fileSystem.ts";
import { type Journal, prepareJournal } from "./journal.ts";
import { mergedEntries } from "./mergedEntries.ts";
import { journalPath, recover, snapshotPath } from "./recovery.ts";
import { type Snapshot, writeSnapshot } from "./snapshot.ts";

/** More than that in one batch is a bug of the caller's. */
const longestBatch = 256 * 2 ** 20;

/** What a store in files is made of. */
export interface FileStoreParts {
  readonly files: FileSystem;
  readonly folder: string;
  /** A journal of so many bytes is made into a snapshot. */
  readonly journalBytes: number;
  /** Whether this process has the folder still for itself; asked before each write. */
  isOurs(): Promise<boolean>;
  /** Lets another process in. */
  release(): void;
  /** A snapshot could not be written; the journal grows on, and it is tried again. */
  compactionFailed(error: StoreError): void;
}

/**
 * Opens the store in `parts.folder`, which is locked already. Rejects with the file system's errors and `StoreError`.
 */
export async function openStoreIn(parts: FileStoreParts): Promise<KVStore> {
  const changes = new ChangeTable();
  const { snapshot, journal } = await recover(parts.files, parts.folder, (writes) => changes.apply(writes));
  return new FileStore(parts, { snapshot, journal, changes });
}

class FileStore implements KVStore {
  readonly #parts: FileStoreParts;
  #journal: Journal;
  #snapshot: Snapshot | undefined;
  /** What changed since the snapshot; while the next one is written, since that was begun. */
  #changes: ChangeTable;
  /** What the snapshot that is being written adds to the one before. */
  #changesBefore: ChangeTable | undefined;
  readonly #commits = new GroupCommits({
    write: (writes) => this.#write(writes),
    refusal: (error) => {
      const reason = fileError(error, this.#parts.folder, "commit-failed");
      if (reason.isFatal) this.#end = reason;
      return reason;
    },
    afterwards: () => this.#compactIfDue(),
  });
  #compaction: Promise<void> | undefined;
  /** The next journal may have its name already: a frame in this one would not be found. */
  #mustRotate = false;
  /** Bytes that the journal must have for the next snapshot. */
  #compactAt: number;
  #isClosing = false;
  #closed: Promise<void> | undefined;
  /** Why nothing more can be done here. */
  #end: StoreError | undefined;

  constructor(
    parts: FileStoreParts,
    {
      snapshot,
      journal,
      changes,
    }: { snapshot: Snapshot | undefined; journal: Journal; changes: ChangeTable },
  ) {
    this.#parts = parts;
    this.#journal = journal;
    this.#snapshot = snapshot;
    this.#changes = changes;
    this.#compactAt = parts.journalBytes;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#checkUsable();
    for (const changes of [this.#changes, this.#changesBefore]) {
      if (changes?.has(key)) return changes.get(key)?.slice();
    }
    const snapshot = this.#snapshot;
    return this.#reading(async () => snapshot?.use(() => snapshot.get(key)));
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkUsable();
    checkLimit(limit);
    const range = keyRange(prefix, after);
    // Taken in one turn, so that the entries are those of one moment.
    const snapshot = this.#snapshot;
    const changes = changesInRange(this.#changes, this.#changesBefore, range, limit);
    return this.#reading(async () => {
      const found: KvEntry[] = [];
      const gather = async (): Promise<void> => {
        if (limit === 0) return;
        for await (const { key, value } of mergedEntries(snapshot?.range(range), changes)) {
          found.push({ key, value: value.slice() });
          if (found.length === limit) return;
        }
      };
      await (snapshot === undefined ? gather() : snapshot.use(gather));
      return found;
    });
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.#checkUsable();
    const writes = ownBatch(batch);
    const bytes = encodedLength(writes);
    invariant(bytes <= longestBatch, `a batch of ${bytes} bytes; ${longestBatch} are allowed`);
    await this.#commits.commit(writes);
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#end ??= new StoreError("closed", `the store ${this.#parts.folder} is closed`);
    await this.#commits.settled();
    await this.#compaction;
    try {
      // A frame behind the last one tells a later start that it was whole, whatever becomes of it.
      if (this.#end.code === "closed" && !this.#mustRotate) await this.#journal.append([]);
    } catch {
      // Nothing is lost without it.
    }
    try {
      await this.#journal.close();
      await this.#snapshot?.release();
    } finally {
      this.#parts.release();
    }
  }

  async #write(writes: readonly KvWrite[]): Promise<void> {
    if (this.#end !== undefined && this.#end.code !== "closed") throw this.#end;
    if (!(await this.#parts.isOurs())) {
      const { folder } = this.#parts;
      throw new StoreError(
        "lease-lost",
        `another process has opened the store ${folder}: this one must stop`,
      );
    }
    if (writes.length === 0) return;
    if (this.#mustRotate) await this.#rotate();
    await this.#journal.append(writes);
    this.#changes.apply(writes);
  }

  /** Goes on with a new journal, and begins to write a snapshot of all before it. */
  async #compactIfDue(): Promise<void> {
    if (this.#journal.length < this.#compactAt || this.#isClosing) return;
    if (this.#compaction !== undefined) {
      // Who commits faster than snapshots are written waits for them: memory has what they have not.
      if (this.#journal.length < 2 * this.#compactAt) return;
      await this.#compaction;
      if (this.#isClosing) return;
    }
    try {
      await this.#rotate();
    } catch (error) {
      // The present one is as good, unless the new one may have its name already.
      this.#compactAt = this.#journal.length + this.#parts.journalBytes;
      this.#parts.compactionFailed(fileError(error, this.#parts.folder, "commit-failed"));
    }
  }

  async #rotate(): Promise<void> {
    const { files, folder } = this.#parts;
    const before = this.#journal;
    const number = before.number + 1;
    const place = { files, folder, path: journalPath(folder, number), number };
    const prepared = await prepareJournal(place, before.nextSequence);
    this.#mustRotate = true;
    this.#journal = await prepared.publish();
    this.#mustRotate = false;
    this.#compactAt = this.#parts.journalBytes;
    const changes = this.#changesBefore ?? new ChangeTable();
    changes.apply(this.#changes.all());
    this.#changesBefore = changes;
    this.#changes = new ChangeTable();
    this.#compaction = this.#compact(before, changes)
      .catch((error: unknown) => {
        const reason = fileError(error, folder, "commit-failed");
        if (reason.isFatal) this.#end = reason;
        else this.#parts.compactionFailed(reason);
      })
      .finally(() => {
        this.#compaction = undefined;
      });
  }

  async #compact(before: Journal, changes: ChangeTable): Promise<void> {
    await before.close();
    const { files, folder } = this.#parts;
    const number = before.number + 1;
    const old = this.#snapshot;
    const entries = mergedEntries(
      old?.range(keyRange("", undefined)),
      changes.range(keyRange("", undefined)),
    );
    const path = snapshotPath(folder, number);
    const sequence = before.nextSequence;
    const snapshot = await writeSnapshot({ files, folder, path, number, sequence, entries });
    this.#snapshot = snapshot;
    this.#changesBefore = undefined;
    await old?.release();
    // Should one of these stay, the next start removes it.
    if (old !== undefined) await files.remove(old.path);
    for (let replaced = before.number; replaced >= (old?.number ?? 1); replaced--) {
      await files.remove(journalPath(folder, replaced));
    }
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const reason = fileError(error, this.#parts.folder, "read-failed");
      if (reason.isFatal) this.#end ??= reason;
      throw reason;
    }
  }

  #checkUsable(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}

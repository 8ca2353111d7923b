import { join } from "node:path";
import type { KvWrite } from "@fulmen/lightning/chain";
import { StoreError } from "../storeError.ts";
import { corruptFile } from "./fileError.ts";
import type { FileSystem } from "./fileSystem.ts";
import { type Journal, openJournal, prepareJournal } from "./journal.ts";
import { openSnapshot, type Snapshot } from "./snapshot.ts";

/*
 * Names in the folder of a store; numbers have ten digits. `snapshot-N` has everything that was committed before
 * `journal-N`. A start reads the latest snapshot and all journals from its number on. `*.new` is being written.
 */

/** The place of the journal with that number. */
export function journalPath(folder: string, number: number): string {
  return join(folder, nameOf("journal", number));
}

/** The place of the snapshot with that number. */
export function snapshotPath(folder: string, number: number): string {
  return join(folder, nameOf("snapshot", number));
}

function nameOf(kind: "journal" | "snapshot", number: number): string {
  return `${kind}-${String(number).padStart(10, "0")}`;
}

/** What a folder holds. */
export interface Recovered {
  readonly snapshot: Snapshot | undefined;
  readonly journal: Journal;
}

/**
 * Opens the files of a store, or creates them in an empty folder, and removes what a crash left over. `apply` is given
 * what was committed since the snapshot, in order.
 */
export async function recover(
  files: FileSystem,
  folder: string,
  apply: (writes: readonly KvWrite[]) => void,
): Promise<Recovered> {
  // What is found here may not have reached the disk yet, and is built upon from now on.
  await files.syncFolder(folder);
  const names = await files.list(folder);
  const snapshots = numbersOf(names, "snapshot");
  const journals = numbersOf(names, "journal");
  const start = snapshots.at(-1) ?? 1;
  if (snapshots.length === 0 && journals.length === 0) {
    checkIsOurs(folder, names);
    const prepared = await prepareJournal(placeOf(files, folder, 1), 0);
    return { snapshot: undefined, journal: await prepared.publish() };
  }
  const live = journals.filter((number) => number >= start);
  for (const [at, number] of live.entries()) {
    if (number !== start + at) throw corruptFile(journalPath(folder, start + at), 0, "it is missing");
  }
  if (live.length === 0) throw corruptFile(journalPath(folder, start), 0, "it is missing");
  const snapshot =
    snapshots.length > 0
      ? await openSnapshot({ files, path: snapshotPath(folder, start), number: start })
      : undefined;
  try {
    const journal = await openJournals({ files, folder, apply, numbers: live, snapshot });
    await removeLeftOver(files, folder, { names, start });
    return { snapshot, journal };
  } catch (error) {
    await snapshot?.release();
    throw error;
  }
}

interface Journals {
  readonly files: FileSystem;
  readonly folder: string;
  readonly apply: (writes: readonly KvWrite[]) => void;
  readonly numbers: readonly number[];
  readonly snapshot: Snapshot | undefined;
}

async function openJournals({ files, folder, apply, numbers, snapshot }: Journals): Promise<Journal> {
  let sequence = snapshot?.sequence ?? 0;
  for (const number of numbers.slice(0, -1)) {
    const journal = await openJournal({ ...placeOf(files, folder, number), sequence, isLast: false, apply });
    sequence = journal.nextSequence;
    await journal.close();
  }
  return openJournal({ ...placeOf(files, folder, numbers.at(-1) ?? 1), sequence, isLast: true, apply });
}

/** Removes files that are only being written, or that the snapshot replaces. */
async function removeLeftOver(
  files: FileSystem,
  folder: string,
  { names, start }: { readonly names: readonly string[]; readonly start: number },
): Promise<void> {
  for (const name of names) {
    const number = numberIn(name, "journal") ?? numberIn(name, "snapshot");
    if (isUnfinished(name) || (number !== undefined && number < start))
      await files.remove(join(folder, name));
  }
}

function checkIsOurs(folder: string, names: readonly string[]): void {
  const foreign = names.find((name) => !isUnfinished(name) && !ownNames.has(name));
  if (foreign === undefined) return;
  throw new StoreError(
    "foreign-file",
    `the folder ${folder} has files of another program (${foreign}): choose an empty folder for the store`,
  );
}

/** Files of the lock. */
const ownNames = new Set(["lock", "lock-journal", "owner", "owner.new"]);

function isUnfinished(name: string): boolean {
  return /^(journal|snapshot)-\d{10}\.new$/.test(name);
}

/** The numbers of all files of a kind, rising. */
function numbersOf(names: readonly string[], kind: "journal" | "snapshot"): readonly number[] {
  const numbers: number[] = [];
  for (const name of names) {
    const number = numberIn(name, kind);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

function numberIn(name: string, kind: "journal" | "snapshot"): number | undefined {
  const digits = /^(journal|snapshot)-(\d{10})$/.exec(name);
  return digits?.[1] === kind ? Number(digits[2]) : undefined;
}

function placeOf(files: FileSystem, folder: string, number: number) {
  return { files, folder, number, path: journalPath(folder, number) };
}

import assert from "node:assert/strict";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { StoreError } from "@fulmen/persist";
import { openStoreIn } from "#src/files/fileStore";
import { type PowerCut, SimulatedDisk } from "./simulatedDisk.ts";

// Journals of some hundred bytes, so that a few commits go through several journals and snapshots.
const journalBytes = 400;
export const batchCount = 24;

const open = (disk: SimulatedDisk): Promise<KVStore> =>
  openStoreIn({
    ...{ files: disk, folder: "/store", journalBytes, compactionFailed: () => {} },
    isOurs: async () => true,
    release: () => {},
  });

/** Batch `n`: keys that every batch sets, one of its own, and the deletion of an earlier one. */
function batch(n: number): readonly KvWrite[] {
  const value = (length: number): Uint8Array => new Uint8Array(length).fill(n);
  return [
    { key: "all/a", value: value(5) },
    { key: "all/b", value: value(n % 7) },
    { key: `own/${n}`, value: value(9) },
    { key: `own/${n - 3}`, value: undefined },
  ];
}

/** All entries as one line of text. */
async function textOf(store: KVStore): Promise<string> {
  const entries = await store.scan("", undefined, 1_000);
  return entries.map(({ key, value }) => `${key}=${value.join(",")}`).join(" ");
}

/** The text after each number of batches. */
function expectedTexts(): readonly string[] {
  const values = new Map<string, Uint8Array>();
  const texts = [""];
  for (let n = 1; n <= batchCount; n++) {
    for (const { key, value } of batch(n)) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
    const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
    texts.push(sorted.map(([key, value]) => `${key}=${value.join(",")}`).join(" "));
  }
  return texts;
}

const texts = expectedTexts();

/** Commits all batches, some without waiting; says by operation how many were acknowledged. */
async function commitAll(disk: SimulatedDisk): Promise<readonly number[]> {
  const acknowledged: number[] = [];
  const note = (n: number): void => {
    acknowledged[disk.operations.length] = n;
  };
  note(0);
  const store = await open(disk);
  for (let n = 1; n <= batchCount; n++) {
    const commits = [store.commit(batch(n)).then(() => note(n))];
    if (n % 3 === 0 && n < batchCount) {
      const next = ++n;
      commits.push(store.commit(batch(next)).then(() => note(next)));
    }
    await Promise.all(commits);
  }
  await store.close();
  return acknowledged;
}

/** How many batches a disk has that is found after a crash; fails unless that is a number of whole ones. */
async function batchesOn(disk: SimulatedDisk, what: string): Promise<number> {
  const store = await open(disk).catch((error: unknown) => {
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  });
  const found = texts.indexOf(await textOf(store));
  assert.ok(found >= 0, `${what}: the entries are those of no number of batches`);
  // It goes on from there, and a second start finds that.
  await store.commit([{ key: "further", value: Uint8Array.of(1) }]);
  await store.close();
  const again = await open(new SimulatedDisk(disk.files()));
  assert.deepEqual(await again.read("further"), Uint8Array.of(1), what);
  await again.close();
  return found;
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What became of a run that was cut off. */
export interface CutRuns {
  readonly cuts: number;
  /** Different numbers of batches that were found. */
  readonly found: number;
  readonly snapshots: number;
}

/**
 * Cuts the power after every operation, in several ways, and after every `tearStep`th byte of a write; fails unless all
 * is found that was acknowledged, and of the rest whole batches only.
 */
export async function cutEverywhere(tearStep: number): Promise<CutRuns> {
  const disk = new SimulatedDisk();
  const acknowledged = await commitAll(disk);
  const found = new Set<number>();
  let cuts = 0;
  let known = 0;
  for (let count = 0; count <= disk.operations.length; count++) {
    known = acknowledged[count] ?? known;
    for (const cut of cutsAt(disk, count, tearStep)) {
      const what = `after ${count} operations, what was not synced is ${JSON.stringify(cut)}`;
      const n = await batchesOn(disk.after(count, cut), what);
      assert.ok(n >= known, `${what}: ${known} were acknowledged, ${n} are there`);
      found.add(n);
      cuts++;
    }
  }
  const snapshots = disk.operations.filter((one) => one.kind === "rename" && one.to.startsWith("snapshot"));
  return { cuts, found: found.size, snapshots: snapshots.length };
}

function* cutsAt(disk: SimulatedDisk, count: number, tearStep: number): Iterable<PowerCut> {
  yield { kind: "forgets" };
  yield { kind: "keeps" };
  yield { kind: "zeroes" };
  for (let seed = 1; seed <= (tearStep === 1 ? 3 : 1); seed++)
    yield { kind: "chooses", choose: randomNumbers(count * seed) };
  const last = disk.operations[count - 1];
  if (last?.kind !== "write") return;
  for (let bytes = 0; bytes < last.bytes.length; bytes += tearStep) yield { kind: "tears", bytes };
}

/**
 * A frame that could not be synced is there when the store is opened again without a power cut: once it is read, it
 * must survive one.
 */
export async function readWithoutSync(): Promise<void> {
  const disk = new SimulatedDisk();
  const store = await open(disk);
  await store.commit(batch(1));
  const sync = disk.calls + 1;
  disk.fault = (call) => (call === sync ? "EIO" : undefined);
  await assert.rejects(store.commit(batch(2)), /EIO/);
  const again = await open(disk);
  assert.equal(await textOf(again), texts[2]);
  const cut = disk.after(disk.operations.length, { kind: "forgets" });
  assert.equal(await batchesOn(cut, "after the second start"), 2);
}

/** How many calls a run without a fault makes. */
export async function countCalls(): Promise<number> {
  const disk = new SimulatedDisk();
  const store = await open(disk);
  for (let n = 1; n <= batchCount; n++) await store.commit(batch(n));
  return disk.calls;
}

/** Calls that fail: `length` of them from the `first` on. */
export interface Failure {
  readonly code: string;
  readonly first: number;
  readonly length: number;
}

/** Commits all batches, each until it is taken, while calls from `first` on fail. Gives how many were rejected. */
export async function failing({ code, first, length }: Failure): Promise<number> {
  const disk = new SimulatedDisk();
  const what = `${code} from call ${first} on`;
  const store = await openUntilItWorks(disk, { code, first, length });
  let rejected = 0;
  for (let n = 1; n <= batchCount; n++) {
    const before = rejected;
    for (;;) {
      // The one that is called before the answer to the first is known must not be there without it.
      const first = store.commit(batch(n));
      for (let turn = 0; turn < 3; turn++) await Promise.resolve();
      const outcomes = await Promise.allSettled([first, store.commit([])]);
      const [outcome, second] = outcomes;
      if (outcome.status === "fulfilled") break;
      rejected++;
      assert.equal(second.status, "rejected", what);
      assert.ok(
        outcome.reason instanceof StoreError && !outcome.reason.isFatal,
        `${what}: ${outcome.reason}`,
      );
      assert.equal(outcome.reason.code, "commit-failed");
      const fault = disk.fault;
      disk.fault = () => undefined;
      assert.equal(await textOf(store), texts[n - 1], `${what}: not the last committed state`);
      for (const kind of ["forgets", "keeps"] as const) {
        const n1 = await batchesOn(disk.after(disk.operations.length, { kind }), what);
        assert.ok(n1 === n - 1 || n1 === n, `${what}: batch ${n} failed, ${n1} are there after a power cut`);
      }
      disk.fault = fault;
    }
    if (rejected === before && n % 4 !== 0) continue;
    for (const kind of ["forgets", "keeps"] as const) {
      const n2 = await batchesOn(disk.after(disk.operations.length, { kind }), what);
      assert.equal(n2, n, `${what}: batch ${n} was acknowledged, ${n2} are there after a power cut`);
    }
  }
  await store.close();
  assert.equal(await batchesOn(new SimulatedDisk(disk.files()), what), batchCount);
  return rejected;
}

async function openUntilItWorks(disk: SimulatedDisk, { code, first, length }: Failure): Promise<KVStore> {
  disk.fault = (call) => (call >= first && call < first + length ? code : undefined);
  for (;;) {
    try {
      return await open(disk);
    } catch (error) {
      assert.equal((error as { readonly code?: string }).code, code);
    }
  }
}

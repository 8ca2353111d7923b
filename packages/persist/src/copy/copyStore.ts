import type { KVStore, KvEntry } from "@fulmen/lightning/chain";
import { movedNodeRecord, type NodeRecord, nodeKey, readNodeRecord } from "@fulmen/lightning/storage";
import { StoreError } from "../storeError.ts";
import { EntryDigest, pagesOf } from "./entryDigest.ts";

/** The row that a target has until the copy in it is whole. */
const unfinishedKey = "copy-unfinished";

/** How far a copy is. */
export interface CopyProgress {
  readonly stage: "copying" | "verifying";
  /** Entries of this stage so far. */
  readonly entries: number;
}

/** How `copyStore` copies. */
export interface CopyOptions {
  /** What people know the target by: who starts the old store is told to look there. */
  readonly movedTo: string;
  readonly progress?: (progress: CopyProgress) => void;
}

/** What was copied. */
export interface Copied {
  readonly entries: number;
}

/**
 * Moves a node from one store to another, of whatever kinds: copies all entries, reads them back and compares, and
 * marks the old store as moved, so that nobody starts the node from it again. Both stores are open, no node runs on
 * either, and they stay open.
 *
 * Two live copies of one node lose its money: each would broadcast what the other has revoked. So there is no moment at
 * which both could be started. The target has no record of whose it is, and is refused, until the source has been
 * marked; what a crash leaves is either the source as it was, or a source that is marked and a target that is whole.
 * The same call again finishes it, and does nothing when it was finished: whoever names the store in a config may have
 * been cut off.
 *
 * Rejects with `StoreError`: `not-empty`, `moved` (to elsewhere), `unfinished` (the source is empty or itself half a
 * copy), `copy-differs`, and what the stores reject with; the source is as it was then.
 */
export async function copyStore(from: KVStore, to: KVStore, options: CopyOptions): Promise<Copied> {
  const node = await nodeOf(from);
  if (node.movedTo === options.movedTo && (await isHomeOf(to, node))) {
    return { entries: (await digestOf(to)).count };
  }
  if (node.movedTo === undefined) {
    await beginCopy(to);
    await copyEntries(from, to, options);
  } else if ((await to.read(unfinishedKey)) === undefined || (await to.read(nodeKey)) !== undefined) {
    throw movedAlready(node.movedTo);
  }
  const copied = await compare(from, to, options);
  if (node.movedTo === undefined) {
    await from.commit([{ key: nodeKey, value: movedNodeRecord(node, options.movedTo) }]);
  }
  await finishCopy(to, movedNodeRecord(node, undefined));
  return { entries: copied };
}

/**
 * Marks a store as moved to `place`, when its entries were brought there by other means than `copyStore`. Rejects with
 * `StoreError` `moved` when it is already, `unfinished` when it is no node's.
 */
export async function markMoved(store: KVStore, place: string): Promise<void> {
  const node = await liveNodeOf(store);
  await store.commit([{ key: nodeKey, value: movedNodeRecord(node, place) }]);
}

/**
 * Takes back that a store was moved: for a copy that is lost before a node was ever started from it. If one was, even
 * for a moment, never: what is here is old then, and a peer may take all funds of a channel whose old state is
 * broadcast.
 */
export async function takeBackMove(store: KVStore): Promise<void> {
  const node = await nodeOf(store);
  await store.commit([{ key: nodeKey, value: movedNodeRecord(node, undefined) }]);
}

/** Makes an empty store, or one with an unfinished copy, the target of a copy. */
export async function beginCopy(to: KVStore): Promise<void> {
  const first = await to.scan("", undefined, 1);
  if (first.length > 0 && !(await isUnfinished(to))) {
    throw new StoreError("not-empty", "the store to copy to is not empty: choose a new one");
  }
  await to.commit([{ key: unfinishedKey, value: new Uint8Array(0) }]);
  for await (const page of pagesOf(to)) {
    await to.commit(page.filter(isCopied).map(({ key }) => ({ key, value: undefined })));
  }
}

/** Whether a copy to the store was begun, and not finished. */
export async function isUnfinished(to: KVStore): Promise<boolean> {
  return (await to.read(unfinishedKey)) !== undefined && (await to.read(nodeKey)) === undefined;
}

/** Makes the target a node's store, in one commit. */
export async function finishCopy(to: KVStore, node: Uint8Array): Promise<void> {
  await to.commit([
    { key: nodeKey, value: node },
    { key: unfinishedKey, value: undefined },
  ]);
}

/** Whether a store is the one that the node can be started from. */
async function isHomeOf(store: KVStore, { nodeId, chain }: NodeRecord): Promise<boolean> {
  if ((await store.read(nodeKey)) === undefined) return false;
  const there = await liveNodeOf(store);
  return there.nodeId === nodeId && there.chain === chain;
}

/** Whether an entry is copied as it is; the record of whose store it is comes last. */
export function isCopied({ key }: KvEntry): boolean {
  return key !== nodeKey && key !== unfinishedKey;
}

/** A digest of all entries that are copied as they are. */
export async function digestOf(store: KVStore, counted?: (entries: number) => void): Promise<EntryDigest> {
  const digest = new EntryDigest();
  for await (const page of pagesOf(store)) {
    for (const entry of page) if (isCopied(entry)) digest.add(entry);
    counted?.(digest.count);
  }
  return digest;
}

async function copyEntries(from: KVStore, to: KVStore, { progress }: CopyOptions): Promise<void> {
  let entries = 0;
  for await (const page of pagesOf(from)) {
    const copied = page.filter(isCopied);
    await to.commit(copied);
    entries += copied.length;
    progress?.({ stage: "copying", entries });
  }
}

/** Reads both stores; rejects unless they have the same. */
async function compare(from: KVStore, to: KVStore, { progress }: CopyOptions): Promise<number> {
  const there = await digestOf(to, (entries) => progress?.({ stage: "verifying", entries }));
  const here = await digestOf(from);
  if (there.text === here.text) return here.count;
  throw new StoreError(
    "copy-differs",
    `the copy has ${there.text}; what was to be copied has ${here.text}: make sure that no node runs on either store, ` +
      "check the disks, and copy again",
  );
}

/** The record of whose store it is. */
export async function nodeOf(store: KVStore): Promise<NodeRecord> {
  const value = await store.read(nodeKey);
  if (value === undefined) {
    const isCopy = (await store.read(unfinishedKey)) !== undefined;
    throw new StoreError(
      "unfinished",
      isCopy
        ? "the store has a copy that was not finished: copy once more from where it came, which still has everything"
        : "there is no node in the store",
    );
  }
  const node = readNodeRecord(value);
  if (!node.ok) throw new StoreError("corrupt", node.error.text);
  return node.value;
}

/** The record of a store whose node can still be started. */
export async function liveNodeOf(store: KVStore): Promise<NodeRecord> {
  const node = await nodeOf(store);
  if (node.movedTo !== undefined) throw movedAlready(node.movedTo);
  return node;
}

function movedAlready(place: string): StoreError {
  return new StoreError("moved", `the node was moved from this store to ${place}: what is here is old`);
}

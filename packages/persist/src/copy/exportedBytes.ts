import type { KVStore, KvEntry } from "@fulmen/lightning/chain";
import { DecodeError, Reader, Writer } from "@fulmen/lightning/codec";
import { nodeKey } from "@fulmen/lightning/storage";
import { equalBytes, toHex } from "@fulmen/lightning/util";
import { decodeWrites, encodeWrites } from "../encodedWrites.ts";
import { StoreError } from "../storeError.ts";
import { ByteStream } from "./byteStream.ts";
import { beginCopy, type CopyProgress, digestOf, finishCopy, isCopied, liveNodeOf } from "./copyStore.ts";
import { EntryDigest, pagesOf } from "./entryDigest.ts";

/*
 * An export: "FULMENX" and the format's version (u8); then pages, each a length (u32) and entries as `encodeWrites`
 * writes them, in key order; then a length of zero, the number of entries (u64) and the digest of all of them (32
 * bytes).
 */
const magic = Uint8Array.of(0x46, 0x55, 0x4c, 0x4d, 0x45, 0x4e, 0x58);
const version = 1;
/** No page is longer than the longest batch. */
const longestPage = 260 * 2 ** 20;

/**
 * All entries of a store as one portable file, part by part. It has everything but the seed, unencrypted unless the
 * store itself is: keep it as you would keep the node.
 *
 * An export is the node. Call `markMoved` on the store once the bytes are durable, and import them once: two live
 * copies of one node lose its money. Rejects as `copyStore` does about its source.
 */
export async function* exportedBytes(store: KVStore): AsyncGenerator<Uint8Array> {
  await liveNodeOf(store);
  yield new Writer().bytes(magic).u8(version).finish();
  const digest = new EntryDigest();
  for await (const page of pagesOf(store)) {
    for (const entry of page) digest.add(entry);
    const bytes = encodeWrites(page);
    yield new Writer(bytes.length + 4).u32(bytes.length).bytes(bytes).finish();
  }
  yield new Writer().u32(0).u64(BigInt(digest.count)).bytes(digest.hash).finish();
}

/** How `importBytes` reports. */
export interface ImportOptions {
  readonly progress?: (progress: CopyProgress) => void;
  /**
   * Called when all is in the store, and just before a node can be started from it: to take away what was imported, so
   * that it is not imported elsewhere, too. When it rejects, so does the import, and no node can be started.
   */
  readonly consume?: () => Promise<void>;
}

/**
 * Brings an export into an empty store. The node can be started from it when the promise is fulfilled, and not before:
 * what a crash leaves is refused, and can be imported into again.
 *
 * Rejects with `StoreError`: `not-empty`, `foreign-file` (no export), `newer-schema`, `corrupt` (cut off or changed),
 * `copy-differs`.
 */
export async function importBytes(
  parts: AsyncIterable<Uint8Array>,
  to: KVStore,
  { progress, consume }: ImportOptions = {},
): Promise<{ readonly entries: number }> {
  await beginCopy(to);
  const imported = new EntryDigest();
  let node: Uint8Array | undefined;
  for await (const page of exportedPages(parts)) {
    for (const entry of page) {
      if (entry.key === nodeKey) node = entry.value;
      if (isCopied(entry)) imported.add(entry);
    }
    await to.commit(page.filter(isCopied));
    progress?.({ stage: "copying", entries: imported.count });
  }
  if (node === undefined) throw damaged("it has no record of whose node it is");
  const stored = await digestOf(to, (entries) => progress?.({ stage: "verifying", entries }));
  if (stored.text !== imported.text) {
    const text = `the store has ${stored.text}; the export has ${imported.text}: check the disk, and import again`;
    throw new StoreError("copy-differs", text);
  }
  await consume?.();
  await finishCopy(to, node);
  return { entries: imported.count };
}

/** Reads an export to its end; rejects as `importBytes` does when it is not whole. */
export async function checkExport(parts: AsyncIterable<Uint8Array>): Promise<{ readonly entries: number }> {
  let entries = 0;
  for await (const page of exportedPages(parts)) entries += page.length;
  return { entries };
}

/** The entries of an export, page by page; rejects at its end unless they were all there. */
async function* exportedPages(parts: AsyncIterable<Uint8Array>): AsyncGenerator<readonly KvEntry[]> {
  const stream = new ByteStream(parts);
  const head = await stream.take(magic.length + 1);
  if (head === undefined || !equalBytes(head.subarray(0, magic.length), magic)) {
    throw new StoreError("foreign-file", "this is no export of a store");
  }
  const found = head[magic.length] ?? 0;
  if (found !== version) {
    const text = `the export has format ${found}, this Fulmen reads format ${version}: use the newer Fulmen`;
    throw new StoreError("newer-schema", text);
  }
  const digest = new EntryDigest();
  let lastKey = "";
  for (;;) {
    const length = new Reader(await needed(stream, 4)).u32();
    if (length === 0) break;
    if (length > longestPage) throw damaged(`a page claims ${length} bytes`);
    const page = entriesOf(await needed(stream, length));
    for (const entry of page) {
      if (entry.key <= lastKey) throw damaged(`${entry.key} is not in its place`);
      lastKey = entry.key;
      digest.add(entry);
    }
    yield page;
  }
  const end = new Reader(await needed(stream, 40));
  const count = end.u64();
  const hash = end.bytes(32);
  if (count !== BigInt(digest.count) || !equalBytes(hash, digest.hash)) {
    throw damaged(`it says ${count} entries, ${toHex(hash)}, and has ${digest.text}`);
  }
  if ((await stream.take(1)) !== undefined) throw damaged("something follows its end");
}

async function needed(stream: ByteStream, length: number): Promise<Uint8Array> {
  const bytes = await stream.take(length);
  if (bytes === undefined) throw damaged("it is cut off");
  return bytes;
}

function entriesOf(bytes: Uint8Array): readonly KvEntry[] {
  try {
    return decodeWrites(bytes).map(({ key, value }) => {
      if (value === undefined) throw new DecodeError(`${key} has no value`);
      return { key, value };
    });
  } catch (error) {
    if (error instanceof DecodeError) throw damaged(error.message);
    throw error;
  }
}

function damaged(what: string): StoreError {
  return new StoreError(
    "corrupt",
    `the export is damaged: ${what}. Nothing was imported: fetch the file again from where it was written`,
  );
}

import { randomInt } from "node:crypto";
import type { KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { DecodeError } from "@fulmen/lightning/codec";
import { decodeWrites, encodeWrites } from "../encodedWrites.ts";
import { firstInRange, type KeyRange, keyRange } from "../keys.ts";
import { corruptFile } from "./fileError.ts";
import { readHeader } from "./fileHeader.ts";
import type { FileSystem, OpenFile } from "./fileSystem.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeHeader,
  frameHeaderLength,
  frameLength,
  headerLength,
} from "./frames.ts";

/** Entries are gathered into a block until they have as many bytes. */
const blockBytes = 32 * 2 ** 10;

interface Block {
  readonly offset: number;
  readonly length: number;
}

interface SnapshotIndex {
  readonly salt: number;
  /** The sequence number of the first frame of the journal that goes on from here. */
  readonly sequence: number;
  readonly firstKeys: readonly string[];
  readonly blocks: readonly Block[];
}

export interface SnapshotPlace {
  readonly files: FileSystem;
  readonly path: string;
  readonly number: number;
}

/**
 * All entries at one time, in key order, in blocks with a checksum each. In memory it has the first key of each block.
 * The file never changes; it is closed, and removed where it was told to, when its last reader is done.
 */
export class Snapshot {
  readonly path: string;
  readonly number: number;
  readonly sequence: number;
  readonly #file: OpenFile;
  readonly #index: SnapshotIndex;
  #users = 1;

  constructor({ path, number }: SnapshotPlace, file: OpenFile, index: SnapshotIndex) {
    this.path = path;
    this.number = number;
    this.sequence = index.sequence;
    this.#file = file;
    this.#index = index;
  }

  /** The file stays open for as long as `read` runs, whoever releases the snapshot meanwhile. */
  async use<T>(read: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await read();
    } finally {
      await this.release();
    }
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users === 0) await this.#file.close();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const block = await this.#block(this.#blockOf(keyRange(key, undefined)));
    return block?.find((entry) => entry.key === key)?.value;
  }

  /** The entries of a range, in key order. */
  async *range(range: KeyRange): AsyncGenerator<KvEntry> {
    for (let at = this.#blockOf(range); ; at++) {
      const block = await this.#block(at);
      if (block === undefined) return;
      for (const entry of block) {
        if (entry.key >= range.below) return;
        if (entry.key >= range.from && entry.key > range.after) yield entry;
      }
    }
  }

  /** The block in which a range begins. */
  #blockOf(range: KeyRange): number {
    return Math.max(0, firstInRange(this.#index.firstKeys, range) - 1);
  }

  async #block(at: number): Promise<readonly KvEntry[] | undefined> {
    const block = this.#index.blocks[at];
    if (block === undefined) return undefined;
    const bytes = await this.#file.read(block.offset, block.length);
    return decodeBlock(bytes, { path: this.path, offset: block.offset, salt: this.#index.salt, at });
  }
}

/** Reads all of a snapshot, so that damage is found before anything rests on it. */
export async function openSnapshot(place: SnapshotPlace): Promise<Snapshot> {
  const { files, path, number } = place;
  const file = await files.open(path, "read");
  try {
    return new Snapshot(place, file, await readIndex(file, path, number));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readIndex(file: OpenFile, path: string, number: number): Promise<SnapshotIndex> {
  const { salt, sequence } = readHeader(await file.read(0, headerLength), { path, kind: "snapshot", number });
  const firstKeys: string[] = [];
  const blocks: Block[] = [];
  let lastKey = "";
  const size = await file.size();
  for (let offset = headerLength; ; ) {
    const start = await file.read(offset, blockBytes + 2 * frameHeaderLength);
    const length = Math.min(frameLength(start, 0) ?? start.length, size - offset);
    const bytes = length <= start.length ? start.subarray(0, length) : await file.read(offset, length);
    const entries = decodeBlock(bytes, { path, offset, salt, at: blocks.length });
    // An empty block ends the snapshot.
    if (entries.length === 0) {
      if (offset + length < size) throw corruptFile(path, offset + length, "something follows its end");
      return { salt, sequence, firstKeys, blocks };
    }
    for (const { key } of entries) {
      if (key <= lastKey) throw corruptFile(path, offset, `${key} is not in its place`);
      lastKey = key;
    }
    firstKeys.push(entries[0]?.key ?? "");
    blocks.push({ offset, length });
    offset += length;
  }
}

interface BlockPlace {
  readonly path: string;
  readonly offset: number;
  readonly salt: number;
  /** The number of the block. */
  readonly at: number;
}

function decodeBlock(bytes: Uint8Array, { path, offset, salt, at }: BlockPlace): readonly KvEntry[] {
  const frame = decodeFrame(bytes, 0, salt);
  if (frame?.sequence !== at) throw corruptFile(path, offset, `block ${at} does not have its checksum`);
  try {
    return decodeWrites(frame.payload).filter(isEntry);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw corruptFile(path, offset + frameHeaderLength + error.offset, error.reason);
  }
}

function isEntry(write: KvWrite): write is KvEntry {
  return write.value !== undefined;
}

export interface NewSnapshot extends SnapshotPlace {
  readonly folder: string;
  readonly sequence: number;
  /** In key order. */
  readonly entries: AsyncIterable<KvEntry>;
}

/**
 * Writes a snapshot aside, reads it again, and gives it its name; a crash leaves it whole or not there at all. Gives
 * it opened.
 */
export async function writeSnapshot(request: NewSnapshot): Promise<Snapshot> {
  const { files, folder, path, number } = request;
  const temporary = `${path}.new`;
  const file = await files.open(temporary, "create");
  try {
    await writeBlocks(file, request);
    await file.sync();
  } finally {
    await file.close();
  }
  const index = await indexOf({ files, path: temporary, number });
  await files.rename(temporary, path);
  await files.syncFolder(folder);
  return new Snapshot(request, await files.open(path, "read"), index);
}

async function indexOf({ files, path, number }: SnapshotPlace): Promise<SnapshotIndex> {
  const file = await files.open(path, "read");
  try {
    return await readIndex(file, path, number);
  } finally {
    await file.close();
  }
}

async function writeBlocks(file: OpenFile, { number, sequence, entries }: NewSnapshot): Promise<void> {
  const salt = randomInt(2 ** 32);
  await file.write(encodeHeader({ kind: "snapshot", number, sequence, salt }), 0);
  let offset = headerLength;
  let count = 0;
  const writeBlock = async (block: readonly KvEntry[]): Promise<void> => {
    const frame = encodeFrame(encodeWrites(block), count, salt);
    await file.write(frame, offset);
    offset += frame.length;
    count++;
  };
  let block: KvEntry[] = [];
  let bytes = 0;
  for await (const entry of entries) {
    block.push(entry);
    bytes += entry.key.length + entry.value.length;
    if (bytes < blockBytes) continue;
    await writeBlock(block);
    block = [];
    bytes = 0;
  }
  if (block.length > 0) await writeBlock(block);
  await writeBlock([]);
}

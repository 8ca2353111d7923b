import { randomInt } from "node:crypto";
import type { KvWrite } from "@fulmen/lightning/chain";
import { DecodeError } from "@fulmen/lightning/codec";
import { decodeWrites, encodeWrites } from "../encodedWrites.ts";
import { corruptFile } from "./fileError.ts";
import { readHeader } from "./fileHeader.ts";
import type { FileSystem, OpenFile } from "./fileSystem.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeHeader,
  frameHeaderLength,
  headerLength,
  nextFrame,
} from "./frames.ts";

interface Opened {
  readonly file: OpenFile;
  readonly number: number;
  readonly salt: number;
  readonly length: number;
  readonly nextSequence: number;
}

/** A journal that is open for appending. It belongs to one caller, who waits for each call. */
export class Journal {
  readonly number: number;
  readonly #file: OpenFile;
  readonly #salt: number;
  #length: number;
  #nextSequence: number;

  constructor({ file, number, salt, length, nextSequence }: Opened) {
    this.#file = file;
    this.number = number;
    this.#salt = salt;
    this.#length = length;
    this.#nextSequence = nextSequence;
  }

  /** Bytes of all whole frames, and the header. */
  get length(): number {
    return this.#length;
  }

  /** The sequence number of the next frame. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /**
   * Appends `writes` as one frame. When it is rejected, the frame may nevertheless be found when the journal is opened
   * again, unless another one is appended before: that takes its place, and what is left of it has no beginning.
   */
  async append(writes: readonly KvWrite[]): Promise<void> {
    const frame = encodeFrame(encodeWrites(writes), this.#nextSequence, this.#salt);
    await this.#file.write(frame, this.#length);
    // Should this fail, what the system says of those pages later is worth nothing: the frame is written again.
    await this.#file.sync();
    this.#length += frame.length;
    this.#nextSequence++;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export interface JournalPlace {
  readonly files: FileSystem;
  readonly folder: string;
  readonly path: string;
  readonly number: number;
}

/** A journal that is written aside and has no name yet. */
export interface PreparedJournal {
  /** Gives it its name. When it is rejected, it may have its name or not; another one must take its place. */
  publish(): Promise<Journal>;
}

/** Writes a journal without frames aside, the first of which will have the number `sequence`. */
export async function prepareJournal(place: JournalPlace, sequence: number): Promise<PreparedJournal> {
  const { files, folder, path, number } = place;
  const salt = randomInt(2 ** 32);
  const temporary = `${path}.new`;
  const file = await files.open(temporary, "create");
  const orClose = async (write: () => Promise<void>): Promise<void> => {
    try {
      await write();
    } catch (error) {
      await file.close();
      throw error;
    }
  };
  await orClose(async () => {
    await file.write(encodeHeader({ kind: "journal", number, sequence, salt }), 0);
    await file.sync();
  });
  return {
    publish: async () => {
      await orClose(async () => {
        await files.rename(temporary, path);
        await files.syncFolder(folder);
      });
      return new Journal({ file, number, salt, length: headerLength, nextSequence: sequence });
    },
  };
}

export interface ReadJournal extends JournalPlace {
  /** What its first frame must have as its number; `undefined` when nothing tells. */
  readonly sequence: number | undefined;
  /** Only the last journal may end in a frame that is not whole. */
  readonly isLast: boolean;
  /** Takes the writes of each frame, in their order. */
  readonly apply: (writes: readonly KvWrite[]) => void;
}

/**
 * Opens a journal for appending and gives its writes to `apply`. What a crash left of a frame at the end is cut off;
 * anything else that is not as it was written is refused as `corrupt`.
 */
export async function openJournal(request: ReadJournal): Promise<Journal> {
  const { files, path, number } = request;
  const file = await files.open(path, "update");
  try {
    const bytes = await file.read(0, await file.size());
    const header = readHeader(bytes, { path, kind: "journal", number });
    if (request.sequence !== undefined && header.sequence !== request.sequence) {
      throw corruptFile(path, 16, `it begins with frame ${header.sequence}, not with ${request.sequence}`);
    }
    const { offset, nextSequence } = applyFrames(bytes, request, header);
    if (offset < bytes.length) await file.truncate(offset);
    // The last frame may be one that the store which wrote it could not sync.
    await file.sync();
    return new Journal({ file, number, salt: header.salt, length: offset, nextSequence });
  } catch (error) {
    await file.close();
    throw error;
  }
}

function applyFrames(
  bytes: Uint8Array,
  { path, isLast, apply }: ReadJournal,
  { salt, sequence }: { readonly salt: number; readonly sequence: number },
): { readonly offset: number; readonly nextSequence: number } {
  let offset = headerLength;
  let nextSequence = sequence;
  while (offset < bytes.length) {
    const frame = decodeFrame(bytes, offset, salt);
    if (frame === undefined) {
      // Each frame is on the disk before the next one is written: what is followed by a frame was once whole.
      const following = nextFrame(bytes, offset, salt);
      if (!isLast || following !== undefined) {
        const what = isLast ? `a frame follows at byte ${following}` : "a later journal follows";
        throw corruptFile(path, offset, `frame ${nextSequence} does not have its checksum, and ${what}`);
      }
      break;
    }
    if (frame.sequence !== nextSequence) {
      throw corruptFile(path, offset, `frame ${frame.sequence} where ${nextSequence} should be`);
    }
    try {
      apply(decodeWrites(frame.payload));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw corruptFile(path, offset + frameHeaderLength + error.offset, error.reason);
    }
    offset += frame.length;
    nextSequence++;
  }
  return { offset, nextSequence };
}

import { crc32 } from "node:zlib";

/*
 * Both kinds of files begin with a header of 32 bytes:
 *   "FULMEN" and the kind ("J" for a journal, "S" for a snapshot), format version (u8), the file's number (u64), the
 *   sequence number of its first frame (u64), salt (u32), CRC-32 of all before it (u32)
 * and go on with frames, numbered in a row:
 *   "FLFR" (u32), CRC-32 of what follows (u32), length of the payload (u32), sequence number (u64), payload
 *
 * The CRC of a frame starts from the file's salt, which is random: whoever gets bytes of his choice into a value cannot
 * make them look like a frame.
 */

export type FileKind = "journal" | "snapshot";

export interface FileHeader {
  readonly kind: FileKind;
  readonly number: number;
  /** The sequence number of the first frame. */
  readonly sequence: number;
  readonly salt: number;
}

export const headerLength = 32;
export const frameHeaderLength = 20;

const headerMagic = [0x46, 0x55, 0x4c, 0x4d, 0x45, 0x4e];
const kindByte = { journal: 0x4a, snapshot: 0x53 } as const;
const formatVersion = 1;
const frameMagic = 0x464c4652;
const frameMagicBytes = Uint8Array.of(0x46, 0x4c, 0x46, 0x52);

export function encodeHeader({ kind, number, sequence, salt }: FileHeader): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  bytes.set([...headerMagic, kindByte[kind], formatVersion]);
  const view = viewOf(bytes);
  view.setBigUint64(8, BigInt(number));
  view.setBigUint64(16, BigInt(sequence));
  view.setUint32(24, salt);
  view.setUint32(28, crc32(bytes.subarray(0, 28)));
  return bytes;
}

/** Why bytes are no header, or what it says. */
export type HeaderRead =
  | { readonly kind: "header"; readonly header: FileHeader }
  | { readonly kind: "damaged"; readonly what: string }
  | { readonly kind: "newer"; readonly version: number };

export function decodeHeader(bytes: Uint8Array, expected: FileKind): HeaderRead {
  if (bytes.length < headerLength) return { kind: "damaged", what: "it has no whole header" };
  const view = viewOf(bytes);
  if (headerMagic.some((byte, at) => bytes[at] !== byte) || bytes[6] !== kindByte[expected]) {
    return { kind: "damaged", what: `it does not begin as a ${expected} does` };
  }
  // A later version may have another checksum.
  const version = bytes[7] ?? 0;
  if (version > formatVersion) return { kind: "newer", version };
  if (version < formatVersion || view.getUint32(28) !== crc32(bytes.subarray(0, 28))) {
    return { kind: "damaged", what: "its header does not have its checksum" };
  }
  const number = Number(view.getBigUint64(8));
  const sequence = Number(view.getBigUint64(16));
  return { kind: "header", header: { kind: expected, number, sequence, salt: view.getUint32(24) } };
}

export function encodeFrame(payload: Uint8Array, sequence: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(frameHeaderLength + payload.length);
  const view = viewOf(bytes);
  view.setUint32(0, frameMagic);
  view.setUint32(8, payload.length);
  view.setBigUint64(12, BigInt(sequence));
  bytes.set(payload, frameHeaderLength);
  view.setUint32(4, crc32(bytes.subarray(8), salt));
  return bytes;
}

/** How long the frame is that begins at `offset`, as its header says; `undefined` when there is none. */
export function frameLength(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length - offset < frameHeaderLength) return undefined;
  const view = viewOf(bytes);
  return view.getUint32(offset) === frameMagic ? frameHeaderLength + view.getUint32(offset + 8) : undefined;
}

export interface Frame {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly length: number;
}

/** The frame at `offset`; `undefined` unless all of it is there and has its checksum. */
export function decodeFrame(bytes: Uint8Array, offset: number, salt: number): Frame | undefined {
  const length = frameLength(bytes, offset);
  if (length === undefined || length > bytes.length - offset) return undefined;
  const view = viewOf(bytes);
  const frame = bytes.subarray(offset, offset + length);
  if (view.getUint32(offset + 4) !== crc32(frame.subarray(8), salt)) return undefined;
  return {
    sequence: Number(view.getBigUint64(offset + 12)),
    payload: frame.subarray(frameHeaderLength),
    length,
  };
}

/** The offset of the next whole frame at or behind `offset`, `undefined` when none follows. */
export function nextFrame(bytes: Uint8Array, offset: number, salt: number): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = offset; ; at++) {
    at = buffer.indexOf(frameMagicBytes, at);
    if (at === -1) return undefined;
    if (decodeFrame(bytes, at, salt) !== undefined) return at;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

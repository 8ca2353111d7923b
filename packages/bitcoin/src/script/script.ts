import { ByteWriter } from "../transaction/byteWriter.ts";
import { BitcoinDecodeError } from "../transaction/decodeError.ts";
import { op } from "./opcodes.ts";
import { encodeScriptNumber } from "./scriptNumber.ts";

/** One instruction of a script. */
export interface ScriptOp {
  readonly opcode: number;
  /** What opcodes up to `OP_PUSHDATA4` push, a copy; `OP_0` pushes an empty string. */
  readonly data?: Uint8Array;
}

/**
 * A script of its parts: a `number` is an opcode, bytes are pushed, and a `bigint` is pushed as a script number, all
 * with the shortest push (BIP 62 rule 3, so that one byte 1..16 becomes `OP_1`..`OP_16`).
 */
export function script(...parts: readonly (number | Uint8Array | bigint)[]): Uint8Array {
  const written = parts.map((part) => (typeof part === "bigint" ? encodeScriptNumber(part) : part));
  let size = 0;
  for (const part of written) size += typeof part === "number" ? 1 : pushSize(part);
  const writer = new ByteWriter(size);
  for (const part of written) {
    if (typeof part === "number") writer.u8(part);
    else writePush(writer, part);
  }
  return writer.finish();
}

/** The instructions of `bytes`; throws `BitcoinDecodeError` on a push past the end. */
export function parseScript(bytes: Uint8Array): readonly ScriptOp[] {
  const ops: ScriptOp[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const range = readOp(bytes, offset);
    if (range === undefined) throw new BitcoinDecodeError("push past the end of the script", offset);
    const { opcode, start, end } = range;
    ops.push(opcode <= op.PUSHDATA4 ? { opcode, data: bytes.slice(start, end) } : { opcode });
    offset = end;
  }
  return ops;
}

/** Where one instruction lies: its data is at `start` (inclusive) to `end`, where the next one begins. */
export interface OpRange {
  readonly opcode: number;
  readonly start: number;
  readonly end: number;
}

/** The instruction at `offset` without copying, or `undefined` at the end and when its push runs past the end. */
export function readOp(bytes: Uint8Array, offset: number): OpRange | undefined {
  const opcode = bytes[offset];
  if (opcode === undefined) return undefined;
  const lengthBytes = lengthBytesOf(opcode);
  const start = offset + 1 + lengthBytes;
  if (start > bytes.length) return undefined;
  let length = opcode < op.PUSHDATA1 ? opcode : 0;
  for (let i = lengthBytes; i > 0; i--) length = length * 256 + (bytes[offset + i] ?? 0);
  const end = start + length;
  return end > bytes.length ? undefined : { opcode, start, end };
}

/** Whether `data` was pushed by `opcode` in the shortest way (BIP 62 rule 3), as policy asks. */
export function isMinimalPush(opcode: number, data: Uint8Array): boolean {
  return opcode === minimalOpcode(data);
}

/**
 * Whether an output with this script can never be spent: it begins with `OP_RETURN` or is over 10,000 bytes long.
 * Such outputs are not kept and have no dust limit.
 */
export function isUnspendable(bytes: Uint8Array): boolean {
  return bytes[0] === op.RETURN || bytes.length > 10_000;
}

function writePush(writer: ByteWriter, data: Uint8Array): void {
  const opcode = minimalOpcode(data);
  writer.u8(opcode);
  if (opcode === op.PUSHDATA1) writer.u8(data.length);
  if (opcode === op.PUSHDATA2) writer.u16(data.length);
  if (opcode === op.PUSHDATA4) writer.u32(data.length);
  if (opcode <= op.PUSHDATA4) writer.bytes(data);
}

function pushSize(data: Uint8Array): number {
  const opcode = minimalOpcode(data);
  return 1 + lengthBytesOf(opcode) + (opcode <= op.PUSHDATA4 ? data.length : 0);
}

function minimalOpcode(data: Uint8Array): number {
  const only = data.length === 1 ? (data[0] ?? 0) : 0;
  if (only >= 1 && only <= 16) return op.RESERVED + only;
  if (only === 0x81) return op._1NEGATE;
  if (data.length < op.PUSHDATA1) return data.length;
  if (data.length <= 0xff) return op.PUSHDATA1;
  return data.length <= 0xffff ? op.PUSHDATA2 : op.PUSHDATA4;
}

function lengthBytesOf(opcode: number): 0 | 1 | 2 | 4 {
  switch (opcode) {
    case op.PUSHDATA1:
      return 1;
    case op.PUSHDATA2:
      return 2;
    case op.PUSHDATA4:
      return 4;
  }
  return 0;
}

import type { ScriptFlag } from "@fulmen/bitcoin/interpreter";
import { fromHex } from "@fulmen/bitcoin/primitives";
import { encodeScriptNumber, op } from "@fulmen/bitcoin/script";
import { ByteWriter } from "@fulmen/bitcoin/transaction";

/**
 * A script in the text form of Bitcoin Core's test data: opcodes with or without `OP_`, decimal numbers that are
 * pushed, `'text'` that is pushed, and `0x..` for bytes that are taken as they are.
 */
export function assemble(text: string): Uint8Array {
  const writer = new ByteWriter();
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    if (/^-?\d+$/.test(word)) writeNumber(writer, BigInt(word));
    else if (word.startsWith("0x")) writer.bytes(fromHex(word.slice(2)));
    else if (/^'.*'$/.test(word))
      writeData(
        writer,
        Uint8Array.from(word.slice(1, -1), (c) => c.charCodeAt(0)),
      );
    else writer.u8(opcodeOf(word));
  }
  return writer.finish();
}

/** Flags by Core's names, separated by commas. */
export function parseFlags(text: string): Set<ScriptFlag> {
  const names = text.split(",").filter((name) => name !== "" && name !== "NONE");
  return new Set(names.map((name) => flagNamed(name)));
}

/** All flags that Core's test data know. */
export const allFlags: readonly ScriptFlag[] = [
  "p2sh",
  "strictenc",
  "dersig",
  "low-s",
  "nulldummy",
  "sigpushonly",
  "minimaldata",
  "discourage-upgradable-nops",
  "cleanstack",
  "checklocktimeverify",
  "checksequenceverify",
  "witness",
  "discourage-upgradable-witness-program",
  "minimalif",
  "nullfail",
  "witness-pubkeytype",
  "const-scriptcode",
  "taproot",
  "discourage-upgradable-taproot-version",
  "discourage-op-success",
  "discourage-upgradable-pubkeytype",
];

function flagNamed(name: string): ScriptFlag {
  const kebab = name.toLowerCase().replaceAll("_", "-");
  const flag = allFlags.find((each) => each === kebab);
  if (flag === undefined) throw new RangeError(`unknown flag ${name}`);
  return flag;
}

function writeNumber(writer: ByteWriter, value: bigint): void {
  if (value === 0n) writer.u8(op._0);
  else if (value === -1n || (value >= 1n && value <= 16n)) writer.u8(op.RESERVED + Number(value));
  else writeData(writer, encodeScriptNumber(value));
}

function writeData(writer: ByteWriter, data: Uint8Array): void {
  if (data.length < op.PUSHDATA1) writer.u8(data.length);
  else if (data.length <= 0xff) writer.u8(op.PUSHDATA1).u8(data.length);
  else writer.u8(op.PUSHDATA2).u16(data.length);
  writer.bytes(data);
}

function opcodeOf(word: string): number {
  const name = word.replace(/^OP_/, "");
  const key = /^\d/.test(name) ? `_${name}` : name;
  const value = Object.entries(op).find(([each]) => each === key)?.[1];
  if (value === undefined) throw new RangeError(`unknown word ${word}`);
  return value;
}

import type { BlockHash } from "@fulmen/lightning/util";
import { printable } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";

const thirtyTwoBytes = /^[0-9a-f]{64}$/;

/** A block's hash or a txid. */
export function hashOf(value: unknown): BlockHash {
  if (typeof value === "string" && thirtyTwoBytes.test(value)) return value as BlockHash;
  throw invalidAnswer(`${shown(value)} instead of a hash`);
}

/** A block's height. */
export function heightOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 500_000_000) return value;
  throw invalidAnswer(`${shown(value)} instead of a height`);
}

/** Bytes in hexadecimal. */
export function bytesOf(value: unknown): Uint8Array {
  if (typeof value === "string" && value.length % 2 === 0) {
    const bytes = Buffer.from(value, "hex");
    if (bytes.length * 2 === value.length)
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  throw invalidAnswer(`${shown(value)} instead of bytes`);
}

/** Satoshis of an amount in bitcoins; `undefined` when it is none. */
export function satoshisOf(value: unknown): bigint | undefined {
  if (typeof value !== "number" || !(value >= 0 && value <= 21_000_000)) return undefined;
  return BigInt(Math.round(value * 100_000_000));
}

/** The error for something that Bitcoin Core would not say. */
export function invalidAnswer(what: string): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `bitcoind answers what it should not: ${what}`,
    "make sure that the address is that of Bitcoin Core, version 24 or later",
  );
}

function shown(value: unknown): string {
  return printable(JSON.stringify(value) ?? "nothing", 80);
}

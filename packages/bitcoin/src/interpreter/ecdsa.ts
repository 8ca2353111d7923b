import { crypto } from "../crypto/installed.ts";
import { concatBytes, toHex } from "../primitives/index.ts";
import { isLowS, isStrictDer } from "../script/index.ts";
import type { ScriptFlags } from "./flags.ts";
import { compactFromLaxDer } from "./laxSignature.ts";
import type { ScriptError } from "./scriptError.ts";

/** Why the encoding of a signature with its type fails the script, whatever it signs; an empty one never does. */
export function signatureEncodingError(signature: Uint8Array, flags: ScriptFlags): ScriptError | undefined {
  const type = signature.at(-1);
  if (type === undefined) return undefined;
  const strict = flags.has("dersig") || flags.has("low-s") || flags.has("strictenc");
  const der = signature.subarray(0, -1);
  if (strict && !isStrictDer(der)) return "sig-der";
  if (flags.has("low-s") && !isLowS(compactOf(der))) return "sig-high-s";
  const outputs = type & ~0x80;
  if (flags.has("strictenc") && (outputs < 1 || outputs > 3)) return "sig-hashtype";
  return undefined;
}

/** Why the encoding of a key fails the script, whatever it signed. */
export function pubkeyEncodingError(
  pubkey: Uint8Array,
  flags: ScriptFlags,
  version: "base" | "witness-v0",
): ScriptError | undefined {
  const compressed = pubkey.length === 33 && (pubkey[0] === 2 || pubkey[0] === 3);
  const uncompressed = pubkey.length === 65 && pubkey[0] === 4;
  if (flags.has("strictenc") && !compressed && !uncompressed) return "pubkeytype";
  if (flags.has("witness-pubkeytype") && version === "witness-v0" && !compressed) return "witness-pubkeytype";
  return undefined;
}

/** Whether a signature (DER, its type already taken off) signs `hash` by a key in any of the forms of old scripts. */
export function verifyEcdsa(der: Uint8Array, hash: Uint8Array, pubkey: Uint8Array): boolean {
  const point = compressedPoint(pubkey);
  return point !== undefined && crypto().ecdsaVerify(withLowS(compactOf(der)), hash, point);
}

const zeroSignature = new Uint8Array(64);

function compactOf(der: Uint8Array): Uint8Array {
  return compactFromLaxDer(der) ?? zeroSignature;
}

/** High S is valid by consensus; `n - s` verifies just where `s` does. */
function withLowS(signature: Uint8Array): Uint8Array {
  if (isLowS(signature)) return signature;
  const s = signature.subarray(32);
  if (!crypto().isPrivateKey(s)) return zeroSignature;
  return concatBytes(signature.subarray(0, 32), crypto().scalarNegate(s));
}

/**
 * The point of a key: compressed; uncompressed (0x04); or hybrid (0x06 and 0x07), where the prefix repeats the parity
 * of y. `undefined` when it is no point.
 */
function compressedPoint(pubkey: Uint8Array): Uint8Array | undefined {
  if (pubkey.length === 33) return pubkey;
  const [prefix] = pubkey;
  if (pubkey.length !== 65 || prefix === undefined) return undefined;
  const parity = (pubkey[64] ?? 0) & 1;
  if (prefix !== 4 && prefix !== 6 + parity) return undefined;
  if (!isOnCurve(pubkey.subarray(1, 33), pubkey.subarray(33))) return undefined;
  return concatBytes(Uint8Array.of(2 + parity), pubkey.subarray(1, 33));
}

const fieldPrime = 2n ** 256n - 2n ** 32n - 977n;

/** Whether y^2 = x^3 + 7 in secp256k1's field. */
function isOnCurve(xBytes: Uint8Array, yBytes: Uint8Array): boolean {
  const x = BigInt(`0x${toHex(xBytes)}`);
  const y = BigInt(`0x${toHex(yBytes)}`);
  return x < fieldPrime && y < fieldPrime && (y * y - x * x * x - 7n) % fieldPrime === 0n;
}

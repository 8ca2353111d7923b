import { compareBytes, fromHex } from "../primitives/index.ts";
import { BitcoinDecodeError } from "../transaction/decodeError.ts";

/** A compact signature and the sighash type that stands behind its DER form in a witness or script. */
export interface TypedSignature {
  /** 64 bytes: r, s. */
  readonly signature: Uint8Array;
  /** 0..255 */
  readonly sighashType: number;
}

/** DER of a compact signature (r, s; 64 bytes): 8 to 72 bytes, 70 or 71 as a rule. */
export function derFromCompact(signature: Uint8Array): Uint8Array {
  if (signature.length !== 64) throw new RangeError(`expected 64 bytes, got ${signature.length}`);
  const r = derInteger(signature.subarray(0, 32));
  const s = derInteger(signature.subarray(32));
  return Uint8Array.of(0x30, r.length + s.length, ...r, ...s);
}

/**
 * The compact form of a signature in strict DER (BIP 66); throws `BitcoinDecodeError` on anything else and on
 * integers over 32 bytes. Whether s is low and r and s are below the group order is not looked at.
 */
export function compactFromDer(der: Uint8Array): Uint8Array {
  if (!isStrictDer(der)) throw new BitcoinDecodeError("signature is not strict DER");
  const rLength = der[3] ?? 0;
  const compact = new Uint8Array(64);
  placeInteger(compact, 32, der.subarray(4, 4 + rLength));
  placeInteger(compact, 64, der.subarray(6 + rLength));
  return compact;
}

/** Whether `der`, without a sighash type behind it, is a signature in strict DER (BIP 66). */
export function isStrictDer(der: Uint8Array): boolean {
  const { length } = der;
  if (length < 8 || length > 72 || der[0] !== 0x30 || der[1] !== length - 2) return false;
  const rLength = der[3] ?? 0;
  if (5 + rLength >= length) return false;
  const sLength = der[5 + rLength] ?? 0;
  if (rLength + sLength + 6 !== length) return false;
  return isDerInteger(der, 2, rLength) && isDerInteger(der, 4 + rLength, sLength);
}

/** The form that goes into witnesses and scripts: DER and the sighash type's byte. */
export function encodeTypedSignature({ signature, sighashType }: TypedSignature): Uint8Array {
  return Uint8Array.of(...derFromCompact(signature), sighashType);
}

/** The reverse of `encodeTypedSignature`; throws `BitcoinDecodeError` on what `compactFromDer` refuses. */
export function decodeTypedSignature(bytes: Uint8Array): TypedSignature {
  const sighashType = bytes.at(-1);
  if (sighashType === undefined) throw new BitcoinDecodeError("empty signature");
  return { signature: compactFromDer(bytes.subarray(0, -1)), sighashType };
}

const halfOrder = fromHex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/** Whether s of a compact signature is at most half the group order (BIP 146), as relay policy asks. */
export function isLowS(signature: Uint8Array): boolean {
  return compareBytes(signature.subarray(32), halfOrder) <= 0;
}

/** Tag, length and the shortest positive two's complement of a big-endian number. */
function derInteger(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < 31 && value[start] === 0) start++;
  const digits = value.subarray(start);
  const padding = (digits[0] ?? 0) & 0x80 ? [0] : [];
  return Uint8Array.of(0x02, padding.length + digits.length, ...padding, ...digits);
}

function isDerInteger(der: Uint8Array, at: number, length: number): boolean {
  const first = der[at + 2] ?? 0;
  if (der[at] !== 0x02 || length === 0 || (first & 0x80) !== 0) return false;
  return !(length > 1 && first === 0 && ((der[at + 3] ?? 0) & 0x80) === 0);
}

/** Puts an integer, less its sign byte, right-aligned before `end`. */
function placeInteger(compact: Uint8Array, end: number, integer: Uint8Array): void {
  const digits = integer[0] === 0 ? integer.subarray(1) : integer;
  if (digits.length > 32) throw new BitcoinDecodeError("integer of a signature over 32 bytes");
  compact.set(digits, end - digits.length);
}

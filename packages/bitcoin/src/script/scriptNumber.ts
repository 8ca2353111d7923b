import { BitcoinDecodeError } from "../transaction/decodeError.ts";

/** A number as script has it: little-endian, sign in the topmost bit, shortest form; zero is empty. */
export function encodeScriptNumber(value: bigint | number): Uint8Array {
  const wide = BigInt(value);
  const bytes: number[] = [];
  for (let rest = wide < 0n ? -wide : wide; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
  const top = bytes.at(-1);
  if (top === undefined) return new Uint8Array(0);
  const sign = wide < 0n ? 0x80 : 0;
  if (top & 0x80) bytes.push(sign);
  else bytes[bytes.length - 1] = top | sign;
  return Uint8Array.from(bytes);
}

/** What script takes a number to be made of at most, unless the opcode says otherwise (5 for lock times). */
const usualLength = 4;

/** How strictly a script number is read. */
export interface ScriptNumberRules {
  /** Bytes at most; 4 when not given. */
  readonly maxLength?: number;
  /**
   * Whether only the shortest form is accepted, as policy (`MINIMALDATA`) asks but consensus does not; yes when not
   * given.
   */
  readonly minimal?: boolean;
}

/** The number in `bytes`; throws `BitcoinDecodeError` when it is too long or not in its shortest form. */
export function decodeScriptNumber(bytes: Uint8Array, rules: ScriptNumberRules = {}): bigint {
  const { maxLength = usualLength, minimal = true } = rules;
  if (bytes.length > maxLength) throw new BitcoinDecodeError(`script number of ${bytes.length} bytes`);
  if (minimal && !isMinimal(bytes)) throw new BitcoinDecodeError("script number is not in its shortest form");
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] ?? 0;
    value = (value << 8n) | BigInt(i === bytes.length - 1 ? byte & 0x7f : byte);
  }
  return ((bytes.at(-1) ?? 0) & 0x80) === 0 ? value : -value;
}

/** The topmost byte may hold nothing but a sign only when the byte below needs its own top bit. */
function isMinimal(bytes: Uint8Array): boolean {
  const top = bytes.at(-1);
  if (top === undefined || (top & 0x7f) !== 0) return true;
  return ((bytes.at(-2) ?? 0) & 0x80) !== 0;
}

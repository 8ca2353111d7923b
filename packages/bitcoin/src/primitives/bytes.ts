const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += hexPairs[bytes[i] ?? 0];
  return text;
}

/** By character code: what the digit is worth, or -1. */
const hexDigits: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase()),
);

/** Bytes of a hex string of either case; throws `RangeError` on anything else. */
export function fromHex(text: string): Uint8Array {
  return hexInto(new Uint8Array(text.length >> 1), text);
}

/** `bytes`, filled with those of a hex string; throws `RangeError` on anything else, and on another length. */
export function hexInto(bytes: Uint8Array, text: string): Uint8Array {
  let digits = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigits[text.charCodeAt(2 * i)] ?? -1;
    const low = hexDigits[text.charCodeAt(2 * i + 1)] ?? -1;
    digits |= high | low;
    bytes[i] = high * 16 + low;
  }
  if (digits >= 0 && text.length === 2 * bytes.length) return bytes;
  throw new RangeError(`not ${bytes.length} whole bytes in hex: ${text.slice(0, 80)}`);
}

/** Whether two byte strings are equal. Not constant-time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two secrets are equal, in time that depends on their length only. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Lexicographic order, as `memcmp`, a prefix first: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** All `parts` in one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A copy in opposite byte order: txids and block hashes are displayed reversed. */
export function reverseBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes).reverse();
}

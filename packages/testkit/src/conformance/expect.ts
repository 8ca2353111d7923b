import { toHex } from "@fulmen/lightning/util";

/** Throws an error that shows both unless the bytes are equal, or both are absent. */
export function expectBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array | undefined,
  what: string,
): void {
  expectSame(shown(actual), shown(expected), what);
}

/** Throws an error that shows both unless they are identical. */
export function expectSame<T>(actual: T, expected: T, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}

/** Throws an error unless the promise is rejected. */
export async function expectRejection(promise: Promise<unknown>, what: string): Promise<void> {
  let fulfilled: boolean;
  try {
    await promise;
    fulfilled = true;
  } catch {
    fulfilled = false;
  }
  if (fulfilled) throw new Error(`${what}: expected a rejection`);
}

function shown(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "nothing";
  return bytes.length <= 64 ? `<${toHex(bytes)}>` : `<${bytes.length} bytes ${fingerprint(bytes)}>`;
}

/** 32-bit FNV-1a, so that long values can be compared and shown. */
function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

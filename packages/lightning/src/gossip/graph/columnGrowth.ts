/** How long a column becomes that must hold `needed`: half as long again, so that growing stays cheap in the end. */
export function grownLength(length: number, needed: number): number {
  return Math.max(needed, length + (length >> 1), 16);
}

/** A copy of `bytes` with `length` of them, zeros behind. */
export function grownBytes(bytes: Uint8Array, length: number): Uint8Array {
  const grown = new Uint8Array(length);
  grown.set(bytes);
  return grown;
}

/** A copy of `words` with `length` of them, zeros behind. */
export function grownWords(words: Uint32Array, length: number): Uint32Array {
  const grown = new Uint32Array(length);
  grown.set(words);
  return grown;
}

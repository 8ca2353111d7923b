import { randomBytes, randomFillSync } from "node:crypto";

const poolLength = 4096;

/**
 * The system's randomness, as a node asks for it: for a few bytes with each payment. To ask the system costs some
 * microseconds however few they are, so it is asked for many at once; none are given twice, nor kept when given.
 */
export function systemEntropy(): { randomBytes(length: number): Uint8Array } {
  const pool = new Uint8Array(poolLength);
  let next = poolLength;
  return {
    randomBytes(length) {
      if (length > poolLength) return new Uint8Array(randomBytes(length));
      if (next + length > poolLength) {
        randomFillSync(pool);
        next = 0;
      }
      const end = next + length;
      const bytes = pool.slice(next, end);
      pool.fill(0, next, end);
      next = end;
      return bytes;
    },
  };
}

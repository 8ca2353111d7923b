import type { EntropySource } from "../../chain/index.ts";

/** A whole number from `min` to `max`, each as likely as the others to one in 2^16; `max - min` below 2^32. */
export function draw(entropy: EntropySource, min: number, max: number): number {
  const value = entropy.randomBytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
  return min + (value % (max - min + 1));
}

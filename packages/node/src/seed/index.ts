import { randomBytes } from "node:crypto";
import { wordsOfEntropy } from "./mnemonic.ts";

export { type NodeKeys, nodeKeys, storeKey } from "./nodeKeys.ts";

/** A new seed as words (BIP 39): 12, or 24. Write them down before there is money. */
export function generateSeedWords(count: 12 | 24 = 12): string {
  return wordsOfEntropy(new Uint8Array(randomBytes(count === 12 ? 16 : 32)));
}

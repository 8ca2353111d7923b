import { crypto } from "@fulmen/bitcoin/crypto";
import { ByteWriter } from "@fulmen/bitcoin/transaction";
import type { EntropySource } from "@fulmen/lightning/chain";

/**
 * Bytes that look random and are the same for the same seed and the same calls. For tests only: anybody can know them.
 */
export class SeededEntropy implements EntropySource {
  readonly #seed: number;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = crypto().sha256(
        new ByteWriter(8)
          .u32(this.#seed)
          .u32(this.#count++)
          .finish(),
      );
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  }
}

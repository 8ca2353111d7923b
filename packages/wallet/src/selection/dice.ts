import { crypto } from "@fulmen/bitcoin/crypto";
import { invariant } from "@fulmen/lightning/util";

const chunk = 256;

/** Random choices that follow from 32 bytes of entropy: the same entropy, the same choices. */
export class Dice {
  readonly #key: Uint8Array;
  #bytes = new Uint8Array(0);
  #offset = 0;
  #chunks = 0;

  constructor(entropy: Uint8Array) {
    invariant(entropy.length === 32, `entropy of ${entropy.length} bytes, not 32`);
    this.#key = entropy;
  }

  coin(): boolean {
    return (this.#byte() & 1) === 1;
  }

  /** 0..bound-1, each as likely as the others but for one part in 2^32; `bound` is at most 2^16. */
  below(bound: number): number {
    let value = 0;
    for (let i = 0; i < 6; i++) value = value * 256 + this.#byte();
    return value % bound;
  }

  /** The same values in any order. */
  shuffled<T>(values: readonly T[]): T[] {
    const order = values.map((value) => ({
      value,
      rank: this.below(0x1_0000) * 0x1_0000 + this.below(0x1_0000),
    }));
    return order.sort((a, b) => a.rank - b.rank).map(({ value }) => value);
  }

  #byte(): number {
    if (this.#offset === this.#bytes.length) {
      const nonce = new Uint8Array(12);
      new DataView(nonce.buffer).setUint32(0, this.#chunks++);
      this.#bytes = Uint8Array.from(crypto().chacha20(this.#key, nonce, new Uint8Array(chunk)));
      this.#offset = 0;
    }
    return this.#bytes[this.#offset++] ?? 0;
  }
}

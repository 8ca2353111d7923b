import { crypto } from "@fulmen/bitcoin/crypto";
import { invariant } from "../util/invariant.ts";

const blockLength = 64;
const digestLength = 32;

/**
 * HMAC-SHA256 (RFC 2104) of many messages under one key: the key's blocks are made once, and messages in their place.
 */
export class KeyedHmac {
  /** Where the message is written, from its start. */
  readonly message: Uint8Array;
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;

  /** `key`: at most 64 bytes; `longest`: bytes of the longest message. */
  constructor(key: Uint8Array, longest: number) {
    invariant(key.length <= blockLength, `a key of ${key.length} bytes`);
    const outerLength = blockLength + digestLength;
    const memory = new Uint8Array(outerLength + blockLength + longest);
    this.#outer = memory.subarray(0, outerLength).fill(0x5c, 0, blockLength);
    this.#inner = memory.subarray(outerLength).fill(0x36, 0, blockLength);
    for (let i = 0; i < key.length; i++) {
      const byte = key[i] ?? 0;
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
    this.message = this.#inner.subarray(blockLength);
  }

  /** Of the first `length` bytes of the message. */
  digest(length: number): Uint8Array {
    const provider = crypto();
    this.#outer.set(provider.sha256(this.#inner.subarray(0, blockLength + length)), blockLength);
    return provider.sha256(this.#outer);
  }
}

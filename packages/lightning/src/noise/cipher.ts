import { crypto, hkdfPair } from "@fulmen/bitcoin/crypto";
import { noBytes } from "../util/bytes.ts";
import { invariant } from "../util/invariant.ts";

/** A message's encrypted length: two bytes and their tag. */
export const lengthPrefixLength = 18;
/** The tag behind every ciphertext. */
export const tagLength = 16;
/** No message is longer than its length prefix can say. */
export const maxMessageLength = 65_535;

const usesPerKey = 1000;

/** What the handshake ends in. `chainingKey` is where both directions' later keys come from. */
export interface NoiseKeys {
  readonly sendingKey: Uint8Array;
  readonly receivingKey: Uint8Array;
  readonly chainingKey: Uint8Array;
}

/**
 * Encrypts and decrypts the messages of one connection (BOLT 8, "Lightning Message Specification"). Both directions
 * count and rotate their keys by themselves, so every call must follow the order of the stream.
 *
 * @ldk lightning::ln::peer_channel_encryptor::PeerChannelEncryptor
 */
export class NoiseCipher {
  readonly #sending: RotatingKey;
  readonly #receiving: RotatingKey;

  constructor({ sendingKey, receivingKey, chainingKey }: NoiseKeys) {
    this.#sending = new RotatingKey(sendingKey, chainingKey);
    this.#receiving = new RotatingKey(receivingKey, chainingKey);
  }

  /** What goes over the wire for `message`, 34 bytes longer than it; at most 65,535 bytes are a message. */
  encrypt(message: Uint8Array): Uint8Array {
    return this.encryptAll([message]);
  }

  /** The same for several messages, one after the other in one buffer. */
  encryptAll(messages: readonly Uint8Array[]): Uint8Array {
    let total = 0;
    for (const { length } of messages) {
      invariant(length <= maxMessageLength, `message of ${length} bytes`);
      total += lengthPrefixLength + length + tagLength;
    }
    const wire = new Uint8Array(total);
    let offset = 0;
    for (const message of messages) {
      const { length } = message;
      wire.set(this.#sending.encrypt(Uint8Array.of(length >> 8, length & 0xff)), offset);
      wire.set(this.#sending.encrypt(message), offset + lengthPrefixLength);
      offset += lengthPrefixLength + length + tagLength;
    }
    return wire;
  }

  /** The length of the next message, without its tag, from 18 bytes; `undefined` when they were not the peer's. */
  decryptLength(prefix: Uint8Array): number | undefined {
    const length = this.#receiving.decrypt(prefix);
    if (length === undefined) return undefined;
    return ((length[0] ?? 0) << 8) | (length[1] ?? 0);
  }

  /** The message in the `length + 16` bytes behind its prefix; `undefined` when they were not the peer's. */
  decryptMessage(ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#receiving.decrypt(ciphertext);
  }
}

/** One direction's key. After 1,000 uses, two for each message, the next one takes its place ("Key Rotation"). */
class RotatingKey {
  #key: Uint8Array;
  #chainingKey: Uint8Array;
  #uses = 0;
  readonly #nonce = new Uint8Array(12);
  readonly #counter = new DataView(this.#nonce.buffer);

  constructor(key: Uint8Array, chainingKey: Uint8Array) {
    this.#key = key;
    this.#chainingKey = chainingKey;
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const ciphertext = crypto().chacha20Poly1305Encrypt(this.#key, this.#nonce, noBytes, plaintext);
    this.#advance();
    return ciphertext;
  }

  decrypt(ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = crypto().chacha20Poly1305Decrypt(this.#key, this.#nonce, noBytes, ciphertext);
    if (plaintext !== undefined) this.#advance();
    return plaintext;
  }

  #advance(): void {
    this.#uses++;
    if (this.#uses === usesPerKey) {
      [this.#chainingKey, this.#key] = hkdfPair(this.#chainingKey, this.#key);
      this.#uses = 0;
    }
    // 32 zero bits, then the counter in 64 little-endian bits, of which it needs ten.
    this.#counter.setUint32(4, this.#uses, true);
  }
}

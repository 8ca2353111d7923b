import { type AcceleratedCrypto, CryptoError } from "@fulmen/bitcoin/crypto";
import { equalSecrets } from "@fulmen/bitcoin/primitives";
import { ChaCha20 } from "./chacha20.ts";
import { Poly1305 } from "./poly1305.ts";

const tagLength = 16;

/**
 * ChaCha20 and its AEAD (RFC 8439), which allocate nothing but their results: noble's make a dozen pieces of memory for
 * each text, and with BOLT 8's short frames that takes most of the time.
 */
export function cipherMethods(): Pick<
  AcceleratedCrypto,
  "chacha20" | "chacha20Poly1305Encrypt" | "chacha20Poly1305Decrypt"
> {
  const cipher = new ChaCha20();
  const mac = new Poly1305();
  const macKey = new Uint8Array(32);
  const lengths = new Uint8Array(tagLength);
  const tag = new Uint8Array(tagLength);

  /** Puts the MAC of both texts and their lengths to `target`, from `offset` on. */
  const authenticate = (
    { key, nonce, aad, ciphertext }: Sealed,
    target: Uint8Array,
    offset: number,
  ): void => {
    // The stream's first block; what is encrypted begins with the second.
    macKey.fill(0);
    cipher.xor(key, nonce, macKey, 0);
    mac.start(macKey);
    macKey.fill(0);
    mac.update(aad);
    mac.update(ciphertext);
    for (let i = 0; i < 4; i++) {
      lengths[i] = aad.length >>> (8 * i);
      lengths[8 + i] = ciphertext.length >>> (8 * i);
    }
    mac.update(lengths);
    mac.finish(target, offset);
  };

  return {
    chacha20(key, nonce, data) {
      expectLengths(key, nonce);
      const output = new Uint8Array(data);
      cipher.xor(key, nonce, output, 0);
      return output;
    },
    chacha20Poly1305Encrypt(key, nonce, aad, plaintext) {
      expectLengths(key, nonce);
      const { length } = plaintext;
      const sealed = new Uint8Array(length + tagLength);
      sealed.set(plaintext);
      const ciphertext = sealed.subarray(0, length);
      cipher.xor(key, nonce, ciphertext, 1);
      authenticate({ key, nonce, aad, ciphertext }, sealed, length);
      return sealed;
    },
    chacha20Poly1305Decrypt(key, nonce, aad, sealed) {
      expectLengths(key, nonce);
      const length = sealed.length - tagLength;
      if (length < 0) return undefined;
      const ciphertext = sealed.subarray(0, length);
      authenticate({ key, nonce, aad, ciphertext }, tag, 0);
      if (!equalSecrets(tag, sealed.subarray(length))) return undefined;
      const plaintext = new Uint8Array(ciphertext);
      cipher.xor(key, nonce, plaintext, 1);
      return plaintext;
    },
  };
}

interface Sealed {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly ciphertext: Uint8Array;
}

function expectLengths(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== 32) throw new CryptoError(`cipher key of ${key.length} bytes, not 32`);
  if (nonce.length !== 12) throw new CryptoError(`nonce of ${nonce.length} bytes, not 12`);
}

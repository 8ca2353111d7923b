import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import { type AcceleratedCrypto, nobleProvider } from "@fulmen/bitcoin/crypto";

/*
 * What node:crypto computes faster than JavaScript does. Setting up an OpenSSL context costs more than ten
 * microseconds, so: `createHmac` loses against two calls of the context-free `hash`, and the cipher's native form
 * pays off for long messages only. SHA-1 and RIPEMD-160 stay with noble: they are rare, and an OpenSSL may lack them.
 */
type NodeMethods = Pick<
  AcceleratedCrypto,
  "sha256" | "hash256" | "hmacSha256" | "hmacSha512" | "chacha20Poly1305Encrypt" | "chacha20Poly1305Decrypt"
>;

/** Where OpenSSL's cipher overtakes noble's, in bytes of plaintext. */
const nativeCipherFrom = 1500;
const tagLength = 16;

export const nodeMethods: NodeMethods = {
  sha256,
  hash256: (data) => sha256(sha256(data)),
  hmacSha256: (key, data) => hmac(sha256, 64, key, data),
  hmacSha512: (key, data) => hmac(sha512, 128, key, data),

  chacha20Poly1305Encrypt(key, nonce, aad, plaintext) {
    if (plaintext.length < nativeCipherFrom || !hasLengths(key, nonce)) {
      return nobleProvider.chacha20Poly1305Encrypt(key, nonce, aad, plaintext);
    }
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagLength });
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    const sealed = new Uint8Array(plaintext.length + tagLength);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },

  chacha20Poly1305Decrypt(key, nonce, aad, ciphertext) {
    const length = ciphertext.length - tagLength;
    if (length < nativeCipherFrom || !hasLengths(key, nonce)) {
      return nobleProvider.chacha20Poly1305Decrypt(key, nonce, aad, ciphertext);
    }
    const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagLength });
    decipher.setAAD(aad, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    const plaintext = decipher.update(ciphertext.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain(plaintext);
  },
};

/** SHA-256 by OpenSSL. */
export function sha256(data: Uint8Array): Uint8Array {
  return bytesOf(hash("sha256", data, "binary"));
}

function sha512(data: Uint8Array): Uint8Array {
  return bytesOf(hash("sha512", data, "binary"));
}

/** Node hands over a digest's characters in half the time that it takes to make a `Buffer`. */
function bytesOf(characters: string): Uint8Array {
  const digest = new Uint8Array(characters.length);
  for (let i = 0; i < digest.length; i++) digest[i] = characters.charCodeAt(i);
  return digest;
}

/** RFC 2104, on a context-free hash; `blockLength` is the hash's, in bytes. */
function hmac(
  digest: (data: Uint8Array) => Uint8Array,
  blockLength: number,
  key: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  const block = key.length > blockLength ? digest(key) : key;
  const inner = new Uint8Array(blockLength + data.length).fill(0x36, 0, blockLength);
  for (let i = 0; i < block.length; i++) inner[i] = (block[i] ?? 0) ^ 0x36;
  inner.set(data, blockLength);
  const innerDigest = digest(inner);
  const outer = new Uint8Array(blockLength + innerDigest.length).fill(0x5c, 0, blockLength);
  for (let i = 0; i < block.length; i++) outer[i] = (block[i] ?? 0) ^ 0x5c;
  outer.set(innerDigest, blockLength);
  return digest(outer);
}

function hasLengths(key: Uint8Array, nonce: Uint8Array): boolean {
  return key.length === 32 && nonce.length === 12;
}

function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

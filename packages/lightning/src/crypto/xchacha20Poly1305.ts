import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes } from "../util/bytes.ts";
import { chacha20FromBlock } from "./chacha20Block.ts";

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): ChaCha20-Poly1305 under a key that is derived from the nonce's first 16
// bytes, so that nonces may be drawn at random for any number of messages.

/** Bytes of a nonce. */
export const xchacha20NonceLength = 24;

/** The ciphertext with its tag of 16 bytes behind it. `key`: 32 bytes, `nonce`: 24 bytes. */
export function xchacha20Poly1305Encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return crypto().chacha20Poly1305Encrypt(subkey(key, nonce), shortNonce(nonce), aad, plaintext);
}

/** The plaintext, or `undefined` when the tag does not fit. */
export function xchacha20Poly1305Decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  return crypto().chacha20Poly1305Decrypt(subkey(key, nonce), shortNonce(nonce), aad, ciphertext);
}

function shortNonce(nonce: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array(4), nonce.subarray(16));
}

/** "expand 32-byte k", little-endian words. */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/**
 * HChaCha20 of the nonce's first 16 bytes: the first and last four words of a ChaCha20 block, without the addition of
 * the words that it starts from, which is therefore taken back.
 */
function subkey(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  // Not `slice`, which gives a view of its memory where the nonce is part of Node's Buffer.
  const start = Uint8Array.from(nonce.subarray(0, 16));
  const block = new DataView(chacha20FromBlock(key, start, new Uint8Array(64)).buffer);
  const startView = new DataView(start.buffer);
  const derived = new DataView(new ArrayBuffer(32));
  for (const [word, constant] of constants.entries()) {
    const at = word * 4;
    derived.setUint32(at, block.getUint32(at, true) - constant, true);
    derived.setUint32(16 + at, block.getUint32(48 + at, true) - startView.getUint32(at, true), true);
  }
  return new Uint8Array(derived.buffer);
}

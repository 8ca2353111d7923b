/**
 * Every primitive that the kit computes, behind one synchronous border. All providers give bit-identical results
 * (a parity test holds them to it); they differ in speed only.
 *
 * Points are 33-byte compressed, x-only points 32 bytes, scalars and private keys 32 bytes big-endian,
 * ECDSA signatures 64 bytes compact (r then s, big-endian). Private keys and factors are in 1..n-1, tweaks and
 * addends in 0..n-1. Results are plain `Uint8Array`s that the caller owns; no argument but `output` is
 * written to, and none is kept. Methods are called without `this`.
 *
 * Unless a method says otherwise, an invalid key, point or length throws `CryptoError`: callers check what came
 * from outside with `isPoint` and `isPrivateKey` first.
 */
export interface CryptoProvider {
  /** Shown to people: which provider runs. */
  readonly name: string;

  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 twice: txids, block hashes, sighashes. */
  hash256(data: Uint8Array): Uint8Array;
  ripemd160(data: Uint8Array): Uint8Array;
  sha1(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** What BIP 32 derives keys with. */
  hmacSha512(key: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * The IETF stream (RFC 8439): 12-byte nonce, block counter from 0, XORed onto `data`. The result is written to
   * `output`, if there is one: it is as long as `data`, and may be `data`.
   */
  chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, output?: Uint8Array): Uint8Array;
  /** RFC 8439 AEAD: 32-byte key, 12-byte nonce; the 16-byte tag is appended. */
  chacha20Poly1305Encrypt(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array;
  /** The plaintext, or `undefined` when the tag does not fit. */
  chacha20Poly1305Decrypt(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined;

  /** Whether `key` is 32 bytes in 1..n-1. */
  isPrivateKey(key: Uint8Array): boolean;
  /** Whether `point` is a valid 33-byte compressed point. */
  isPoint(point: Uint8Array): boolean;
  /** `key * G`. */
  publicKey(key: Uint8Array): Uint8Array;
  /** SHA-256 of the compressed point `key * point` (BOLT 4 and 8). */
  ecdh(key: Uint8Array, point: Uint8Array): Uint8Array;
  /** `point + scalar * G`; throws when the sum is infinity. */
  pointAddScalar(point: Uint8Array, scalar: Uint8Array): Uint8Array;
  /** `scalar * point`. */
  pointMultiply(point: Uint8Array, scalar: Uint8Array): Uint8Array;
  /** `x * a + y * b`; throws when the sum is infinity. */
  pointMultiplyAdd(a: Uint8Array, x: Uint8Array, b: Uint8Array, y: Uint8Array): Uint8Array;
  /** `key + tweak mod n`; throws when zero. */
  scalarAdd(key: Uint8Array, tweak: Uint8Array): Uint8Array;
  /** `key * tweak mod n`. */
  scalarMultiply(key: Uint8Array, tweak: Uint8Array): Uint8Array;
  /** `n - key`. */
  scalarNegate(key: Uint8Array): Uint8Array;

  /** RFC 6979 ECDSA, low S, ground to low R (Core's scheme: extra entropy is a little-endian counter from 1). */
  ecdsaSign(hash: Uint8Array, key: Uint8Array): Uint8Array;
  /** Strict, and never throws: high S, an invalid point and a wrong length are `false`. */
  ecdsaVerify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean;
  /** RFC 6979, low S, not ground: `recovery` is 0..3 (BOLT 11, message signing). */
  ecdsaSignRecoverable(hash: Uint8Array, key: Uint8Array): { signature: Uint8Array; recovery: number };
  /** The signer's point, or `undefined` when there is none; never throws. High S is accepted. */
  ecdsaRecover(signature: Uint8Array, recovery: number, hash: Uint8Array): Uint8Array | undefined;

  /** BIP 340. `auxRand` is 32 bytes, the message of any length. */
  schnorrSign(message: Uint8Array, key: Uint8Array, auxRand: Uint8Array): Uint8Array;
  /** BIP 340; never throws. */
  schnorrVerify(signature: Uint8Array, message: Uint8Array, xOnlyPoint: Uint8Array): boolean;
  /** `lift_x(point) + tweak * G` (BIP 341): x-only result and the parity of its y, or `undefined` when invalid. */
  xOnlyTweakAdd(xOnlyPoint: Uint8Array, tweak: Uint8Array): { point: Uint8Array; parity: 0 | 1 } | undefined;
}

/** A primitive was called with an argument outside of its domain. */
export class CryptoError extends Error {
  override readonly name = "CryptoError";
}

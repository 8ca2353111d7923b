import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AcceleratedCrypto,
  CryptoError,
  type CryptoProvider,
  crypto,
  nobleProvider,
  overNoble,
  selfTest,
} from "@fulmen/bitcoin/crypto";

test("noble gives all known answers", () => {
  selfTest(nobleProvider);
});

/** `bytes` with its last bit flipped: what a method that computes wrongly might answer. */
function bent(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

// For every method, a provider in which that one method errs, plausibly.
const broken: { readonly [M in Exclude<keyof CryptoProvider, "name">]: readonly CryptoProvider[M][] } = {
  sha256: [(data) => bent(nobleProvider.sha256(data))],
  hash256: [(data) => nobleProvider.sha256(data)],
  ripemd160: [(data) => nobleProvider.sha1(data)],
  sha1: [(data) => nobleProvider.ripemd160(data)],
  hmacSha256: [
    (key, data) => nobleProvider.hmacSha256(data, key),
    (key, data) => nobleProvider.hmacSha256(key.subarray(0, 64), data),
  ],
  hmacSha512: [
    (key, data) => nobleProvider.hmacSha512(data, key),
    (key, data) => nobleProvider.hmacSha512(key.subarray(0, 128), data),
  ],
  chacha20: [
    (_key, _nonce, data) => data.slice(),
    (key, nonce, data) => nobleProvider.chacha20(key, nonce, data),
    (key, nonce, data, output) => {
      const result = nobleProvider.chacha20(key, nonce, data);
      return output === undefined ? result : output;
    },
  ],
  chacha20Poly1305Encrypt: [
    (key, nonce, _aad, plaintext) =>
      nobleProvider.chacha20Poly1305Encrypt(key, nonce, new Uint8Array(0), plaintext),
    (key, nonce, aad, plaintext) => {
      const sealed = nobleProvider.chacha20Poly1305Encrypt(key, nonce, aad, plaintext);
      return plaintext.length < 1_500 ? sealed : bent(sealed);
    },
  ],
  chacha20Poly1305Decrypt: [
    () => undefined,
    (key, nonce, _aad, ciphertext) =>
      nobleProvider
        .chacha20(key, nonce, new Uint8Array(ciphertext.length + 48))
        .subarray(0, ciphertext.length - 16),
    (key, nonce, aad, ciphertext) =>
      ciphertext.length < 1_500
        ? nobleProvider.chacha20Poly1305Decrypt(key, nonce, aad, ciphertext)
        : nobleProvider
            .chacha20(key, nonce, new Uint8Array([...new Uint8Array(64), ...ciphertext]))
            .slice(64, -16),
  ],
  isPrivateKey: [() => true, () => false, (key) => key.some((byte) => byte !== 0)],
  isPoint: [() => false, (point) => point.length === 33, (point) => point[0] === 2 || point[0] === 3],
  publicKey: [(key) => bent(nobleProvider.publicKey(key))],
  ecdh: [(key, point) => nobleProvider.pointMultiply(point, key).subarray(1)],
  pointAddScalar: [(point, scalar) => nobleProvider.pointMultiply(point, scalar)],
  pointMultiply: [(point, scalar) => nobleProvider.pointAddScalar(point, scalar)],
  pointMultiplyAdd: [
    (a, x) => nobleProvider.pointMultiply(a, x),
    (a, x, b, y) => nobleProvider.pointMultiplyAdd(a, y, b, x),
    (a, x, b, y) => (a[0] === b[0] ? nobleProvider.pointMultiplyAdd(a, x, b, y) : a),
  ],
  scalarAdd: [(key, tweak) => nobleProvider.scalarMultiply(key, tweak)],
  scalarMultiply: [(key, tweak) => nobleProvider.scalarAdd(key, tweak)],
  scalarNegate: [(key) => key.slice()],
  ecdsaSign: [
    (hash, key) => nobleProvider.ecdsaSignRecoverable(hash, key).signature,
    (hash, key) => nobleProvider.ecdsaSign(nobleProvider.sha256(hash), key),
  ],
  ecdsaVerify: [
    () => true,
    () => false,
    (signature, hash, point) =>
      [0, 1, 2, 3].some((recovery) => {
        const signer = nobleProvider.ecdsaRecover(signature, recovery, hash);
        return signer?.every((byte, i) => byte === point[i]) === true;
      }),
    (signature, hash, point) => {
      if (signature.length !== 64) throw new CryptoError("length");
      return nobleProvider.ecdsaVerify(signature, hash, point);
    },
  ],
  ecdsaSignRecoverable: [
    (hash, key) => ({ signature: nobleProvider.ecdsaSign(hash, key), recovery: 1 }),
    (hash, key) => ({ ...nobleProvider.ecdsaSignRecoverable(hash, key), recovery: 0 }),
  ],
  ecdsaRecover: [
    () => undefined,
    (signature, recovery, hash) => nobleProvider.ecdsaRecover(signature, recovery ^ 1, hash),
  ],
  schnorrSign: [(message, key) => nobleProvider.ecdsaSign(message, key)],
  schnorrVerify: [() => true, () => false],
  xOnlyTweakAdd: [
    () => undefined,
    (point, tweak) => {
      const tweaked = nobleProvider.xOnlyTweakAdd(point, tweak);
      return tweaked && { ...tweaked, parity: 0 };
    },
    (point, tweak) => nobleProvider.xOnlyTweakAdd(point, tweak) ?? { point, parity: 0 },
  ],
};

describe("a provider with one broken method is refused by name", () => {
  for (const [method, implementations] of Object.entries(broken)) {
    test(method, () => {
      assert.ok(implementations.length > 0);
      for (const implementation of implementations) {
        const accelerated: AcceleratedCrypto = { name: "broken", [method]: implementation };
        assert.throws(
          () => overNoble(accelerated),
          (error) => error instanceof CryptoError && error.message.includes(` ${method} `),
        );
      }
    });
  }
});

test("methods that no provider has are refused", () => {
  const misspelt = { name: "misspelt", sha265: nobleProvider.sha256 };
  assert.throws(() => overNoble(misspelt), /no such crypto method: sha265/);
});

test("methods that were not given are noble's", () => {
  const provider = overNoble({ name: "some", sha256: (data) => nobleProvider.sha256(data) });
  assert.equal(provider.name, "some");
  assert.equal(provider.ecdsaSign, nobleProvider.ecdsaSign);
  assert.notEqual(provider.sha256, nobleProvider.sha256);
});

test("there is a provider without an installation", () => {
  assert.equal(crypto().sha256(new Uint8Array(0)).length, 32);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { CryptoError, nobleProvider as noble } from "@fulmen/bitcoin/crypto";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";

interface Bip340 {
  readonly vectors: readonly {
    readonly publicKey: string;
    readonly message: string;
    readonly signature: string;
    readonly valid: boolean;
    readonly secretKey?: string;
    readonly auxRand?: string;
  }[];
}
const bip340: Bip340 = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bip340/vectors.json", import.meta.url), "utf8"),
);

describe("BIP 340 vectors", () => {
  for (const [index, vector] of bip340.vectors.entries()) {
    test(`vector ${index}`, () => {
      const message = fromHex(vector.message);
      const signature = fromHex(vector.signature);
      assert.equal(noble.schnorrVerify(signature, message, fromHex(vector.publicKey)), vector.valid);
      if (vector.secretKey === undefined || vector.auxRand === undefined) return;
      const key = fromHex(vector.secretKey);
      assert.deepEqual(noble.schnorrSign(message, key, fromHex(vector.auxRand)), signature);
      assert.equal(toHex(noble.publicKey(key)).slice(2), vector.publicKey);
    });
  }
});

const order = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const key = new Uint8Array(32).fill(7);
const point = noble.publicKey(key);
const hash = noble.sha256(key);

test("every signature has low R and low S, and verifies", () => {
  for (let i = 0; i < 40; i++) {
    const message = noble.sha256(Uint8Array.of(i));
    const signature = noble.ecdsaSign(message, key);
    assert.ok((signature[0] ?? 0xff) < 0x80);
    assert.ok((signature[32] ?? 0xff) < 0x80);
    assert.ok(noble.ecdsaVerify(signature, message, point));
  }
});

test("the signer is recovered from a recoverable signature, also with high S and the other parity", () => {
  const { signature, recovery } = noble.ecdsaSignRecoverable(hash, key);
  assert.deepEqual(noble.ecdsaRecover(signature, recovery, hash), point);
  const highS = signature.slice();
  highS.set(noble.scalarNegate(signature.subarray(32)), 32);
  assert.deepEqual(noble.ecdsaRecover(highS, recovery ^ 1, hash), point);
  assert.equal(noble.ecdsaVerify(highS, hash, point), false);
  assert.notDeepEqual(noble.ecdsaRecover(signature, recovery ^ 1, hash), point);
});

test("nothing that a peer sends makes verification or recovery throw", () => {
  const odd = [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33), new Uint8Array(64).fill(0xff)];
  for (const bytes of odd) {
    assert.equal(noble.ecdsaVerify(bytes, hash, point), false);
    assert.equal(noble.ecdsaVerify(noble.ecdsaSign(hash, key), bytes, point), false);
    assert.equal(noble.ecdsaVerify(noble.ecdsaSign(hash, key), hash, bytes), false);
    assert.equal(noble.schnorrVerify(bytes, hash, point.subarray(1)), false);
    assert.equal(noble.schnorrVerify(new Uint8Array(64), hash, bytes), false);
    assert.equal(noble.ecdsaRecover(bytes, 0, hash), undefined);
    assert.equal(noble.xOnlyTweakAdd(bytes, hash), undefined);
    assert.equal(noble.isPoint(bytes), false);
    assert.equal(noble.isPrivateKey(bytes), false);
  }
  assert.equal(noble.ecdsaRecover(new Uint8Array(64).fill(1), 1.5, hash), undefined);
});

test("keys and tweaks outside of their range are refused", () => {
  const zero = new Uint8Array(32);
  for (const bad of [zero, order, new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)]) {
    assert.throws(() => noble.publicKey(bad), CryptoError);
    assert.throws(() => noble.ecdh(bad, point), CryptoError);
    assert.throws(() => noble.pointMultiply(point, bad), CryptoError);
    assert.throws(() => noble.scalarAdd(bad, key), CryptoError);
    assert.throws(() => noble.scalarMultiply(key, bad), CryptoError);
    assert.throws(() => noble.scalarNegate(bad), CryptoError);
    assert.throws(() => noble.ecdsaSign(hash, bad), CryptoError);
    assert.throws(() => noble.ecdsaSignRecoverable(hash, bad), CryptoError);
    assert.throws(() => noble.schnorrSign(hash, bad, hash), CryptoError);
  }
  assert.throws(() => noble.scalarAdd(key, order), CryptoError);
  assert.deepEqual(noble.scalarAdd(key, zero), key);
  assert.throws(() => noble.scalarAdd(key, noble.scalarNegate(key)), CryptoError);
  assert.throws(() => noble.ecdsaSign(hash.subarray(1), key), CryptoError);
});

test("a cipher asks for keys of 32 and nonces of 12 bytes, and too short a ciphertext is no plaintext", () => {
  const nonce = new Uint8Array(12);
  const none = new Uint8Array(0);
  assert.throws(() => noble.chacha20(key.subarray(1), nonce, none), CryptoError);
  assert.throws(() => noble.chacha20Poly1305Encrypt(key, nonce.subarray(1), none, none), CryptoError);
  assert.throws(() => noble.chacha20Poly1305Decrypt(key, nonce.subarray(1), none, none), CryptoError);
  assert.equal(noble.chacha20Poly1305Decrypt(key, nonce, none, new Uint8Array(15)), undefined);
  const sealed = noble.chacha20Poly1305Encrypt(key, nonce, hash, none);
  assert.equal(sealed.length, 16);
  assert.deepEqual(noble.chacha20Poly1305Decrypt(key, nonce, hash, sealed), none);
});

test("a text leaves nothing behind for the next one, whichever of them fits the memory that is kept", () => {
  const nonce = new Uint8Array(12).fill(9);
  const texts = [2048, 100, 2049, 0, 2047, 17, 1].map((length) => new Uint8Array(length).fill(0xff));
  for (const text of texts) {
    for (const aad of [new Uint8Array(0), hash]) {
      const sealed = chacha20poly1305(key, nonce, aad).encrypt(text);
      assert.deepEqual(noble.chacha20Poly1305Encrypt(key, nonce, aad, text), sealed);
      assert.deepEqual(noble.chacha20Poly1305Decrypt(key, nonce, aad, sealed), text);
    }
  }
});

test("arguments are not written to", () => {
  const before = toHex(key);
  noble.chacha20(key, new Uint8Array(12), key);
  noble.chacha20Poly1305Encrypt(key, new Uint8Array(12), key, key);
  noble.scalarAdd(key, key);
  noble.scalarNegate(key);
  assert.equal(toHex(key), before);
});

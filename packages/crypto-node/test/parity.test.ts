import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CryptoError, type CryptoProvider, nobleProvider, overNoble } from "@fulmen/bitcoin/crypto";
import { fromHex } from "@fulmen/bitcoin/primitives";
import { nodeProvider } from "@fulmen/crypto-node";
import fc from "fast-check";

const node = overNoble(nodeProvider());
const noble = nobleProvider;

const order = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const orderLessOne = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140");
const orderPlusOne = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142");
const fieldPrime = fromHex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
const one = fromHex(`${"00".repeat(31)}01`);

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = bytes(32).filter((candidate) => noble.isPrivateKey(candidate));
const point = key.map((secret) => noble.publicKey(secret));
/** 32 bytes at the borders of the scalars and of the field. */
const border = fc.constantFrom(
  new Uint8Array(32),
  one,
  orderLessOne,
  order,
  orderPlusOne,
  fieldPrime,
  new Uint8Array(32).fill(0xff),
);
const wrongLength = fc.uint8Array({ maxLength: 70 }).filter(({ length }) => length !== 32 && length !== 33);
const anyScalar = fc.oneof(
  { arbitrary: key, weight: 4 },
  { arbitrary: border, weight: 3 },
  { arbitrary: wrongLength, weight: 1 },
);
/** Points, x coordinates with any prefix, half of which are no points, and bytes of other lengths. */
const anyPoint = fc.oneof(
  { arbitrary: point, weight: 5 },
  {
    arbitrary: fc.tuple(fc.constantFrom(0, 2, 3, 4), fc.oneof(bytes(32), border)).map(prefixed),
    weight: 3,
  },
  { arbitrary: wrongLength, weight: 1 },
  { arbitrary: point.map((p) => Uint8Array.from([4, ...p.subarray(1), ...p.subarray(1)])), weight: 1 },
);
const anyXOnly = fc.oneof(
  point.map((p) => p.subarray(1)),
  bytes(32),
  border,
  wrongLength,
);
const anyHash = fc.oneof(bytes(32), border, wrongLength);

function prefixed([prefix, rest]: readonly [number, Uint8Array]): Uint8Array {
  return Uint8Array.from([prefix, ...rest]);
}

type Outcome = { readonly value: unknown } | "CryptoError";

function outcome(compute: () => unknown): Outcome {
  try {
    return { value: compute() };
  } catch (error) {
    if (error instanceof CryptoError) return "CryptoError";
    throw error;
  }
}

/** Runs `call` on both providers, expects the same value or the same kind of throw, and returns how often it threw. */
function agree<A extends readonly unknown[]>(
  inputs: fc.Arbitrary<A>,
  call: (provider: CryptoProvider, input: A) => unknown,
  numRuns = 60,
): { values: number; throws: number } {
  const seen = { values: 0, throws: 0 };
  fc.assert(
    fc.property(inputs, (input) => {
      const before = structuredClone(input);
      const expected = outcome(() => call(noble, input));
      assert.deepEqual(
        outcome(() => call(node, input)),
        expected,
      );
      assert.deepEqual(input, before, "an argument was written to");
      if (expected === "CryptoError") seen.throws++;
      else seen.values++;
    }),
    { numRuns, seed: 20, endOnFailure: true },
  );
  return seen;
}

test("the addon is loaded here", () => {
  assert.equal(node.name, "libsecp256k1 + node:crypto");
});

describe("hashes and ciphers", () => {
  const lengths = [
    0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 1499, 1500, 1501, 2047, 2048, 2049, 4096, 65535,
  ];
  const pattern = (length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);

  for (const method of ["sha256", "hash256", "ripemd160", "sha1"] as const) {
    test(method, () => {
      for (const length of lengths)
        assert.deepEqual(node[method](pattern(length)), noble[method](pattern(length)));
    });
  }

  for (const method of ["hmacSha256", "hmacSha512"] as const) {
    test(method, () => {
      for (const keyLength of [0, 1, 32, 63, 64, 65, 127, 128, 129, 131]) {
        for (const length of [0, 1, 64, 200]) {
          const [secret, data] = [pattern(keyLength), pattern(length)];
          assert.deepEqual(node[method](secret, data), noble[method](secret, data));
        }
      }
    });
  }

  test("chacha20", () => {
    for (const length of lengths) {
      const parts = [pattern(32), pattern(12), pattern(length)] as const;
      const stream = noble.chacha20(...parts);
      assert.deepEqual(node.chacha20(...parts), stream);
      for (const provider of [noble, node]) {
        const output = pattern(length);
        assert.equal(provider.chacha20(pattern(32), pattern(12), output, output), output);
        assert.deepEqual(output, stream);
      }
    }
  });

  test("chacha20Poly1305", () => {
    for (const length of lengths) {
      for (const aad of [pattern(0), pattern(32)]) {
        const sealed = noble.chacha20Poly1305Encrypt(pattern(32), pattern(12), aad, pattern(length));
        assert.deepEqual(
          node.chacha20Poly1305Encrypt(pattern(32), pattern(12), aad, pattern(length)),
          sealed,
        );
        assert.deepEqual(
          node.chacha20Poly1305Decrypt(pattern(32), pattern(12), aad, sealed),
          pattern(length),
        );
        for (const index of [0, sealed.length - 1]) {
          const bent = sealed.slice();
          bent[index] = (bent[index] ?? 0) ^ 1;
          assert.equal(node.chacha20Poly1305Decrypt(pattern(32), pattern(12), aad, bent), undefined);
          assert.equal(noble.chacha20Poly1305Decrypt(pattern(32), pattern(12), aad, bent), undefined);
        }
      }
    }
  });

  test("wrong lengths of keys and nonces, with short and long data", () => {
    for (const length of [0, 15, 16, 3000]) {
      for (const [keyLength, nonceLength] of [
        [31, 12],
        [33, 12],
        [32, 11],
        [32, 16],
      ] as const) {
        const [secret, nonce, data] = [pattern(keyLength), pattern(nonceLength), pattern(length)];
        for (const provider of [noble, node]) {
          assert.throws(() => provider.chacha20(secret, nonce, data), CryptoError);
          const longer = pattern(length + 1);
          assert.throws(() => provider.chacha20(one, new Uint8Array(12), data, longer), CryptoError);
          assert.throws(() => provider.chacha20Poly1305Encrypt(secret, nonce, data, data), CryptoError);
          assert.throws(() => provider.chacha20Poly1305Decrypt(secret, nonce, data, data), CryptoError);
        }
      }
    }
  });

  test("results are plain arrays with memory of their own", () => {
    const nonce = one.subarray(0, 12);
    const sealed = node.chacha20Poly1305Encrypt(one, nonce, one, new Uint8Array(3000));
    for (const result of [
      node.sha256(one),
      node.hmacSha256(one, one),
      node.hmacSha512(one, one),
      sealed,
      node.chacha20Poly1305Decrypt(one, nonce, one, sealed) ?? assert.fail("no plaintext"),
      node.publicKey(one),
    ]) {
      assert.equal(Object.getPrototypeOf(result), Uint8Array.prototype);
      assert.equal(result.buffer.byteLength, result.length);
    }
  });
});

describe("the curve", () => {
  test("isPrivateKey", () => {
    agree(fc.tuple(anyScalar), (p, [scalar]) => p.isPrivateKey(scalar), 200);
  });
  test("isPoint", () => {
    agree(fc.tuple(anyPoint), (p, [candidate]) => p.isPoint(candidate), 200);
  });

  // What may throw is seen to do both.
  function both(seen: { values: number; throws: number }): void {
    assert.ok(seen.values > 0 && seen.throws > 0, JSON.stringify(seen));
  }
  test("publicKey", () => both(agree(fc.tuple(anyScalar), (p, [scalar]) => p.publicKey(scalar))));
  test("ecdh", () =>
    both(agree(fc.tuple(anyScalar, anyPoint), (p, [scalar, other]) => p.ecdh(scalar, other))));
  test("pointAddScalar", () =>
    both(agree(fc.tuple(anyPoint, anyScalar), (p, [a, scalar]) => p.pointAddScalar(a, scalar))));
  test("pointAddScalar to infinity", () => {
    const { values } = agree(
      fc.tuple(key),
      (p, [secret]) => p.pointAddScalar(p.publicKey(secret), p.scalarNegate(secret)),
      10,
    );
    assert.equal(values, 0);
  });
  test("pointMultiply", () =>
    both(agree(fc.tuple(anyPoint, anyScalar), (p, [a, scalar]) => p.pointMultiply(a, scalar))));
  test("pointMultiplyAdd", () =>
    both(
      agree(fc.tuple(anyPoint, anyScalar, anyPoint, anyScalar), (p, [a, x, b, y]) =>
        p.pointMultiplyAdd(a, x, b, y),
      ),
    ));
  test("pointMultiplyAdd of a point and its negation, and of a point and itself", () => {
    agree(fc.tuple(point, key), (p, [a, x]) => p.pointMultiplyAdd(a, x, a, x), 10);
    const { values } = agree(
      fc.tuple(point, key),
      (p, [a, x]) => p.pointMultiplyAdd(a, x, prefixed([a[0] === 2 ? 3 : 2, a.subarray(1)]), x),
      10,
    );
    assert.equal(values, 0);
  });
  test("scalarAdd", () =>
    both(agree(fc.tuple(anyScalar, anyScalar), (p, [a, tweak]) => p.scalarAdd(a, tweak), 300)));
  test("scalarAdd to zero", () => {
    const { values } = agree(fc.tuple(key), (p, [a]) => p.scalarAdd(a, p.scalarNegate(a)), 10);
    assert.equal(values, 0);
  });
  test("scalarMultiply", () =>
    both(agree(fc.tuple(anyScalar, anyScalar), (p, [a, tweak]) => p.scalarMultiply(a, tweak), 300)));
  test("scalarNegate", () => both(agree(fc.tuple(anyScalar), (p, [a]) => p.scalarNegate(a), 100)));
  test("xOnlyTweakAdd", () => {
    agree(fc.tuple(anyXOnly, anyScalar), (p, [x, tweak]) => p.xOnlyTweakAdd(x, tweak), 100);
  });
});

describe("signatures", () => {
  test("ecdsaSign, ground alike, also over hashes above the order", () => {
    const { values, throws } = agree(
      fc.tuple(anyHash, anyScalar),
      (p, [hash, a]) => p.ecdsaSign(hash, a),
      120,
    );
    assert.ok(values > 20 && throws > 20);
    agree(fc.tuple(border, key), (p, [hash, a]) => p.ecdsaSign(hash, a), 20);
  });
  test("ecdsaSignRecoverable", () => {
    agree(fc.tuple(anyHash, anyScalar), (p, [hash, a]) => p.ecdsaSignRecoverable(hash, a));
    agree(fc.tuple(border, key), (p, [hash, a]) => p.ecdsaSignRecoverable(hash, a), 20);
  });

  /** Signatures that are good, high in S, bent, or made of borders. */
  const signed = fc.tuple(bytes(32), key).map(([hash, a]) => ({
    hash,
    point: noble.publicKey(a),
    ...noble.ecdsaSignRecoverable(hash, a),
  }));
  const halves = fc.tuple(fc.oneof(border, bytes(32)), fc.oneof(border, bytes(32)));
  const anySignature = fc
    .tuple(signed, fc.constantFrom("good", "high-s", "bent", "halves", "short"), halves, fc.nat(63))
    .map(([good, form, [r, s], index]) => {
      const signature = good.signature.slice();
      if (form === "high-s") signature.set(noble.scalarNegate(signature.subarray(32)), 32);
      if (form === "bent") signature[index] = (signature[index] ?? 0) ^ 0x10;
      if (form === "halves") {
        signature.set(r);
        signature.set(s, 32);
      }
      return { ...good, form, signature: form === "short" ? signature.subarray(1) : signature };
    });

  test("ecdsaVerify", () => {
    const verdicts = new Set<boolean>();
    agree(
      fc.tuple(anySignature),
      (p, [{ signature, hash, point: signer }]) => {
        const verdict = p.ecdsaVerify(signature, hash, signer);
        verdicts.add(verdict);
        return verdict;
      },
      80,
    );
    assert.equal(verdicts.size, 2);
    agree(
      fc.tuple(anySignature, anyHash, anyPoint),
      (p, [{ signature }, hash, other]) => p.ecdsaVerify(signature, hash, other),
      40,
    );
  });
  test("ecdsaVerify refuses high S", () => {
    fc.assert(
      fc.property(signed, ({ signature, hash, point: signer }) => {
        const high = signature.slice();
        high.set(noble.scalarNegate(signature.subarray(32)), 32);
        for (const provider of [noble, node]) {
          assert.equal(provider.ecdsaVerify(signature, hash, signer), true);
          assert.equal(provider.ecdsaVerify(high, hash, signer), false);
        }
      }),
      { numRuns: 10, seed: 20 },
    );
  });
  test("ecdsaRecover", () => {
    agree(
      fc.tuple(anySignature, fc.constantFrom(-1, 0, 1, 2, 3, 4, 0.5, Number.NaN)),
      (p, [{ signature, hash }, recovery]) => p.ecdsaRecover(signature, recovery, hash),
      120,
    );
    agree(fc.tuple(signed, anyHash), (p, [{ signature }, hash]) => p.ecdsaRecover(signature, 0, hash), 30);
  });

  test("schnorrSign", () => {
    agree(fc.tuple(bytes(32), anyScalar, bytes(32)), (p, [m, a, aux]) => p.schnorrSign(m, a, aux), 10);
  });
  test("schnorrVerify", () => {
    const schnorr = fc
      .tuple(
        fc.uint8Array({ maxLength: 40 }),
        key,
        fc.constantFrom("good", "bent", "halves", "short"),
        halves,
      )
      .map(([message, a, form, [r, s]]) => {
        const signature = noble.schnorrSign(message, a, one);
        if (form === "bent") signature[5] = (signature[5] ?? 0) ^ 1;
        if (form === "halves") {
          signature.set(r);
          signature.set(s, 32);
        }
        const x = noble.publicKey(a).subarray(1);
        return { message, x, signature: form === "short" ? signature.subarray(1) : signature };
      });
    const verdicts = new Set<boolean>();
    agree(
      fc.tuple(schnorr),
      (p, [{ signature, message, x }]) => {
        const verdict = p.schnorrVerify(signature, message, x);
        verdicts.add(verdict);
        return verdict;
      },
      60,
    );
    assert.equal(verdicts.size, 2);
    agree(
      fc.tuple(schnorr, anyXOnly),
      (p, [{ signature, message }, x]) => p.schnorrVerify(signature, message, x),
      20,
    );
  });
});

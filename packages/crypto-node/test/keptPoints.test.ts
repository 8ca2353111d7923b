import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nobleProvider } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "@fulmen/crypto-node";
import { keptPoints } from "#src/keptPoints";
import { loadNative } from "#src/native";

const scalar = (n: number): Uint8Array => new Uint8Array(32).fill(n & 0xff, 31).fill(n >> 8, 30, 31);
const negated = (point: Uint8Array): Uint8Array => Uint8Array.of((point[0] ?? 0) ^ 1, ...point.slice(1));

describe("keptPoints", () => {
  test("gives the same form again, also for a copy of the point", () => {
    const native = loadNative();
    assert.ok(native !== undefined);
    const { uncompressed } = keptPoints(native);
    const point = nobleProvider.publicKey(scalar(7));
    const first = uncompressed(point);
    assert.deepEqual(Uint8Array.from(first), native.publicKeyConvert(point, false));
    assert.equal(uncompressed(Uint8Array.from(point)), first);
  });

  test("converts what is merely verified with when it comes for the second time", () => {
    const native = loadNative();
    assert.ok(native !== undefined);
    const { known } = keptPoints(native);
    const point = nobleProvider.publicKey(scalar(7));
    assert.equal(known(point), point);
    const second = known(Uint8Array.from(point));
    assert.deepEqual(Uint8Array.from(second), native.publicKeyConvert(point, false));
    assert.equal(known(point), second);
    const opposite = known(negated(point));
    assert.deepEqual(Uint8Array.from(opposite), native.publicKeyConvert(negated(point), false));
  });
});

describe("the provider's kept points", () => {
  const provider = { ...nobleProvider, ...nodeProvider() };

  test("a point and its opposite, which share a slot, are told apart", () => {
    const point = provider.publicKey(scalar(5));
    for (let round = 0; round < 2; round++) {
      for (const either of [point, negated(point)]) {
        const sum = provider.pointAddScalar(either, scalar(3));
        assert.deepEqual(sum, nobleProvider.pointAddScalar(either, scalar(3)));
      }
    }
    assert.deepEqual(provider.pointAddScalar(point, scalar(3)), provider.publicKey(scalar(8)));
  });

  test("a signature is the point's, however often it came, and not its opposite's", () => {
    const point = provider.publicKey(scalar(9));
    const hash = scalar(77);
    const signature = provider.ecdsaSign(hash, scalar(9));
    for (let round = 0; round < 4; round++) {
      assert.equal(provider.ecdsaVerify(signature, hash, point), true);
      assert.equal(provider.ecdsaVerify(signature, hash, negated(point)), false);
      assert.equal(provider.ecdsaVerify(signature, hash, point.subarray(1)), false);
      assert.equal(provider.ecdsaVerify(signature, hash, new Uint8Array(33).fill(2)), false);
    }
  });

  test("more points than there are slots", () => {
    const points = Array.from({ length: 3000 }, (_, i) => provider.publicKey(scalar(i + 1)));
    for (const [i, point] of points.entries()) {
      assert.deepEqual(provider.pointMultiply(point, scalar(1)), point);
      assert.ok(provider.isPoint(points[i >> 1] ?? point));
    }
  });

  test("an array that is given other bytes is another point", () => {
    const point = provider.publicKey(scalar(5));
    assert.ok(provider.isPoint(point));
    point.set(provider.publicKey(scalar(6)));
    assert.deepEqual(provider.pointAddScalar(point, scalar(1)), provider.publicKey(scalar(7)));
    point.fill(0xff, 1);
    assert.equal(provider.isPoint(point), false);
  });
});

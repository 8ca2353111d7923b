import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nobleProvider } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "@fulmen/crypto-node";
import { loadNative } from "#src/native";
import { uncompressedPoints } from "#src/uncompressedPoints";

const scalar = (n: number): Uint8Array => new Uint8Array(32).fill(n & 0xff, 31).fill(n >> 8, 30, 31);
const negated = (point: Uint8Array): Uint8Array => Uint8Array.of((point[0] ?? 0) ^ 1, ...point.slice(1));

describe("uncompressedPoints", () => {
  test("gives the same form again, also for a copy of the point", () => {
    const native = loadNative();
    assert.ok(native !== undefined);
    const uncompressed = uncompressedPoints(native);
    const point = nobleProvider.publicKey(scalar(7));
    const first = uncompressed(point);
    assert.deepEqual(Uint8Array.from(first), native.publicKeyConvert(point, false));
    assert.equal(uncompressed(Uint8Array.from(point)), first);
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

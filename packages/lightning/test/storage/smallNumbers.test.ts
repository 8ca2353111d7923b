import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Codec, decode, encode } from "#src/codec/codec";
import { DecodeError } from "#src/codec/decodeError";
import { smallCommitmentNumber, smallCount, smallHtlcId, smallMsat } from "#src/storage/v1/values";
import { msat } from "#src/util/units";

const bits7 = (count: number) => new Array<number>(count).fill(0xff);
const refused = (codec: Codec<unknown>, ...bytes: readonly number[]) => {
  assert.throws(() => decode(codec, Uint8Array.from(bytes)), DecodeError, String(bytes));
};

describe("numbers in few bytes", () => {
  it("come back from both sides of every length's edge, and from the highest that there are", () => {
    const most = 2n ** 64n - 1n;
    const edges = [0n, most];
    for (let bits = 7n; bits < 64n; bits += 7n) edges.push(2n ** bits - 1n, 2n ** bits);
    for (const value of edges) {
      const bytes = encode(smallMsat, msat(value));
      assert.equal(decode(smallMsat, bytes), value);
      assert.equal(decode(smallHtlcId, bytes), value);
      assert.equal(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)));
      if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
        assert.equal(decode(smallCount, bytes), Number(value));
        assert.deepEqual(encode(smallCount, Number(value)), bytes);
      } else refused(smallCount, ...bytes);
      if (value < 2n ** 48n) assert.equal(decode(smallCommitmentNumber, bytes), Number(value));
      else refused(smallCommitmentNumber, ...bytes);
    }
    assert.equal(decode(smallCount, encode(smallCount, Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
    refused(smallCount, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    refused(smallCommitmentNumber, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40);
  });

  it("are refused in any but their shortest form, above u64, and cut short", () => {
    refused(smallMsat, 0x80, 0x00);
    refused(smallMsat, 0xff, 0x80, 0x00);
    refused(smallMsat, ...bits7(9), 0x02);
    refused(smallMsat, ...bits7(9), 0x81, 0x00);
    refused(smallMsat, ...bits7(100), 0x01);
    refused(smallMsat, 0x80);
    refused(smallMsat);
    refused(smallMsat, 0x00, 0x00);
  });
});

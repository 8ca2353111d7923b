import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  array16,
  bigSize,
  bool,
  bytes,
  type Codec,
  chainHash,
  channelId,
  compressedKey,
  DecodeError,
  decode,
  encode,
  feerate32,
  flag,
  many,
  msat64,
  nodeId,
  point,
  rest,
  s64,
  shortChannelId,
  signature,
  tu16,
  tu32,
  tu64,
  txid,
  u8,
  u16,
  u32,
  u64,
  varBytes,
} from "@fulmen/lightning/codec";
import { fromHex, InvariantError, maxU64, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";

interface BigSizeVectors {
  readonly decoding: readonly { readonly bytes: string; readonly value?: string; readonly error?: string }[];
  readonly encoding: readonly { readonly bytes: string; readonly value: string }[];
}

const bigSizes: BigSizeVectors = fixture("bigsize");
const signed: { readonly vectors: readonly { readonly value: string; readonly bytes: string }[] } =
  fixture("signed");

function fixture<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../../../fixtures/bolt01/${name}.json`, import.meta.url), "utf8"),
  );
}

function refuses(codec: Codec<unknown>, hex: string): void {
  assert.throws(() => decode(codec, fromHex(hex)), DecodeError, hex);
}

describe("bigsize (BOLT 1, Appendix A)", () => {
  it("has all vectors", () => {
    assert.deepEqual([bigSizes.decoding.length, bigSizes.encoding.length], [18, 8]);
  });

  for (const { bytes: hex, value, error } of bigSizes.decoding) {
    it(`reads ${hex === "" ? "nothing" : hex} -- ${error ?? value}`, () => {
      if (value === undefined) refuses(bigSize, hex);
      else assert.equal(decode(bigSize, fromHex(hex)), BigInt(value));
    });
  }

  for (const { bytes: hex, value } of bigSizes.encoding) {
    it(`writes ${value}`, () => assert.equal(toHex(encode(bigSize, BigInt(value))), hex));
  }

  it("does not write what is no u64", () => {
    assert.throws(() => encode(bigSize, -1n), InvariantError);
    assert.throws(() => encode(bigSize, maxU64 + 1n), InvariantError);
  });
});

describe("signed integers (BOLT 1, Appendix D)", () => {
  const eightBytes = signed.vectors.filter((vector) => vector.bytes.length === 16);

  it("has vectors of eight bytes", () => assert.equal(eightBytes.length, 6));

  for (const { value, bytes: hex } of eightBytes) {
    it(value, () => {
      assert.equal(decode(s64, fromHex(hex)), BigInt(value));
      assert.equal(toHex(encode(s64, BigInt(value))), hex);
    });
  }

  it("does not write what has no eight bytes", () => {
    assert.throws(() => encode(s64, 1n << 63n), InvariantError);
    assert.throws(() => encode(s64, -(1n << 63n) - 1n), InvariantError);
  });
});

describe("integers", () => {
  it("are big-endian", () => {
    assert.equal(decode(u16, fromHex("0102")), 0x0102);
    assert.equal(decode(u32, fromHex("01020304")), 0x01020304);
    assert.equal(decode(u64, fromHex("ffffffffffffffff")), maxU64);
    assert.equal(toHex(encode(u32, 0xffff_fffe)), "fffffffe");
  });

  it("are not written out of range", () => {
    const cases: readonly [Codec<number>, number][] = [
      [u8, 256],
      [u8, -1],
      [u16, 65536],
      [u16, 0.5],
      [u32, 2 ** 32],
      [u32, Number.NaN],
      [tu16, 65536],
      [tu32, 2 ** 32],
      [tu32, -1],
    ];
    for (const [codec, value] of cases) assert.throws(() => encode(codec, value), InvariantError);
    assert.throws(() => encode(u64, maxU64 + 1n), InvariantError);
    assert.throws(() => encode(tu64, maxU64 + 1n), InvariantError);
  });

  it("when truncated, have no leading zeros", () => {
    assert.equal(decode(tu16, fromHex("")), 0);
    assert.equal(decode(tu16, fromHex("ff")), 255);
    assert.equal(decode(tu32, fromHex("01000000")), 0x0100_0000);
    assert.equal(toHex(encode(tu32, 0)), "");
    assert.equal(toHex(encode(tu32, 256)), "0100");
    for (const hex of ["00", "0001", "010000"]) refuses(tu16, hex);
    refuses(tu32, "0100000000");
    refuses(tu64, "010000000000000000");
  });

  it("when truncated, read back as written", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: maxU64 }), fc.nat(64), (value, shift) => {
        const small = value >> BigInt(shift);
        assert.equal(decode(tu64, encode(tu64, small)), small);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("as amounts take any u64", () => {
    assert.equal(decode(msat64, fromHex("ffffffffffffffff")), maxU64);
    assert.equal(decode(feerate32, fromHex("ffffffff")), 0xffff_ffffn);
  });
});

describe("bytes", () => {
  it("are copied out, also from a Buffer", () => {
    for (const input of [Uint8Array.of(0, 1, 7), Buffer.from([0, 1, 7])]) {
      const value = decode(varBytes, input);
      input.fill(9);
      assert.deepEqual(value, Uint8Array.of(7));
    }
  });

  it("of a fixed number are exactly that many", () => {
    refuses(bytes(3), "0102");
    refuses(bytes(3), "01020304");
    assert.throws(() => encode(bytes(3), new Uint8Array(4)), InvariantError);
    assert.throws(
      () => encode(rest, new Uint8Array(3)) && encode(varBytes, new Uint8Array(65536)),
      InvariantError,
    );
  });

  it("are not allocated for a length that is only claimed", () => {
    refuses(varBytes, "ffff00");
    refuses(array16(signature), "ffff");
  });
});

describe("arrays", () => {
  it("have their count, or fill what remains", () => {
    assert.deepEqual(decode(array16(u16), fromHex("000200010002")), [1, 2]);
    assert.deepEqual(decode(many(u16), fromHex("00010002")), [1, 2]);
    assert.equal(toHex(encode(array16(u8), [5, 6])), "00020506");
    refuses(array16(u16), "00020001");
    refuses(many(u16), "000100");
  });
});

describe("one byte of meaning", () => {
  it("is 0 or 1 for a bool", () => {
    assert.equal(decode(bool, fromHex("00")), false);
    assert.equal(decode(bool, fromHex("01")), true);
    refuses(bool, "02");
  });

  it("is none for a flag", () => {
    assert.equal(decode(flag, fromHex("")), true);
    refuses(flag, "01");
  });
});

describe("points", () => {
  const generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
  const offCurve = `02${"00".repeat(31)}05`;

  it("are checked to be on the curve", () => {
    assert.equal(toHex(decode(point, fromHex(generator))), generator);
    for (const hex of [offCurve, `04${generator.slice(2)}`, `02${"ff".repeat(32)}`, generator.slice(2)]) {
      refuses(point, hex);
    }
  });

  it("of gossip are checked by their form only", () => {
    assert.equal(decode(nodeId, fromHex(offCurve)), offCurve);
    assert.equal(toHex(decode(compressedKey, fromHex(offCurve))), offCurve);
    for (const hex of [`00${"01".repeat(32)}`, `04${"01".repeat(32)}`, "02"]) {
      refuses(nodeId, hex);
      refuses(compressedKey, hex);
    }
  });
});

describe("ids", () => {
  const wire = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  const display = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

  it("of channels are in wire order, of transactions and chains in display order", () => {
    assert.equal(decode(channelId, fromHex(wire)), wire);
    assert.equal(decode(txid, fromHex(wire)), display);
    assert.equal(decode(chainHash, fromHex(wire)), display);
    for (const codec of [channelId, txid, chainHash] as readonly Codec<unknown>[]) {
      assert.equal(toHex(encode(codec, decode(codec, fromHex(wire)))), wire);
      refuses(codec, wire.slice(2));
    }
  });

  it("of outputs are a u64", () => {
    assert.equal(decode(shortChannelId, fromHex("0000000000000226")), 0x226n);
  });
});

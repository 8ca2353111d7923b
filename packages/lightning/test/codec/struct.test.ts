import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  array16,
  DecodeError,
  decode,
  encode,
  struct,
  tlvs,
  toJson,
  u8,
  u16,
  u64,
} from "@fulmen/lightning/codec";
import { fromHex, Secret, toHex } from "@fulmen/lightning/util";

const inner = struct("inner", { low: u8, high: u16 });
const outer = struct("outer", {
  first: u8,
  inner,
  list: array16(u64),
  tlvs: tlvs("records", { one: { type: 1, codec: inner } }),
});

describe("struct", () => {
  it("reads and writes its fields in the order of the declaration", () => {
    const value = { first: 1, inner: { low: 2, high: 3 }, list: [4n], tlvs: { one: { low: 5, high: 6 } } };
    const hex = "010200030001000000000000000401030500" + "06";
    assert.equal(toHex(encode(outer, value)), hex);
    assert.deepEqual(decode(outer, fromHex(hex)), value);
  });

  it("names in an error the path to the field and the byte", () => {
    const fault = (hex: string): readonly [string, number] => {
      try {
        decode(outer, fromHex(hex));
      } catch (error) {
        if (error instanceof DecodeError) return [error.field, error.offset];
      }
      return ["none", -1];
    };
    assert.deepEqual(fault(""), ["first", 0]);
    assert.deepEqual(fault("0102ff"), ["inner.high", 2]);
    assert.deepEqual(fault("010200030001ffff"), ["list", 6]);
    assert.deepEqual(fault("0102000300000102"), ["tlvs.1", 8]);
    assert.deepEqual(fault("010200030000010105"), ["tlvs.1.high", 9]);
  });

  it("refuses trailing bytes", () => {
    assert.throws(() => decode(inner, fromHex("01000200")), /1 trailing bytes/);
  });
});

describe("toJson", () => {
  it("shows bigints as decimals, bytes as hex, secrets not at all", () => {
    const value = {
      a: 1n,
      b: Uint8Array.of(255),
      c: [true, null],
      d: new Secret(new Uint8Array(2)),
      e: undefined,
    };
    assert.equal(JSON.stringify(toJson(value)), '{"a":"1","b":"ff","c":[true,null],"d":"[redacted]"}');
  });

  it("keeps a key that is named like a prototype as a key", () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"admin":1}}');
    const json = toJson(hostile);
    assert.equal(JSON.stringify(json), '{"__proto__":{"admin":1}}');
    assert.equal(Object.getPrototypeOf(json), Object.prototype);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, toHex } from "@fulmen/lightning/util";
import {
  type ChannelType,
  decodeChannelType,
  encodeChannelType,
  Features,
  sameChannelType,
} from "@fulmen/lightning/wire";

const formats = ["static-remotekey", "anchors", "zero-fee"] as const;
const all: ChannelType[] = formats.flatMap((format) =>
  [false, true].flatMap((scidAlias) => [false, true].map((zeroConf) => ({ format, scidAlias, zeroConf }))),
);

describe("channel types (BOLT 2, Defined Channel Types)", () => {
  it("have the bits that the BOLT names", () => {
    const plain = { scidAlias: false, zeroConf: false };
    assert.equal(toHex(encodeChannelType({ format: "static-remotekey", ...plain })), "1000");
    assert.equal(toHex(encodeChannelType({ format: "anchors", ...plain })), "401000");
    assert.equal(toHex(encodeChannelType({ format: "zero-fee", ...plain })), "010000000000");
    assert.deepEqual(
      Features.fromBytes(encodeChannelType({ format: "anchors", scidAlias: true, zeroConf: true })).bits(),
      [12, 22, 46, 50],
    );
  });

  it("read back as written, and equal themselves only", () => {
    for (const one of all) {
      assert.deepEqual(decodeChannelType(encodeChannelType(one)), one);
      for (const other of all) {
        assert.equal(sameChannelType(one, other), one === other);
        assert.equal(sameChannelType({ ...one }, one), true);
      }
    }
    assert.equal(new Set(all.map((one) => toHex(encodeChannelType(one)))).size, 12);
  });

  it("are taken with zero bytes in front", () => {
    assert.equal(decodeChannelType(fromHex("00401000"))?.format, "anchors");
  });

  it("are unknown for any other bits", () => {
    for (const bits of [[], [13], [22], [12, 23], [12, 22, 100], [12, 40], [46], [12, 20]]) {
      assert.equal(decodeChannelType(Features.ofBits(bits).toBytes()), undefined, String(bits));
    }
  });
});

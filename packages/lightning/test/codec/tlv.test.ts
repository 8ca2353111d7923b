import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  type Codec,
  DecodeError,
  decode,
  encode,
  extensibleTlvs,
  point,
  Reader,
  readTlvRecords,
  shortChannelId,
  struct,
  type TypeOf,
  tlvs,
  tu32,
  tu64,
  u16,
  u64,
  Writer,
  writeTlvRecords,
} from "@fulmen/lightning/codec";
import { concatBytes, formatShortChannelId, fromHex, InvariantError, toHex } from "@fulmen/lightning/util";

interface StreamVector {
  readonly namespaces: readonly ("n1" | "n2")[];
  readonly valid: boolean;
  readonly bytes: string;
  readonly note: string;
}

const { streams }: { readonly streams: readonly StreamVector[] } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt01/tlv.json", import.meta.url), "utf8"),
);

const n1 = tlvs("n1", {
  tlv1: { type: 1, codec: tu64 },
  tlv2: { type: 2, codec: shortChannelId },
  tlv3: { type: 3, codec: struct("tlv3", { nodeId: point, amountMsat1: u64, amountMsat2: u64 }) },
  tlv4: { type: 254, codec: u16 },
});
const n2 = tlvs("n2", { tlv1: { type: 0, codec: tu64 }, tlv2: { type: 11, codec: tu32 } });
const namespaces: Readonly<Record<string, Codec<unknown>>> = { n1, n2 };

/** A decoded value of n1 in the words of the vectors. */
function described(value: TypeOf<typeof n1>): string {
  if (value.tlv1 !== undefined) return `tlv1 amount_msat=${value.tlv1}`;
  if (value.tlv2 !== undefined) return `tlv2 scid=${formatShortChannelId(value.tlv2)}`;
  if (value.tlv3 !== undefined) {
    const { nodeId, amountMsat1, amountMsat2 } = value.tlv3;
    return `tlv3 node_id=${toHex(nodeId)} amount_msat_1=${amountMsat1} amount_msat_2=${amountMsat2}`;
  }
  return value.tlv4 === undefined ? "nothing" : `tlv4 cltv_delta=${value.tlv4}`;
}

describe("TLV streams (BOLT 1, Appendix B)", () => {
  it("have all vectors", () => assert.equal(streams.length, 57));

  for (const { namespaces: names, valid, bytes, note } of streams) {
    for (const name of names) {
      it(`${name}: ${bytes.slice(0, 40)} -- ${note}`, () => {
        const codec = namespaces[name] ?? n1;
        if (!valid) {
          assert.throws(() => decode(codec, fromHex(bytes)), DecodeError);
        } else if (names.length === 2) {
          assert.deepEqual(decode(codec, fromHex(bytes)), {});
        } else {
          const value = decode(n1, fromHex(bytes));
          assert.equal(described(value), note);
          assert.equal(toHex(encode(n1, value)), bytes);
        }
      });
    }
  }

  it("fail when an invalid stream is appended to a valid one", () => {
    const ofN1 = streams.filter(({ namespaces: names }) => names.includes("n1"));
    let pairs = 0;
    for (const good of ofN1.filter(({ valid }) => valid)) {
      for (const bad of ofN1.filter(({ valid }) => !valid)) {
        assert.throws(
          () => decode(n1, fromHex(good.bytes + bad.bytes)),
          DecodeError,
          `${good.bytes} ${bad.bytes}`,
        );
        pairs++;
      }
    }
    assert.equal(pairs, 19 * 37);
  });

  it("succeed when a stream of higher types is appended to one of lower types", () => {
    const ofN1 = streams.filter(({ namespaces: names, valid }) => valid && names.includes("n1"));
    const firstType = (bytes: string): bigint => new Reader(fromHex(bytes)).bigSize();
    let pairs = 0;
    for (const low of ofN1) {
      for (const high of ofN1) {
        if (low.bytes === "" || high.bytes === "" || firstType(low.bytes) >= firstType(high.bytes)) continue;
        assert.deepEqual(decode(n1, fromHex(low.bytes + high.bytes)), {
          ...decode(n1, fromHex(low.bytes)),
          ...decode(n1, fromHex(high.bytes)),
        });
        pairs++;
      }
    }
    assert.ok(pairs > 50);
  });
});

describe("tlvs", () => {
  it("leaves the keys of absent records absent", () => {
    assert.deepEqual(Object.keys(decode(n1, fromHex("010101"))), ["tlv1"]);
  });

  it("writes records by ascending type, whatever the order of keys", () => {
    assert.equal(toHex(encode(n1, { tlv4: 1, tlv1: 2n })), "010102fd00fe020001");
  });

  it("names the record in its errors", () => {
    assert.throws(
      () => decode(n1, fromHex("0200")),
      (error) => error instanceof DecodeError && error.field === "2" && error.offset === 2,
    );
  });

  it("refuses a stream without a required record, and does not write one", () => {
    const codec = tlvs("needy", {
      needed: { type: 2, codec: u16, required: true },
      other: { type: 4, codec: u16 },
    });
    assert.deepEqual(decode(codec, fromHex("02020001")), { needed: 1 });
    assert.throws(
      () => decode(codec, fromHex("04020001")),
      (error) => error instanceof DecodeError && error.field === "needed",
    );
    const wrong: unknown = { other: 1 };
    assert.throws(() => encode(codec, wrong as TypeOf<typeof codec>), InvariantError);
  });

  it("refuses to declare a type twice", () => {
    assert.throws(
      () => tlvs("twice", { a: { type: 1, codec: u16 }, b: { type: 1, codec: u16 } }),
      InvariantError,
    );
  });

  it("does not mistake names of Object's for records", () => {
    assert.throws(
      () =>
        decode(tlvs("needy", { toString: { type: 2, codec: u16, required: true as const } }), fromHex("")),
      DecodeError,
    );
    assert.equal(
      toHex(encode(tlvs("plain", { constructor: { type: 2, codec: u16 } }), Object.create(null))),
      "",
    );
  });
});

describe("extensibleTlvs", () => {
  const odd = extensibleTlvs("odd", { known: { type: 4, codec: u16 } }, "keep-odd");
  const custom = extensibleTlvs("custom", { known: { type: 4, codec: u16 } }, "keep-custom");

  it("keeps unknown odd records and writes them at their places", () => {
    const stream = fromHex("0301aa040200050501bb");
    const value = decode(odd, stream);
    assert.deepEqual(value, {
      known: 5,
      unknown: [
        { type: 3n, value: Uint8Array.of(0xaa) },
        { type: 5n, value: Uint8Array.of(0xbb) },
      ],
    });
    assert.deepEqual(encode(odd, value), stream);
  });

  it("keeps even records of the custom range only when asked to", () => {
    const stream = fromHex("fe0001000000");
    assert.throws(() => decode(odd, stream), DecodeError);
    assert.deepEqual(decode(custom, stream), { unknown: [{ type: 65536n, value: new Uint8Array(0) }] });
    assert.throws(() => decode(custom, fromHex("fdfffe00")), DecodeError);
  });

  it("does not write a record twice", () => {
    assert.throws(
      () => encode(odd, { known: 1, unknown: [{ type: 4n, value: new Uint8Array(2) }] }),
      InvariantError,
    );
  });
});

describe("readTlvRecords", () => {
  it("cuts a stream and joins it again", () => {
    const stream = fromHex("0001ff0200fd00fe020226");
    const records = readTlvRecords(new Reader(stream));
    assert.deepEqual(
      records.map(({ type }) => type),
      [0n, 2n, 254n],
    );
    const writer = new Writer();
    writeTlvRecords(writer, records);
    assert.deepEqual(writer.finish(), stream);
  });

  it("refuses lengths beyond the end without allocating them", () => {
    for (const length of ["fd0100", "feffffffff", "ffffffffffffffffff"]) {
      assert.throws(
        () => readTlvRecords(new Reader(concatBytes(fromHex("01"), fromHex(length)))),
        DecodeError,
      );
    }
  });
});

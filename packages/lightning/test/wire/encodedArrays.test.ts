import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import { formatShortChannelId, fromHex, toHex } from "@fulmen/lightning/util";
import {
  decodeMessage,
  decodeQueryFlags,
  decodeShortChannelIds,
  decodeTimestamps,
  encodeMessage,
  encodeQueryFlags,
  encodeShortChannelIds,
  encodeTimestamps,
} from "@fulmen/lightning/wire";

interface QueryVector {
  readonly type: string;
  readonly bytes: string;
  readonly firstBlocknum?: number;
  readonly numberOfBlocks?: number;
  readonly compressed?: boolean;
  readonly shortChannelIds?: readonly string[];
  readonly timestamps?: readonly (readonly [number, number])[];
  readonly checksums?: readonly (readonly [number, number])[];
  readonly queryOption?: string;
  readonly compressedQueryFlags?: readonly number[];
}

const { messages }: { readonly messages: readonly QueryVector[] } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt07/extended-queries.json", import.meta.url), "utf8"),
);

function checkIds(vector: QueryVector, encoded: Uint8Array): void {
  if (vector.compressed === true) {
    assert.throws(() => decodeShortChannelIds(encoded), DecodeError);
    return;
  }
  const ids = decodeShortChannelIds(encoded);
  assert.deepEqual(ids.map(formatShortChannelId), vector.shortChannelIds);
  assert.deepEqual(encodeShortChannelIds(ids), encoded);
}

describe("extended queries (BOLT 7, vectors)", () => {
  it("are ten", () => assert.equal(messages.length, 10));

  for (const [index, vector] of messages.entries()) {
    it(`${index}: ${vector.type}${vector.compressed === true ? ", compressed" : ""}`, () => {
      const message = decodeMessage(fromHex(vector.bytes));
      assert.equal(message.type, vector.type);
      assert.equal(toHex(encodeMessage(message)), vector.bytes);
      if (message.type === "query_channel_range") {
        assert.equal(message.firstBlocknum, vector.firstBlocknum);
        assert.equal(message.numberOfBlocks, vector.numberOfBlocks);
        assert.equal(message.tlvs.queryOption?.toString(), vector.queryOption);
      } else if (message.type === "query_short_channel_ids") {
        checkIds(vector, message.encodedShortIds);
        const { queryFlags } = message.tlvs;
        assert.equal(queryFlags !== undefined, vector.compressedQueryFlags !== undefined);
        if (queryFlags !== undefined) assert.throws(() => decodeQueryFlags(queryFlags), DecodeError);
      } else if (message.type === "reply_channel_range") {
        assert.equal(message.firstBlocknum, vector.firstBlocknum);
        assert.equal(message.syncComplete, true);
        checkIds(vector, message.encodedShortIds);
        const { timestampsTlv, checksumsTlv } = message.tlvs;
        const pairs = checksumsTlv?.map(({ checksumNodeId1, checksumNodeId2 }) => [
          checksumNodeId1,
          checksumNodeId2,
        ]);
        assert.deepEqual(pairs, vector.checksums);
        assert.equal(timestampsTlv !== undefined, vector.timestamps !== undefined);
        if (timestampsTlv === undefined) return;
        if (vector.compressed === true) {
          assert.throws(() => decodeTimestamps(timestampsTlv), DecodeError);
        } else {
          const decoded = decodeTimestamps(timestampsTlv);
          assert.deepEqual(
            decoded.map(({ timestampNodeId1, timestampNodeId2 }) => [timestampNodeId1, timestampNodeId2]),
            vector.timestamps,
          );
          assert.deepEqual(encodeTimestamps(decoded), timestampsTlv);
        }
      }
    });
  }
});

describe("encoded arrays", () => {
  it("are whole, and of encoding 0", () => {
    for (const hex of ["", "0000", `00${"00".repeat(9)}`, "01", "02"]) {
      assert.throws(() => decodeShortChannelIds(fromHex(hex)), DecodeError, hex);
    }
    assert.deepEqual(decodeShortChannelIds(fromHex("00")), []);
    assert.throws(
      () => decodeTimestamps({ encodingType: 0, encodedTimestamps: new Uint8Array(4) }),
      DecodeError,
    );
  });

  it("of query flags have one bigsize each", () => {
    const flags = [1n, 31n, 300n];
    assert.equal(toHex(encodeQueryFlags(flags).encodedQueryFlags), "011ffd012c");
    assert.deepEqual(decodeQueryFlags(encodeQueryFlags(flags)), flags);
    assert.throws(
      () => decodeQueryFlags({ encodingType: 0, encodedQueryFlags: fromHex("fd0001") }),
      DecodeError,
    );
  });
});

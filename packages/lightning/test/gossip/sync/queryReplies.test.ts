import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { type NodeId, noBytes, type ShortChannelId, shortChannelId } from "@fulmen/lightning/util";
import {
  decodeMessage,
  decodeShortChannelIds,
  decodeTimestamps,
  encodeMessage,
  encodeQueryFlags,
  encodeShortChannelIds,
  maxMessageBytes,
  type QueryChannelRange,
  type QueryShortChannelIds,
} from "@fulmen/lightning/wire";
import fc from "fast-check";
import { channelRangeReplies, shortChannelIdReplies } from "#src/gossip/sync/queryReplies";
import { updateChecksum } from "#src/gossip/sync/updateChecksum";
import { PlainGraph, plainChannel, plainTerms } from "../plainGraph.ts";
import { chainHash } from "../signedGossip.ts";

const ends = [`02${"00".repeat(32)}` as NodeId, `03${"00".repeat(32)}` as NodeId] as const;

function idAt(height: number, txIndex = 0): ShortChannelId {
  return shortChannelId({ height, txIndex, outputIndex: 0 });
}

/** A graph of channels with these ids, and terms of one side. */
function graphOf(ids: readonly ShortChannelId[]): PlainGraph {
  return new PlainGraph(ids.map((id) => plainChannel(id, ends, { from: plainTerms() })));
}

function range(firstBlocknum: number, numberOfBlocks: number, options?: bigint): QueryChannelRange {
  const tlvs = options === undefined ? {} : { queryOption: options };
  return { type: "query_channel_range", chainHash, firstBlocknum, numberOfBlocks, tlvs };
}

function repliesTo(graph: PlainGraph, query: QueryChannelRange) {
  return [...channelRangeReplies(graph, query)].map((bytes) => {
    assert.ok(bytes.length <= maxMessageBytes);
    const message = decodeMessage(bytes);
    assert.ok(message.type === "reply_channel_range");
    const ids = decodeShortChannelIds(message.encodedShortIds);
    const { firstBlocknum, numberOfBlocks } = message;
    for (const id of ids) assert.ok(id >= idAt(firstBlocknum) && id < idAt(firstBlocknum + numberOfBlocks));
    return { ...message, ids };
  });
}

describe("replies to query_channel_range", () => {
  test("one reply names the channels of the range, ascending", () => {
    const graph = graphOf([idAt(30), idAt(10), idAt(20), idAt(19, 5)]);
    const [reply, ...others] = repliesTo(graph, range(15, 15));
    assert.deepEqual(reply?.ids, [idAt(19, 5), idAt(20)]);
    assert.deepEqual([reply.firstBlocknum, reply.numberOfBlocks, reply.syncComplete], [15, 15, true]);
    assert.deepEqual(others, []);
  });

  test("channels without updates are left out", () => {
    const graph = new PlainGraph([plainChannel(idAt(1), ends, {})]);
    assert.deepEqual(repliesTo(graph, range(0, 10))[0]?.ids, []);
  });

  test("nothing known, another chain, no blocks, or blocks that cannot be: one empty, final reply", () => {
    const graph = graphOf([idAt(5)]);
    const mainnet = networks.mainnet.genesisHash;
    const queries = [
      range(6, 100),
      { ...range(0, 100), chainHash: mainnet },
      range(5, 0),
      range(0xffff_ffff, 0xffff_ffff),
    ];
    for (const query of queries) {
      const replies = repliesTo(graph, query);
      assert.equal(replies.length, 1);
      assert.deepEqual(replies[0]?.ids, []);
      assert.equal(replies[0]?.chainHash, query.chainHash);
      assert.equal(replies[0]?.numberOfBlocks, query.numberOfBlocks);
      assert.equal(replies[0]?.syncComplete, true);
    }
  });

  test("many channels are split into replies that follow one another without a gap", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => idAt(100 + Math.floor(i / 3), i % 3));
    const replies = repliesTo(graphOf(ids), range(0, 0xffff_ffff));
    assert.deepEqual(
      replies.map(({ ids: named, syncComplete }) => [named.length, syncComplete]),
      [
        [8000, false],
        [8000, false],
        [4000, true],
      ],
    );
    assert.deepEqual(
      replies.flatMap(({ ids: named }) => named),
      ids,
    );
  });

  test("timestamps and checksums are given when asked for", () => {
    const graph = graphOf(Array.from({ length: 5000 }, (_, i) => idAt(i)));
    const lengths = (options: bigint) =>
      repliesTo(graph, range(0, 10_000, options)).map(({ ids, tlvs: { timestampsTlv, checksumsTlv } }) => {
        const times = timestampsTlv && decodeTimestamps(timestampsTlv);
        assert.equal(times !== undefined, (options & 1n) === 1n);
        assert.equal(checksumsTlv !== undefined, (options & 2n) === 2n);
        if (times) assert.deepEqual(times[7], { timestampNodeId1: 1000, timestampNodeId2: 0 });
        const checksumNodeId1 = updateChecksum(noBytes);
        if (checksumsTlv) assert.deepEqual(checksumsTlv[7], { checksumNodeId1, checksumNodeId2: 0 });
        return ids.length;
      });
    assert.deepEqual(lengths(1n), [4000, 1000]);
    assert.deepEqual(lengths(2n), [4000, 1000]);
    assert.deepEqual(lengths(3n), [2700, 2300]);
  });

  test("any range is covered, in order, and complete at the end only", () => {
    const heights = fc.array(fc.nat(40), { maxLength: 30 });
    fc.assert(
      fc.property(heights, fc.nat(45), fc.integer({ min: 1, max: 45 }), (found, first, count) => {
        const ids = found.map((height, i) => idAt(height, i));
        const replies = repliesTo(graphOf(ids), range(first, count));
        let next = first;
        for (const [i, { firstBlocknum, numberOfBlocks, syncComplete }] of replies.entries()) {
          assert.ok(firstBlocknum <= next && firstBlocknum + numberOfBlocks >= next);
          next = firstBlocknum + numberOfBlocks;
          assert.equal(syncComplete, i === replies.length - 1);
        }
        assert.equal(next, first + count);
        const expected = ids.filter((id) => id >= idAt(first) && id < idAt(first + count));
        assert.deepEqual(
          replies.flatMap((reply) => reply.ids),
          expected.toSorted((a, b) => (a < b ? -1 : 1)),
        );
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

describe("replies to query_short_channel_ids", () => {
  const terms = (text: string) => plainTerms({ message: Buffer.from(text) });
  const graph = new PlainGraph(
    [1, 2].map((height) => ({
      ...plainChannel(idAt(height), ends, {
        from: terms(`update1 of ${height}`),
        to: terms(`update2 of ${height}`),
      }),
      message: Buffer.from(`channel ${height}`),
    })),
    new Map(ends.map((id, i) => [id, nodeInfo(`node ${i + 1}`)])),
  );

  function nodeInfo(text: string) {
    const nothing = { rgbColor: noBytes, alias: noBytes, addresses: [], unknownFeaturesRequired: false };
    return {
      ...nothing,
      features: plainChannel(1n, ends, {}).features,
      lastUpdate: 1,
      message: Buffer.from(text),
    };
  }

  function query(ids: readonly ShortChannelId[], flags?: readonly bigint[]): QueryShortChannelIds {
    return {
      type: "query_short_channel_ids",
      chainHash,
      encodedShortIds: encodeShortChannelIds(ids),
      tlvs: flags === undefined ? {} : { queryFlags: encodeQueryFlags(flags) },
    };
  }

  function answerTo(asked: QueryShortChannelIds): readonly string[] {
    const replies = shortChannelIdReplies(graph, asked);
    assert.ok(replies.ok);
    const all = [...replies.value];
    const end = all.pop();
    const fullInformation = asked.chainHash === chainHash;
    assert.deepEqual(
      end,
      encodeMessage({ type: "reply_short_channel_ids_end", chainHash: asked.chainHash, fullInformation }),
    );
    return all.map((bytes) => Buffer.from(bytes).toString());
  }

  test("channels with their updates, each node once, then the end", () => {
    assert.deepEqual(answerTo(query([idAt(1), idAt(2), idAt(3)])), [
      ...["channel 1", "update1 of 1", "update2 of 1"],
      ...["channel 2", "update1 of 2", "update2 of 2"],
      ...["node 1", "node 2"],
    ]);
  });

  test("flags choose", () => {
    assert.deepEqual(answerTo(query([idAt(1), idAt(2)], [1n, 4n])), ["channel 1", "update2 of 2"]);
    assert.deepEqual(answerTo(query([idAt(1), idAt(2)], [2n | 16n, 0n])), ["update1 of 1", "node 2"]);
    assert.deepEqual(answerTo(query([idAt(1)], [8n])), ["node 1"]);
    const unknownToo = 0xffff_ffff_ffff_ffffn ^ 30n;
    assert.deepEqual(answerTo(query([idAt(1)], [unknownToo])), ["channel 1"]);
  });

  test("of another chain: nothing, and the end says so", () => {
    assert.deepEqual(answerTo({ ...query([idAt(1)]), chainHash: networks.mainnet.genesisHash }), []);
  });

  test("flags too few, half an id, or a compressed array: refused", () => {
    const bad = [
      query([idAt(1), idAt(2)], [1n]),
      { ...query([]), encodedShortIds: new Uint8Array(5) },
      { ...query([]), encodedShortIds: Uint8Array.of(1) },
      { ...query([]), encodedShortIds: noBytes },
    ];
    for (const each of bad) assert.equal(shortChannelIdReplies(graph, each).ok, false);
  });
});

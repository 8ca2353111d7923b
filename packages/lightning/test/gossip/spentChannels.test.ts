import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { BlockHeader, MerkleRoot } from "@fulmen/bitcoin/block";
import { op, script } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { NetworkGraph, SpentChannels } from "@fulmen/lightning/gossip";
import { type BlockHash, blockHeight, present, type Txid } from "@fulmen/lightning/util";
import type { ChannelAnnouncement } from "@fulmen/lightning/wire";
import { announcement, chainHash, now, testNodes } from "./signedGossip.ts";

const nodes = testNodes(4);
const [alice, bob, carol, dave] = nodes.map((node) => present(node, "a node"));
assert.ok(alice && bob && carol && dave);
const channels = [
  announcement(alice, bob, 100),
  announcement(bob, carol, 101),
  announcement(carol, dave, 102),
];
const [first, second, third] = channels;
assert.ok(first && second && third);

const zeros = "00".repeat(32);
const header: BlockHeader = {
  ...{ version: 4, time: now, bits: 0, nonce: 0 },
  ...{ previous: zeros as BlockHash, merkleRoot: zeros as MerkleRoot },
};

/** What spends the output behind `announced`, as its owners must. */
function spender(
  { bitcoinKey1, bitcoinKey2 }: Pick<ChannelAnnouncement, "bitcoinKey1" | "bitcoinKey2">,
  changed = (witnessScript: Uint8Array) => witnessScript,
): Transaction {
  const keys = [bitcoinKey1, bitcoinKey2].sort(Buffer.compare);
  const witnessScript = changed(script(op._2, ...keys, op._2, op.CHECKMULTISIG));
  const previous = { txid: "11".repeat(32) as Txid, index: 0 };
  const witness = [new Uint8Array(0), new Uint8Array(71), new Uint8Array(71), witnessScript];
  const input = { outPoint: previous, scriptSig: new Uint8Array(0), sequence: 0, witness };
  return { version: 2, inputs: [{ ...input, witness: [] }, input], outputs: [], locktime: 0 };
}

describe("channels whose funding outputs are spent", () => {
  let graph: NetworkGraph;
  let spent: SpentChannels;

  beforeEach(() => {
    graph = new NetworkGraph({ chainHash });
    for (const channel of channels) assert.ok(graph.updateChannelFromAnnouncement(channel, { now }).ok);
    spent = new SpentChannels(graph);
  });

  function block(height: number, ...transactions: readonly Transaction[]): void {
    const inBlock = transactions.map((transaction, index) => ({ transaction, index }));
    spent.blockConnected(header, inBlock, blockHeight(height));
  }

  function left(): readonly unknown[] {
    return channels.map(({ shortChannelId }) => graph.channel(shortChannelId) !== undefined);
  }

  test("leave the graph after 72 blocks, and do not come back", () => {
    block(500, spender(first), spender(third));
    for (const height of [501, 560, 571]) block(height);
    assert.deepEqual(left(), [true, true, true]);
    block(572);
    assert.deepEqual(left(), [false, true, false]);
    const again = graph.updateChannelFromAnnouncement(first, { now });
    assert.equal(!again.ok && again.error.kind, "channel-closed");
  });

  test("are remembered by the graph's bytes, each once", () => {
    block(500, spender(first));
    const bytes = graph.write();
    graph = NetworkGraph.read(bytes, { chainHash });
    assert.deepEqual(graph.write(), bytes);
    spent = new SpentChannels(graph);
    block(571);
    assert.deepEqual(left(), [true, true, true]);
    block(572);
    assert.deepEqual(left(), [false, true, true]);
    graph = NetworkGraph.read(graph.write(), { chainHash });
    assert.deepEqual(left(), [false, true, true]);
  });

  test("stay when the block is no longer part of the chain", () => {
    block(500, spender(first));
    block(501, spender(second));
    spent.blocksDisconnected({ height: blockHeight(500) });
    block(573);
    assert.deepEqual(left(), [false, true, true]);
  });

  test("are told by their own keys only, whatever else a block holds", () => {
    const others = [
      spender({ bitcoinKey1: first.bitcoinKey1, bitcoinKey2: third.bitcoinKey2 }),
      spender(first, (bytes) => bytes.slice(1)),
      spender(first, (bytes) => bytes.with(0, op._1)),
      spender(first, (bytes) => bytes.with(35, 0x20)),
      spender(first, () => new Uint8Array(71)),
    ];
    block(500, ...others);
    block(600);
    assert.deepEqual(left(), [true, true, true]);
  });

  test("are found whatever order their keys were announced in", () => {
    const changed = [first, second, third].filter(
      ({ bitcoinKey1, bitcoinKey2 }) => Buffer.compare(bitcoinKey1, bitcoinKey2) > 0,
    );
    assert.ok(changed.length > 0 && changed.length < 3, "the test nodes cover both");
    block(500, ...channels.map((channel) => spender(channel)));
    block(572);
    assert.deepEqual(left(), [false, false, false]);
  });

  test("that came unsigned have no keys to be told by", () => {
    const unsigned = new NetworkGraph({ chainHash });
    const { shortChannelId, nodeId1: nodeOne, nodeId2: nodeTwo } = first;
    const told = {
      shortChannelId,
      nodeOne,
      nodeTwo,
      features: present(graph.channel(shortChannelId), "the channel").features,
    };
    assert.ok(unsigned.addChannelFromPartialAnnouncement(told, now).ok);
    unsigned.fundingSpent([new Uint8Array(66)], blockHeight(500));
    unsigned.closeSpent(600, now);
    assert.equal(unsigned.channelCount, 1);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeHeader, encodeHeader } from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import {
  type BlockHash,
  blockHashToInternal,
  concatBytes,
  equalBytes,
  reverseBytes,
  toHex,
} from "@fulmen/bitcoin/primitives";
import { proofAmong } from "#src/electrum/headerProof";
import { bytesOf, servedChain } from "./electrumTestClient.ts";

test("subscribing to headers gives the tip, and every new one after that", () => {
  const { chain, server, client } = servedChain();
  const tip = { hex: toHex(encodeHeader(chain.tip.block.header)), height: 109 };
  assert.deepEqual(client.ask("blockchain.headers.subscribe"), tip);
  server.update();
  assert.deepEqual(client.take(), []);

  chain.mine(2);
  server.update();
  const header = (): string => toHex(encodeHeader(chain.tip.block.header));
  const news = (height: number) => ({
    jsonrpc: "2.0",
    method: "blockchain.headers.subscribe",
    params: [{ hex: header(), height }],
  });
  assert.deepEqual(client.take(), [news(111)]);

  chain.reorg(2, { length: 2 });
  server.update();
  assert.deepEqual(client.take(), [news(111)], "another block of the same height");
  chain.reorg(3);
  server.update();
  assert.deepEqual(client.take(), [news(112)]);
});

test("who has not subscribed to headers is told nothing", () => {
  const { chain, server, client } = servedChain();
  chain.mine();
  server.update();
  assert.deepEqual(client.take(), []);
});

test("blockchain.block.header gives one header", () => {
  const { chain, client } = servedChain();
  for (const height of [0, 1, 109]) {
    const header = decodeHeader(bytesOf(client.ask("blockchain.block.header", height)));
    assert.deepEqual(header, chain.blockAt(height)?.block.header);
  }
  assert.deepEqual(client.refusal("blockchain.block.header", 110), {
    code: 1,
    message: "height 110 out of range",
  });
  assert.deepEqual(
    client.refusal("blockchain.block.header", 1_234_567)?.message,
    "height 1,234,567 out of range",
  );
  for (const height of [-1, 1.5, "x", null, {}, 2 ** 60]) {
    const refusal = client.refusal("blockchain.block.header", height);
    assert.equal(refusal?.code, 1);
    assert.match(refusal?.message ?? "", /should be a non-negative integer$/);
  }
});

test("blockchain.block.headers gives a row of headers, up to the tip", () => {
  const { chain, client } = servedChain();
  const rowFrom = (start: number, count: number): unknown =>
    client.ask("blockchain.block.headers", start, count);
  const hexOf = (heights: readonly number[]): string =>
    heights.map((height) => client.ask("blockchain.block.header", height)).join("");
  assert.deepEqual(rowFrom(0, 3), { hex: hexOf([0, 1, 2]), count: 3, max: 2016 });
  assert.deepEqual(rowFrom(108, 2016), { hex: hexOf([108, 109]), count: 2, max: 2016 });
  assert.deepEqual(rowFrom(110, 5), { hex: "", count: 0, max: 2016 });
  assert.deepEqual(rowFrom(5, 0), { hex: "", count: 0, max: 2016 });
  assert.deepEqual(client.ask("blockchain.block.headers", 110, 5, 109), { hex: "", count: 0, max: 2016 });
  chain.mine(2_100);
  const { count, max } = rowFrom(1, 5_000) as { count: number; max: number };
  assert.deepEqual([count, max], [2016, 2016]);
});

test("a checkpoint proof is that of Bitcoin's first headers", () => {
  const { hashes, height, branch, root } = JSON.parse(
    readFileSync(new URL("../../../../fixtures/electrum/headerProof.json", import.meta.url), "utf8"),
  ) as { hashes: BlockHash[]; height: number; branch: string[]; root: string };
  assert.deepEqual(proofAmong(hashes, height), { branch, root });
});

test("with a checkpoint a header comes with its proof", () => {
  const { chain, client } = servedChain();
  for (const checkpoint of [1, 2, 7, 63, 64, 109]) {
    for (const height of [0, 1, checkpoint >> 1, checkpoint]) {
      const answer = client.ask("blockchain.block.header", height, checkpoint);
      const { header, ...proof } = answer as { header: string; branch: string[]; root: string };
      assert.equal(header, client.ask("blockchain.block.header", height));
      const hash = chain.blockAt(height)?.hash;
      assert.ok(hash !== undefined && leadsTo(blockHashToInternal(hash), height, proof));
      assert.ok(!leadsTo(new Uint8Array(32), height, proof));
      const row = client.ask("blockchain.block.headers", 0, height + 1, checkpoint) as typeof proof;
      assert.deepEqual({ branch: row.branch, root: row.root }, proof);
    }
  }
  assert.deepEqual(client.refusal("blockchain.block.header", 5, 4), {
    code: 1,
    message: "require header height 5 <= cp_height 4 <= chain height 109",
  });
  assert.equal(client.refusal("blockchain.block.header", 5, 110)?.code, 1);
  assert.equal(client.refusal("blockchain.block.headers", 0, 10, 5)?.code, 1);
});

/** Follows a branch to its root, written for this test alone. */
function leadsTo(leaf: Uint8Array, position: number, proof: { branch: string[]; root: string }): boolean {
  let node = leaf;
  for (const [level, text] of proof.branch.entries()) {
    const sibling = reverseBytes(bytesOf(text));
    const isRight = Math.floor(position / 2 ** level) % 2 === 1;
    node = crypto().hash256(isRight ? concatBytes(sibling, node) : concatBytes(node, sibling));
  }
  return equalBytes(node, reverseBytes(bytesOf(proof.root)));
}

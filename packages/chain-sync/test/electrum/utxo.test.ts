import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type BlockHeader, encodeHeader, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { blockHeight, present, shortChannelId } from "@fulmen/lightning/util";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { locateBlock, lookUpOutput } from "#src/electrum/utxo";
import { type Script, scriptedSession } from "./scriptedSession.ts";

const network = networks.regtest;
const chain = new SimulatedChain();
chain.mine(20);
const block = present(chain.blockAt(10), "block 10");
const coinbase = present(block.block.transactions[0], "its coinbase");
const output = present(coinbase.outputs[0], "its output");
const id = shortChannelId({ height: 10, txIndex: 0, outputIndex: 0 });

const headerAt = (height: number): BlockHeader => present(chain.blockAt(height), "a block").block.header;
const hexOf = (header: BlockHeader): string => toHex(encodeHeader(header));
const tip = (height: number) => ({ hex: hexOf(headerAt(height)), height });

/** An honest server at height 20, but for what `script` says. */
function served(test: TestContext, script: Script = {}) {
  return scriptedSession(test, {
    "blockchain.headers.subscribe": () => tip(20),
    "blockchain.transaction.id_from_pos": () => ({ tx_hash: txid(coinbase), merkle: [] }),
    "blockchain.transaction.get": () => toHex(encodeTransaction(coinbase)),
    "blockchain.block.headers": (from, count) => ({
      hex: Array.from({ length: Number(count) }, (_, i) => hexOf(headerAt(Number(from) + i))).join(""),
    }),
    "blockchain.scripthash.listunspent": () => [{ tx_hash: txid(coinbase), tx_pos: 0, height: 10, value: 1 }],
    ...script,
  });
}

describe("looking up the output of a short channel id", () => {
  it("finds what is unspent and has six confirmations", async (test) => {
    const { session } = await served(test);
    assert.deepEqual(await lookUpOutput(session, network, id), { kind: "found", ...output });
    for (const [height, kind] of [
      [14, "not-found"],
      [15, "found"],
    ] as const) {
      const young = await served(test, { "blockchain.headers.subscribe": () => tip(height) });
      assert.equal((await lookUpOutput(young.session, network, id)).kind, kind, `at height ${height}`);
    }
  });

  it("believes no transaction that is not in its block, and no block without work", async (test) => {
    const other = present(chain.blockAt(11)?.block.transactions[0], "another coinbase");
    let unmined = headerAt(10);
    while (hasProofOfWork(unmined, network)) unmined = { ...unmined, nonce: unmined.nonce + 1 };
    for (const lie of [
      { "blockchain.transaction.get": () => toHex(encodeTransaction(other)) },
      {
        "blockchain.transaction.id_from_pos": () => ({ tx_hash: txid(other), merkle: [] }),
        "blockchain.transaction.get": () => toHex(encodeTransaction(other)),
      },
      { "blockchain.transaction.id_from_pos": () => ({ tx_hash: txid(coinbase), merkle: [txid(other)] }) },
      { "blockchain.block.headers": () => ({ hex: hexOf(unmined) }) },
    ]) {
      const { session } = await served(test, lie);
      await assert.rejects(lookUpOutput(session, network, id), { code: "invalid-chain" });
    }
  });

  it("tells a refusal from a server that is busy", async (test) => {
    const refusing = (code: number, message: string) => () => {
      throw { code, message };
    };
    const method = "blockchain.transaction.id_from_pos";
    const gone = await served(test, { [method]: refusing(1, "no tx at position 0 in block at height 10") });
    assert.equal((await lookUpOutput(gone.session, network, id)).kind, "not-found");
    const busy = await served(test, { [method]: refusing(-102, "server busy") });
    await assert.rejects(lookUpOutput(busy.session, network, id), { code: "invalid-answer" });
  });
});

describe("locating a block", () => {
  it("links it with those before", async (test) => {
    const { session } = await served(test);
    const { hash, ancestors } = await locateBlock(session, network, blockHeight(15));
    assert.equal(hash, chain.blockAt(15)?.hash);
    assert.equal(ancestors.at(-1), chain.blockAt(3)?.hash);
  });

  it("believes no gap, and no other number of blocks than was asked for", async (test) => {
    const row = (...heights: readonly number[]) => ({
      hex: heights.map((at) => hexOf(headerAt(at))).join(""),
    });
    for (const [answer, code] of [
      [row(0, 2, 1), "invalid-chain"],
      [row(0, 1), "not-synced"],
      [row(), "not-synced"],
    ] as const) {
      const { session } = await served(test, { "blockchain.block.headers": () => answer });
      await assert.rejects(locateBlock(session, network, blockHeight(2)), { code });
    }
    const { session } = await served(test);
    await assert.rejects(locateBlock(session, network, blockHeight(21)), { code: "not-synced" });
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Block, blockHash, decodeBlock, encodeBlock, merkleRootOf } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { fromHex, type Sat } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { decodeTransaction, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import { BlockRefusedError, regtestGenesis, SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { malformedRule } from "#src/chain/transactionCheck";

const script = p2wpkh(new Uint8Array(20).fill(7));
const feerate = feeratePerKw(1000);

test("the genesis block is regtest's, and its coin cannot be spent", () => {
  assert.equal(blockHash(regtestGenesis.header), networks.regtest.genesisHash);
  assert.equal(merkleRootOf(regtestGenesis.transactions.map(txid)), regtestGenesis.header.merkleRoot);
  const chain = new SimulatedChain();
  assert.equal(chain.tip.hash, networks.regtest.genesisHash);
  assert.equal(chain.tip.height, 0);
  assert.deepEqual(chain.coins(), []);
});

test("the same seed gives the same chain, another seed another one", () => {
  const hashes = (seed: number) => {
    const { chain, faucet } = createFundedChain({ seed });
    chain.submit(faucet.fund(chain, [{ value: 100_000n as Sat, script }], feerate));
    chain.mine(2);
    chain.reorg(1);
    return Array.from({ length: chain.tip.height + 1 }, (_, height) => chain.blockAt(height)?.hash);
  };
  assert.deepEqual(hashes(1), hashes(1));
  assert.notEqual(hashes(1).at(-1), hashes(2).at(-1));
});

test("times follow the clock, but stay above the median of eleven blocks", () => {
  let now = 1_700_000_000;
  const chain = new SimulatedChain({ clock: () => now });
  assert.equal(chain.mine()[0]?.block.header.time, now);
  now = 1_500_000_000;
  chain.mine(20);
  for (let height = 2; height <= 21; height++) {
    assert.ok((chain.blockAt(height)?.block.header.time ?? 0) >= now);
  }
  const untimed = new SimulatedChain();
  const [first, second] = untimed.mine(2);
  assert.equal((second?.block.header.time ?? 0) - (first?.block.header.time ?? 0), 600);
});

test("mined blocks pass as bytes through the check of another node", () => {
  const { chain, faucet } = createFundedChain();
  for (let i = 0; i < 3; i++) {
    const funding = faucet.fund(chain, [{ value: 50_000n as Sat, script }], feerate);
    assert.ok(chain.submit(funding).ok);
    chain.mine(1);
  }
  const other = new SimulatedChain();
  for (let height = 1; height <= chain.tip.height; height++) {
    const bytes = encodeBlock(present(chain.blockAt(height)).block);
    assert.ok(other.connectBlock(decodeBlock(bytes)).ok);
  }
  assert.equal(other.tip.hash, chain.tip.hash);
  assert.deepEqual(other.coins(), chain.coins());
  assert.equal(other.totalFees, chain.totalFees);
  assert.ok(chain.totalFees > 0n);
});

test("coins are what blocks created, halved every 150 blocks", () => {
  const { chain, faucet } = createFundedChain({ coins: 60 });
  chain.submit(faucet.fund(chain, [{ value: 123_456n as Sat, script }], feerate));
  chain.mine(1);
  const created = 149n * 5_000_000_000n + 11n * 2_500_000_000n;
  assert.equal(chain.tip.height, 160);
  const value = chain.coins().reduce((sum, { output }) => sum + output.value, 0n);
  assert.equal(value, created);
  assert.equal(chain.coins(script)[0]?.output.value, 123_456n);
});

test("blocks that break a rule are refused by its name", () => {
  const { chain, faucet } = createFundedChain();
  const funding = faucet.fund(chain, [{ value: 100_000n as Sat, script }], feerate);
  const { chain: twin } = createFundedChain();
  const good = present(twin.mine(1, { transactions: [funding] })[0]).block;
  const refusalOf = (block: Block) => {
    const result = chain.connectBlock(block);
    return result.ok ? "ok" : result.error.kind;
  };
  const [coinbase, paying] = good.transactions;
  assert.ok(coinbase && paying);
  assert.equal(refusalOf(present(twin.mine(1)[0]).block), "not-on-tip");
  assert.equal(refusalOf(mined({ ...good, header: { ...good.header, version: 3 } })), "version");
  assert.equal(
    refusalOf(mined({ ...good, header: { ...good.header, time: chain.medianTime } })),
    "time-too-old",
  );
  assert.equal(refusalOf({ ...good, header: unmined(good.header) }), "proof-of-work");
  assert.equal(refusalOf(mined({ ...good, transactions: [coinbase] })), "commitment");
  const stripped = { ...paying, inputs: paying.inputs.map((input) => ({ ...input, witness: [] })) };
  assert.equal(refusalOf(mined({ ...good, transactions: [coinbase, stripped] })), "commitment");
  assert.equal(refusalOf(remade(chain, good, { height: 5 })), "coinbase-height");
  assert.equal(refusalOf(remade(chain, good, { more: 1n })), "coinbase-value");
  assert.equal(refusalOf(good), "ok");
});

test("transactions that break a rule keep a block from being mined", () => {
  const { chain, faucet } = createFundedChain();
  const funding = faucet.fund(chain, [{ value: 100_000n as Sat, script }], feerate);
  const [input] = funding.inputs;
  const [output] = funding.outputs;
  assert.ok(input && output);
  const young = {
    txid: chain.tip.txids[0] ?? funding.inputs[0]?.outPoint.txid ?? input.outPoint.txid,
    index: 0,
  };
  const cases: readonly (readonly [Transaction, string])[] = [
    [{ ...funding, outputs: [{ ...output, value: 5_000_000_001n as Sat }] }, "outputs-exceed-inputs"],
    [{ ...funding, inputs: [{ ...input, outPoint: { ...input.outPoint, index: 9 } }] }, "missing-inputs"],
    [{ ...funding, inputs: [{ ...input, outPoint: young }] }, "immature-coinbase"],
    [{ ...funding, locktime: chain.tip.height + 1 }, "non-final"],
    [{ ...funding, inputs: [{ ...input, sequence: 0xffff }] }, "sequence-locked"],
    [{ ...funding, inputs: [input, input] }, "malformed"],
    [{ ...funding, outputs: [{ ...output, value: 7n as Sat }] }, "script"],
  ];
  for (const [tx, kind] of cases) {
    assert.throws(
      () => chain.mine(1, { transactions: [tx] }),
      (error) =>
        error instanceof BlockRefusedError &&
        error.refusal.kind === "transaction" &&
        error.refusal.refusal.kind === kind,
      kind,
    );
  }
  assert.equal(chain.mine(1, { transactions: [funding] }).length, 1);
});

test("Core's transactions that are bad by themselves are malformed", () => {
  const url = new URL("../../../../fixtures/bitcoin/core-tx-invalid.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, "utf8")) as { cases: { tx: string; flags: string }[] };
  const bad = cases.filter(({ flags }) => flags === "BADTX").map(({ tx }) => decodeTransaction(fromHex(tx)));
  assert.equal(bad.length, 9);
  for (const tx of bad) assert.notEqual(malformedRule(tx), undefined);
  const valid = new URL("../../../../fixtures/bitcoin/core-tx-valid.json", import.meta.url);
  const good = JSON.parse(readFileSync(valid, "utf8")) as { cases: { tx: string }[] };
  for (const { tx } of good.cases) assert.equal(malformedRule(decodeTransaction(fromHex(tx))), undefined, tx);
});

function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}

/** The block with its merkle root and proof of work made anew. */
function mined(block: Block): Block {
  let header = { ...block.header, nonce: 0 };
  while (BigInt(`0x${blockHash(header)}`) >> 255n !== 0n) header = { ...header, nonce: header.nonce + 1 };
  return { ...block, header };
}

function unmined(from: Block["header"]): Block["header"] {
  let header = from;
  while (BigInt(`0x${blockHash(header)}`) >> 255n === 0n) header = { ...header, nonce: header.nonce + 1 };
  return header;
}

/** A block like `good` with another height or a larger reward in its coinbase. */
function remade(chain: SimulatedChain, good: Block, change: { height?: number; more?: bigint }): Block {
  const [coinbase, ...others] = good.transactions;
  const [input] = coinbase?.inputs ?? [];
  const [reward, ...outputs] = coinbase?.outputs ?? [];
  assert.ok(coinbase && input && reward && chain.tip.height > 16);
  const scriptSig =
    change.height === undefined
      ? input.scriptSig
      : Uint8Array.of(0x50 + change.height, ...input.scriptSig.slice(2));
  const value = (reward.value + (change.more ?? 0n)) as Sat;
  const remadeCoinbase = {
    ...coinbase,
    inputs: [{ ...input, scriptSig }],
    outputs: [{ ...reward, value }, ...outputs],
  };
  const transactions = [remadeCoinbase, ...others];
  return mined({
    header: { ...good.header, merkleRoot: merkleRootOf(transactions.map(txid)) },
    transactions,
  });
}

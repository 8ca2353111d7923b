import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyMerkleProof } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, type Transaction, txid, vsize, weight, wtxid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import type { Accepted, Refusal } from "@fulmen/testkit/chain";
import { bytesOf, hexOf, pay, scriptOf, send, servedChain, spend } from "./electrumTestClient.ts";

const alice = scriptOf(1);

test("what is broadcast is in the mempool, also when it is known", () => {
  const heard: boolean[] = [];
  const served = servedChain({ onBroadcast: (_, { ok }) => heard.push(ok) });
  const { chain, faucet, client } = served;
  const tx = faucet.fund(chain, [pay(5_000n, alice)], feeratePerKw(253));
  assert.equal(client.ask("blockchain.transaction.broadcast", hexOf(tx)), txid(tx));
  assert.deepEqual(chain.mempool, [txid(tx)]);
  assert.equal(client.ask("blockchain.transaction.broadcast", hexOf(tx).toUpperCase()), txid(tx));
  assert.deepEqual(heard, [true, false]);
  chain.mine();
  assert.match(refusal(hexOf(tx)), /Transaction outputs already in utxo set/);

  function refusal(hex: string): string {
    const { code, message } = client.refusal("blockchain.transaction.broadcast", hex) ?? {};
    assert.equal(code, 1);
    return message ?? "";
  }
});

test("what the mempool refuses is refused in Bitcoin Core's words", () => {
  const results: (Accepted | Refusal)[] = [];
  const served = servedChain({
    onBroadcast: (_, result) => results.push(result.ok ? result.value : result.error),
  });
  const { chain, faucet, client } = served;
  const good = faucet.fund(chain, [pay(50_000n, alice)], feeratePerKw(253));
  const [input] = good.inputs;
  assert.ok(input);
  const unsigned = { ...good, inputs: [{ ...input, witness: [] }] };
  const nowhere = { ...good, inputs: [{ ...input, outPoint: { ...input.outPoint, index: 77 } }] };
  const cases: readonly (readonly [Transaction, RegExp])[] = [
    [unsigned, /mandatory-script-verify-flag-failed/],
    [nowhere, /bad-txns-inputs-missingorspent/],
    [{ ...good, version: 5 }, /version/],
    [{ ...good, locktime: 5_000, inputs: [{ ...input, sequence: 0 }] }, /non-final/],
    [faucet.fund(chain, [pay(100n, alice)], feeratePerKw(253)), /dust/],
    [faucet.fund(chain, [pay(50_000n, alice)], feeratePerKw(100)), /min relay fee not met, \d+ < \d+/],
  ];
  for (const [tx, reason] of cases) {
    const refusal = client.refusal("blockchain.transaction.broadcast", hexOf(tx));
    assert.equal(refusal?.code, 1);
    const [headline, , said, echo] = refusal?.message.split("\n") ?? [];
    assert.equal(headline, "the transaction was rejected by network rules.");
    assert.match(said ?? "", reason);
    assert.equal(echo, `[${hexOf(tx)}]`);
  }
  assert.equal(results.length, cases.length);
  assert.deepEqual(chain.mempool, []);
  for (const raw of ["", "00", "zz", "0", 5, null, `${hexOf(good)}00`]) {
    const refusal = client.refusal("blockchain.transaction.broadcast", raw);
    assert.equal(refusal?.code, 1, JSON.stringify(raw));
  }
  assert.equal(results.length, cases.length, "what is no transaction is not offered to the mempool");
});

test("blockchain.transaction.get gives what is in the chain or the mempool", () => {
  const served = servedChain();
  const { chain, client } = served;
  const tx = send(served, pay(5_000n, alice));
  assert.equal(client.ask("blockchain.transaction.get", txid(tx)), hexOf(tx));
  chain.mine();
  assert.equal(client.ask("blockchain.transaction.get", txid(tx).toUpperCase(), false), hexOf(tx));
  const unknown = client.refusal("blockchain.transaction.get", "11".repeat(32));
  assert.equal(unknown?.code, 2);
  assert.match(unknown?.message ?? "", /No such mempool or blockchain transaction/);
  assert.match(
    client.refusal("blockchain.transaction.get", "11")?.message ?? "",
    /should be a transaction hash/,
  );
  assert.equal(
    client.refusal("blockchain.transaction.get", txid(tx), 1)?.message,
    '"verbose" must be a boolean',
  );
});

test("a transaction in many words", () => {
  const served = servedChain();
  const { chain, client } = served;
  const tx = send(served, pay(5_000n, alice));
  const id = txid(tx);
  const look = () => client.ask("blockchain.transaction.get", id, true) as Record<string, unknown>;
  const waiting = look();
  const { vin, vout, ...facts } = waiting;
  assert.deepEqual(facts, {
    txid: id,
    hash: wtxid(tx),
    version: 2,
    size: hexOf(tx).length / 2,
    vsize: vsize(tx),
    weight: weight(tx),
    locktime: 0,
    hex: hexOf(tx),
  });
  const [input] = tx.inputs;
  assert.equal((vin as { txid: string }[])[0]?.txid, input?.outPoint.txid);
  const [output] = vout as { value: number; n: number; scriptPubKey: unknown }[];
  assert.deepEqual(output, {
    value: 0.00005,
    n: 0,
    scriptPubKey: {
      hex: `0014${"01".repeat(20)}`,
      address: "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t",
    },
  });
  const [block] = chain.mine(3);
  const mined = look();
  assert.equal(mined["blockhash"], block?.hash);
  assert.equal(mined["confirmations"], 3);
  assert.equal(mined["blocktime"], block?.block.header.time);
  const coinbase = client.ask("blockchain.transaction.get", block?.txids[0], true) as { vin: object[] };
  assert.deepEqual(Object.keys(coinbase.vin[0] ?? {}).sort(), ["coinbase", "sequence", "txinwitness"]);
});

test("a merkle proof leads from the transaction to the block", () => {
  const served = servedChain();
  const { chain, client } = served;
  for (let i = 0; i < 6; i++) send(served, pay(5_000n + BigInt(i), alice));
  const [mined] = chain.mine();
  assert.ok(mined);
  const { height, block, txids } = mined;
  assert.equal(txids.length, 7);
  for (const [pos, id] of txids.entries()) {
    const proof = client.ask("blockchain.transaction.get_merkle", id, height);
    const { merkle } = proof as { merkle: Txid[] };
    assert.deepEqual(proof, { block_height: height, merkle, pos });
    const tx = decodeTransaction(bytesOf(client.ask("blockchain.transaction.get", id)));
    assert.ok(verifyMerkleProof(tx, { position: pos, siblings: merkle }, block.header.merkleRoot));
    assert.equal(client.ask("blockchain.transaction.id_from_pos", height, pos), id);
    assert.deepEqual(client.ask("blockchain.transaction.id_from_pos", height, pos, true), {
      tx_hash: id,
      merkle,
    });
  }
  const [, id = ""] = txids;
  assert.deepEqual(client.refusal("blockchain.transaction.get_merkle", id, 3), {
    code: 1,
    message: `tx ${id} not in block at height 3`,
  });
  assert.deepEqual(client.refusal("blockchain.transaction.get_merkle", id, 999), {
    code: 1,
    message: "height 999 out of range",
  });
  assert.deepEqual(client.refusal("blockchain.transaction.id_from_pos", height, 7), {
    code: 1,
    message: `no tx at position 7 in block at height ${height}`,
  });
  assert.equal(client.refusal("blockchain.transaction.id_from_pos", height, 0, "yes")?.code, 1);
  assert.equal(client.refusal("blockchain.transaction.get_merkle", id, -1)?.code, 1);
});

test("the fee histogram has the dearest first, and nothing of a mempool that is nearly empty", () => {
  const served = servedChain();
  const { chain, faucet, client } = served;
  assert.deepEqual(client.ask("mempool.get_fee_histogram"), []);
  const rich = send(served, ...Array.from({ length: 30 }, () => pay(20_000_000n, faucet.script)));
  chain.mine();
  assert.deepEqual(client.ask("mempool.get_fee_histogram"), []);
  // Each of some 7,000 virtual bytes, dearer from one to the next.
  let size = 0;
  for (let i = 0; i < 30; i++) {
    const outputs = Array.from({ length: 220 }, () => pay(1_000n, alice));
    const fee = 10_000n * BigInt(i + 1);
    const change = pay(20_000_000n - 220_000n - fee, faucet.script);
    const tx = spend(served, { txid: txid(rich), transaction: rich }, i, [...outputs, change]);
    assert.ok(chain.submit(tx).ok);
    size += vsize(tx);
  }
  const histogram = client.ask("mempool.get_fee_histogram") as [number, number][];
  assert.ok(size > 2 * 100_000 && histogram.length === 1, `${size}: ${histogram.length} steps`);
  const [[feerate, step] = [0, 0]] = histogram;
  // The dearest fifteen fill the first step; the cheap end fills none.
  assert.ok(step > 100_000 && step < 110_000, `${step}`);
  assert.ok(feerate > 20 && feerate < 24, `${feerate}`);
});

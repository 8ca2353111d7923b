import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decodeBlock } from "@fulmen/bitcoin/block";
import { fromHex, type Sat, toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw } from "@fulmen/lightning/util";
import { Faucet, SimulatedChain } from "@fulmen/testkit";
import { Bitcoind, RpcError } from "#src/bitcoind/index";

installNodeCrypto();

describe("Bitcoin Core by its calls", () => {
  const faucet = new Faucet();
  const descriptor = `raw(${toHex(faucet.script)})`;
  let bitcoind: Bitcoind;
  /** What our rules make of its blocks. */
  const mirror = new SimulatedChain();

  before(async () => {
    bitcoind = await Bitcoind.start();
    for (const hash of await bitcoind.rpc.call("generatetodescriptor", 101, descriptor)) await take(hash);
  });

  after(() => bitcoind.stop());

  async function take(hash: string): Promise<void> {
    const connected = mirror.connectBlock(decodeBlock(fromHex(await bitcoind.rpc.call("getblock", hash, 0))));
    assert.ok(connected.ok, `our rules take ${hash}`);
    assert.equal(connected.value.hash, hash);
  }

  it("is a regtest chain whose blocks we take", async () => {
    const { chain, blocks, bestblockhash, mediantime } = await bitcoind.rpc.call("getblockchaininfo");
    assert.deepEqual(
      { chain, blocks, bestblockhash, mediantime },
      {
        chain: "regtest",
        blocks: 101,
        bestblockhash: mirror.tip.hash,
        mediantime: mirror.medianTime,
      },
    );
  });

  it("tests, takes and mines a transaction of ours, and gives it back", async () => {
    const { rpc } = bitcoind;
    const payment = { value: 100_000n as Sat, script: faucet.script };
    const tx = toHex(encodeTransaction(faucet.fund(mirror, [payment], feeratePerKw(1_000))));
    const [verdict] = await rpc.call("testmempoolaccept", [tx]);
    assert.equal(verdict?.allowed, true);
    const id = await rpc.call("sendrawtransaction", tx);
    assert.deepEqual(Object.keys(await rpc.call("getrawmempool", true)), [id]);
    const { hash } = await rpc.call("generateblock", descriptor, [id]);
    await take(hash);
    assert.equal(mirror.tip.txids[1], id);
    await rpc.call("invalidateblock", hash);
    assert.equal(await rpc.call("getrawtransaction", id), tx);
    await rpc.call("reconsiderblock", hash);
    assert.equal(await rpc.call("getbestblockhash"), hash);
    const [again] = await rpc.call("testmempoolaccept", [tx]);
    assert.equal(again?.allowed, false);
  });

  it("mines to an address", async () => {
    const [hash] = await bitcoind.rpc.call(
      "generatetoaddress",
      1,
      "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202",
    );
    assert.ok(hash);
    await take(hash);
    assert.equal(
      toHex(mirror.tip.block.transactions[0]?.outputs[0]?.script ?? new Uint8Array()),
      `0014${"00".repeat(20)}`,
    );
  });

  it("has no idea of fees on a chain without payments", async () => {
    const { feerate, errors } = await bitcoind.rpc.call("estimatesmartfee", 6);
    assert.equal(feerate, undefined);
    assert.equal(errors?.length, 1);
  });

  it("refuses in words and with a code", async () => {
    await assert.rejects(bitcoind.rpc.call("getblock", "00".repeat(32), 0), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.code, error.message], [-5, "Block not found"]);
      return true;
    });
  });
});

describe("Bitcoin Core that is not there", () => {
  it("is missed", async () => {
    await assert.rejects(Bitcoind.start(""), /BITCOIND is not set/);
    await assert.rejects(Bitcoind.start("/nowhere/bitcoind"), /does not exist: \/nowhere\/bitcoind/);
    await assert.rejects(
      Bitcoind.start(process.execPath),
      /bitcoind does not start: ended with 9\n.*bad option/s,
    );
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { p2a } from "@fulmen/bitcoin/script";
import { encodeTransaction, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw, present, sat, toHex } from "@fulmen/lightning/util";
import { Faucet, inputOf } from "@fulmen/testkit";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { BitcoindChain, BlockingBitcoind, RpcError } from "#src/bitcoind/index";

installNodeCrypto();

/** What came of a call: its result, or its error's code and message. */
type Outcome = { readonly result: unknown } | { readonly error: readonly [code: number, message: string] };

describe("testkit's server answers as Bitcoin Core does", () => {
  const faucet = new Faucet(1);
  const owner = new Faucet(78);
  let node: BlockingBitcoind;
  let chain: BitcoindChain;
  let server: BitcoindServer;

  before(async () => {
    node = await BlockingBitcoind.start();
    chain = new BitcoindChain(node, { payTo: faucet.script });
    chain.mine(120);
    server = new BitcoindServer(chain);
  });

  after(() => chain.stop());

  function core(method: string, params: readonly unknown[]): Outcome {
    try {
      return { result: node.call(method as never, ...(params as never)) };
    } catch (error) {
      assert.ok(error instanceof RpcError, String(error));
      return { error: [error.code, error.message] };
    }
  }

  async function ours(method: string, params: readonly unknown[]): Promise<Outcome> {
    const body = new Uint8Array(Buffer.from(JSON.stringify({ id: 1, method, params })));
    const authorization = `Basic ${Buffer.from(server.credentials).toString("base64")}`;
    const request = { method: "POST", path: "/", headers: { authorization }, body };
    const answer = await server.answer(request, new AbortController().signal);
    const { result, error } = JSON.parse(String(answer.body));
    return error === undefined ? { result } : { error: [error.code, error.message] };
  }

  /** Everything that we say, Core says as well; it may say more. */
  function assertSaid(said: unknown, more: unknown, what: string): void {
    if (typeof said !== "object" || said === null || Array.isArray(said)) {
      assert.deepEqual(said, more, what);
      return;
    }
    for (const [key, value] of Object.entries(said))
      assertSaid(value, (more as Readonly<Record<string, unknown>>)[key], `${what}: ${key}`);
  }

  async function same(method: string, ...params: readonly unknown[]): Promise<Outcome> {
    const [said, more] = [await ours(method, params), core(method, params)];
    assertSaid(said, more, `${method} ${JSON.stringify(params).slice(0, 200)}`);
    return said;
  }

  function hexOf(transaction: Transaction): string {
    return toHex(encodeTransaction(transaction));
  }

  it("of blocks", async () => {
    const unknown = "ab".repeat(32);
    const block = present(chain.blockAt(57), "block 57");
    chain.reorg(2);
    const left = chain.blocksSince(chain.locator()).forkPoint;
    for (const height of [0, 57, chain.tip.height, chain.tip.height + 1]) await same("getblockhash", height);
    await same("getbestblockhash");
    for (const hash of [block.hash, left.hash, unknown]) {
      await same("getblockheader", hash);
      await same("getblockheader", hash, false);
      await same("getblock", hash, 0);
      await same("getblock", hash, 1);
    }
    await same("waitforblockheight", 3, 1);
    await same("waitforblockheight", 10_000, 20);
  });

  it("of branches that the chain left", async () => {
    chain.mine(1);
    const { hash } = chain.tip;
    chain.reorg(1);
    const said = await same("getblockheader", hash);
    assert.ok("result" in said);
    assert.equal((said.result as { readonly confirmations: number }).confirmations, -1);
    await same("getblock", hash, 0);
  });

  it("of transactions and outputs", async () => {
    const payment = faucet.fund(chain, [{ value: sat(123_456n), script: owner.script }], feeratePerKw(1_000));
    assert.ok(chain.submit(payment).ok);
    const id = txid(payment);
    await same("getrawmempool", false);
    await same("getrawtransaction", id, false);
    await same("gettxout", id, 0, false);
    await same("sendrawtransaction", hexOf(payment), 0);
    chain.mine();
    await same("getrawtransaction", id, false);
    await same("getrawtransaction", "ab".repeat(32), false);
    for (const index of [0, 1, 7]) await same("gettxout", id, index, false);
    await same("sendrawtransaction", hexOf(payment), 0);
    await same("sendrawtransaction", "00ff", 0);
    const input = {
      input: inputOf({ txid: id, index: 9 }),
      output: { value: sat(5_000n), script: owner.script },
    };
    await same("sendrawtransaction", hexOf(owner.spend([input], [input.output])), 0);
  });

  it("of packages", async () => {
    const coin = present(faucet.spendable(chain)[0], "a coin");
    const outputs = [
      { value: coin.output.value, script: owner.script },
      { value: sat(0n), script: p2a() },
    ];
    const parent = faucet.spend([{ input: inputOf(coin.outPoint), output: coin.output }], outputs, {
      version: 3,
    });
    const spent = outputs.map((output, index) => ({ input: inputOf({ txid: txid(parent), index }), output }));
    const child = (fee: bigint): Transaction =>
      owner.spend(spent, [{ value: sat(coin.output.value - fee), script: owner.script }], { version: 3 });
    const alone = await same("sendrawtransaction", hexOf(parent), 0);
    assert.ok("error" in alone);
    const [raw, cheap, dear] = [hexOf(parent), hexOf(child(1n)), hexOf(child(10_000n))];
    for (const each of [cheap, dear]) {
      const [said, more] = [
        core("submitpackage", [[raw, each], 0]),
        await ours("submitpackage", [[raw, each], 0]),
      ];
      chain.followMempool();
      assert.ok("result" in said && "result" in more);
      const [theirs, our] = [said.result, more.result] as { readonly package_msg: string }[];
      assert.equal(our?.package_msg, theirs?.package_msg);
      assert.equal(our?.package_msg === "success", each === dear);
    }
  });

  it("of itself", async () => {
    await same("estimatesmartfee", 6, "ECONOMICAL");
    await same("getmempoolinfo");
    await same("getblockchaininfo");
    await same("nosuchmethod");
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { inputOf } from "@fulmen/testkit/wallet";
import { ElectrumTestClient, hexOf, scriptOf, servedChain } from "./electrumTestClient.ts";

/** A server of 1.6 with a client that speaks it. */
function served16(onBroadcast: (id: string, ok: boolean) => void = () => {}) {
  const { chain, faucet, server } = servedChain({
    newestProtocol: "1.6",
    onBroadcast: (transaction, { ok }) => onBroadcast(txid(transaction), ok),
  });
  const client = new ElectrumTestClient(server, "is silent");
  const [, protocol] = client.ask("server.version", "test", ["1.4", "1.6"]) as [string, string];
  assert.equal(protocol, "1.6");
  return { chain, faucet, server, client };
}

test("headers come as a list, and the mempool's minimum by another name", () => {
  const { client, server } = served16();
  const old = new ElectrumTestClient(server);
  const { hex } = old.ask("blockchain.block.headers", 1, 3) as { hex: string };
  const { headers, count } = client.ask("blockchain.block.headers", 1, 3) as {
    headers: readonly string[];
    count: number;
  };
  assert.equal(headers.join(""), hex);
  assert.equal(count, 3);
  assert.equal((client.ask("mempool.get_info") as { mempoolminfee: number }).mempoolminfee, 0.00001);
  assert.equal(client.refusal("blockchain.relayfee")?.code, -32_601);
  assert.equal(old.refusal("mempool.get_info")?.code, -32_601);
  assert.equal(old.refusal("blockchain.transaction.broadcast_package", [])?.code, -32_601);
});

test("a child pays for its parent in a package", () => {
  const heard: (readonly [string, boolean])[] = [];
  const { chain, faucet, client } = served16((...each) => heard.push(each));
  const [coin] = faucet.spendable(chain);
  assert.ok(coin);
  const outputs = [
    { value: coin.output.value, script: faucet.script },
    { value: 0n as Sat, script: p2a() },
  ];
  const parent = faucet.spend([{ input: inputOf(coin.outPoint), output: coin.output }], outputs, {
    version: 3,
  });
  const childOf = (fee: bigint): Transaction => {
    const spent = outputs.map((output, index) => ({ input: inputOf({ txid: txid(parent), index }), output }));
    const value = (coin.output.value - fee) as Sat;
    return faucet.spend(spent, [{ value, script: scriptOf(1) }], { version: 3 });
  };
  const submit = (...all: readonly Transaction[]) =>
    client.reply("blockchain.transaction.broadcast_package", [all.map(hexOf)]);
  const poor = submit(parent, childOf(1n)).result as { success: boolean; errors: { error: string }[] };
  assert.equal(poor.success, false);
  assert.match(poor.errors[0]?.error ?? "", /fee/);
  assert.deepEqual(chain.mempool, []);
  const rich = childOf(10_000n);
  for (let time = 0; time < 2; time++) assert.deepEqual(submit(parent, rich).result, { success: true });
  assert.deepEqual(chain.mempool, [txid(parent), txid(rich)]);
  assert.deepEqual(heard.slice(1, 3), [
    [txid(parent), true],
    [txid(rich), true],
  ]);
  assert.match(submit(parent).error?.message ?? "", /package topology disallowed/);
});

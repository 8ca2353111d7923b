import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { msat, sat } from "@fulmen/lightning/util";
import { Node, type NodeOptions } from "@fulmen/node";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { PracticeChain } from "@fulmen/testkit/chainSource";
import { HttpService } from "@fulmen/testkit/sockets";
import { ChildNode } from "./support/childNode.ts";
import { until } from "./support/playfield.ts";

const folder = mkdtempSync(join(tmpdir(), "fulmen-node-"));

/** A Bitcoin Core for other processes. */
async function serve(practice: PracticeChain) {
  const server = new BitcoindServer(practice.chain);
  const service = await HttpService.listen((request, signal) => server.answer(request, signal));
  const timer = setInterval(() => server.update(), 10);
  return {
    url: `http://127.0.0.1:${service.port}`,
    async close(): Promise<void> {
      clearInterval(timer);
      await service.close();
    },
  };
}

/** A port that the node can have again after it was killed. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

test("a node is killed twice with a channel, goes on from its SQLite store, closes, and its ledger fits", async () => {
  const practice = new PracticeChain();
  const bitcoind = await serve(practice);
  const common = { network: "regtest", development: { forwardAtOnce: true, reconnectDelay: 20 } } as const;
  const bobOptions: NodeOptions = {
    ...common,
    seed: new Uint8Array(32).fill(2),
    storage: { sqlite: join(folder, "bob.sqlite") },
    chain: { bitcoind: { url: bitcoind.url, user: "fulmen", password: "secret" } },
    listen: { port: await freePort() },
  };
  const alice = await Node.create({
    ...common,
    seed: new Uint8Array(32).fill(1),
    storage: { sqlite: join(folder, "alice.sqlite") },
    chain: practice.source(),
  });
  let bob = await ChildNode.start(bobOptions);
  const again = async (): Promise<void> => {
    await bob.kill();
    bob = await ChildNode.start(bobOptions);
    await until(() => alice.status().channels.usable === 1, "the channel is usable again");
  };
  try {
    await practice.pay(await alice.onchain.address(), sat(2_000_000));
    await practice.pay(bob.address, sat(2_000_000));
    await until(async () => (await bob.call("balances")).onchain.spendable.amount > 0n, "bob's coins");
    const { channelId } = await alice.openChannel({ peer: bob.uri, amount: sat(1_000_000) });
    await until(() => practice.chain.mempool.length === 1, "the funding");
    await practice.mine(6);
    await until(() => alice.status().channels.usable === 1, "the channel is usable");

    const first = await bob.call("receive", { amount: msat(300_000_001) });
    await alice.pay(first.invoice);
    await again();
    const second = await alice.receive({ amount: msat(7_000_001) });
    assert.equal((await bob.call("pay", second.invoice)).status, "succeeded");

    // Killed while a payment is on its way, which then arrives.
    const third = await bob.call("receive", { amount: msat(11_000_000) });
    const paying = alice.pay(third.invoice);
    await again();
    assert.equal((await paying).status, "succeeded");
    const received = async () => {
      const known = await bob.call("payments", { status: "succeeded", direction: "received" });
      return known.filter(({ kind }) => kind === "bolt11").map(({ amount }) => amount);
    };
    // Alice knows it as soon as she has the preimage, bob when he no longer depends on her.
    await until(async () => (await received()).length === 2, "bob's payments");
    assert.deepEqual(await received(), [11_000_000n, 300_000_001n]);

    await alice.closeChannel(channelId);
    await until(() => practice.chain.mempool.length > 0, "the closing transaction");
    const hasAll = async (): Promise<boolean> => {
      await practice.mine();
      const { height } = practice.chain.tip;
      await until(async () => (await bob.call("status")).chain.height === height, "bob at the tip");
      const { closing, onchain } = await bob.call("balances");
      const isThere = (await bob.call("payments")).every(({ status }) => status === "succeeded");
      return (
        isThere &&
        closing.length === 0 &&
        onchain.pending.length === 0 &&
        alice.balances().closing.length === 0
      );
    };
    await until(hasAll, "what the channel left is in the wallets");
    const expected = 2_000_000_000n + 300_000_001n - 7_000_001n + 11_000_000n;
    const balances = await bob.call("balances");
    // What a block brought is booked when the store has it.
    const isBooked = async () => new Map(await bob.call("ledgerAccounts")).get("wallet") === balances.total;
    await until(isBooked, "the wallet's account fits");
    const accounts = new Map(await bob.call("ledgerAccounts"));
    const mining = accounts.get("fees/mining") ?? 0n;
    assert.equal(balances.total + mining, expected, "what came and went, to the millisatoshi");
    assert.equal(
      [...accounts.values()].reduce((sum, one) => sum + one, 0n),
      0n,
    );
    assert.equal(accounts.get("unexplained"), undefined);
    await bob.call("stop").catch(() => undefined);
  } finally {
    await bob.kill();
    await alice.stop();
    await bitcoind.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { msat, sat } from "@fulmen/lightning/util";
import { type Node, NodeError } from "@fulmen/node";
import { booked, Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
let alice: Node;
let bob: Node;

before(async () => {
  alice = await field.start("alice");
  bob = await field.start("bob");
});
after(() => field.stop());

/** The books of both say what they have. */
async function booksFit(): Promise<void> {
  for (const node of [alice, bob]) {
    await until(
      () => booked(node) === node.balances().total,
      `the ledger of ${node.status().alias} fits: ${booked(node)} and ${node.balances().total}`,
    );
    const accounts = node.ledgerAccounts();
    assert.equal(
      [...accounts.values()].reduce((sum, amount) => sum + amount, 0n),
      0n,
      "every entry is balanced",
    );
    assert.equal(accounts.get("unexplained") ?? 0n, 0n);
  }
}

test("a channel without money says how much is missing", async () => {
  const request = { peer: bob.status().uri ?? "", amount: sat(1_000_000) };
  await assert.rejects(alice.openChannel(request), (error: unknown) => {
    assert.ok(error instanceof NodeError);
    assert.equal(error.code, "insufficient-funds");
    const { missingSat } = error.details;
    assert.equal(missingSat, 1_000_000n);
    return true;
  });
});

test("a channel is opened, used in both directions, and closed, and every millisatoshi is booked", async () => {
  await field.fund(alice);
  await field.fund(bob);
  const push = msat(100_000_000);
  const { channelId } = await alice.openChannel({
    peer: bob.status().uri ?? "",
    amount: sat(1_000_000),
    push,
  });
  await until(() => alice.onchain.history().length === 2, "the funding in the wallet");
  await booksFit();
  await field.mine(6);
  await until(() => [alice, bob].every((node) => node.status().channels.usable === 1), "a usable channel");

  const { invoice } = await bob.receive({ amount: msat(12_345_678), description: "tea" });
  const paid = await alice.pay(invoice);
  assert.equal(paid.status, "succeeded");
  assert.equal(paid.fee, 0n);
  await until(
    async () => (await bob.payments({ status: "succeeded" })).some(({ kind }) => kind === "bolt11"),
    "bob's",
  );
  const back = await alice.receive({ amount: msat(1_000_001) });
  await bob.pay(back.invoice);
  await until(() => alice.balances().lightning.sending.amount === 0n, "the end of the HTLC");
  await booksFit();

  await alice.closeChannel(channelId);
  await until(() => field.chain.mempool.length > 0, "the closing transaction");
  for (let block = 0; block < 9; block++) {
    await field.mine(1);
    await booksFit();
  }
  assert.deepEqual(alice.balances().closing, []);
  assert.equal(alice.balances().total, BigInt(alice.balances().onchain.total) * 1_000n);
});

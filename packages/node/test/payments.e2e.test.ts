import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { feeratePerKw, msat, plus, sat, type Txid } from "@fulmen/lightning/util";
import { Node, NodeError } from "@fulmen/node";
import { booked, Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
const txidOfNothing = "00".repeat(32) as Txid;
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

test("a peer that came to us is shown with the address that it came from", async () => {
  await alice.connect(bob.uri);
  await until(() => bob.peers().length === 1, "the connection at bob's");
  const [{ address = "", isKept, isInbound } = assert.fail("no peer")] = bob.peers();
  assert.match(address, /^127\.0\.0\.1:[0-9]+$/);
  assert.notEqual(address, alice.status().listening);
  assert.deepEqual([isKept, isInbound], [false, true]);
  assert.equal(alice.peers()[0]?.address, bob.status().listening);
});

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
  await until(() => field.chain.mempool.length === 1, "the funding on its way");
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

test("a held payment waits for its user, a failed one goes back, and the events tell it to whoever reads them", async () => {
  await field.fund(alice);
  const start = bob.lastEventIndex;
  await alice.openChannel({ peer: bob.uri, amount: sat(500_000) });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await until(() => [alice, bob].every((node) => node.status().channels.usable === 1), "a usable channel");

  const kept = await bob.receive({ amount: msat(50_000_000), hold: true });
  const sent = await alice.pay(kept.invoice, { returnAtOnce: true });
  await until(async () => (await bob.payment(kept.paymentHash))?.status === "held", "the payment is held");
  assert.equal((await alice.payment(sent.id))?.status, "pending");
  const waitsFor = (node: Node) => node.channels().flatMap(({ htlcs }) => htlcs)[0]?.explanation ?? "";
  assert.match(waitsFor(alice), /^our payment: no answer.* by force at block \d+$/);
  assert.match(waitsFor(bob), /^held for you: claim it or send it back; .* at block \d+$/);
  assert.equal(alice.balances().lightning.sending.amount, 50_000_000n);
  assert.equal(bob.balances().lightning.receiving.amount, 50_000_000n);
  await booksFit();
  assert.equal((await bob.claim(kept.paymentHash)).status, "succeeded");
  await assert.rejects(alice.pay(kept.invoice), { code: "duplicate-payment" });

  const refused = await bob.receive({ amount: msat(60_000_000), hold: true });
  const paying = alice.pay(refused.invoice);
  await until(async () => (await bob.payment(refused.paymentHash))?.status === "held", "the second is held");
  assert.equal((await bob.failHeld(refused.paymentHash)).status, "failed");
  await assert.rejects(paying, (error: unknown) => {
    assert.ok(error instanceof NodeError);
    const { reason } = error.details;
    return error.code === "payment-failed" && reason === "recipient-rejected";
  });

  const kinds: string[] = [];
  for await (const { event } of bob.events({ after: start })) {
    kinds.push(event.kind);
    if (event.kind === "forward-failed") break;
  }
  const told = kinds.filter((kind) => kind !== "onchain-transaction" && kind !== "close-settled");
  const wanted = [
    "channel-pending",
    "channel-ready",
    "payment-held",
    "payment-received",
    "payment-held",
    "forward-failed",
  ];
  assert.deepEqual(told, wanted);
  await booksFit();
});

test("coins are sent, the fee is raised, and the reserve stays", async () => {
  const address = await bob.onchain.address();
  const paid = await alice.pay(`bitcoin:${address}?amount=0.001`);
  assert.equal(paid.amount, 100_000_000n);
  const bumped = await alice.onchain.bump(paid.txid ?? txidOfNothing, feeratePerKw(4_000));
  await field.mine(1);
  await booksFit();
  assert.equal((await alice.payment(paid.id))?.status, "failed");
  assert.equal((await alice.payment(bumped.txid))?.status, "succeeded");
  assert.equal((await bob.payment(bumped.txid))?.direction, "received");

  const own = await alice.onchain.address();
  await assert.rejects(alice.pay(`bitcoin:${own}?amount=0.001`), { code: "invalid-destination" });

  const before = alice.balances().onchain;
  const dear = { feerate: feeratePerKw(1_000_000), spendReserve: true };
  await assert.rejects(alice.onchain.send({ address, amount: sat(5_000), ...dear }), (error: unknown) => {
    assert.ok(error instanceof NodeError);
    return error.code === "invalid-amount" && Number(error.details["feeSat"]) > 500_000;
  });
  assert.deepEqual(alice.balances().onchain, before);

  const { reserved, spendable } = alice.balances().onchain;
  await assert.rejects(
    alice.onchain.send({ address, amount: plus(spendable.amount, sat(1)) }),
    (error: unknown) => {
      assert.ok(error instanceof NodeError);
      const { reserveSat } = error.details;
      return error.code === "anchor-reserve" && reserveSat === reserved.amount;
    },
  );
  const { txid } = await alice.onchain.send({ address, amount: "all" });
  assert.ok(alice.balances().onchain.total >= reserved.amount);
  assert.ok(alice.balances().onchain.spendable.amount < 100n);
  await assert.rejects(alice.onchain.bump(txid, feeratePerKw(4_000)), { code: "anchor-reserve" });
  await alice.onchain.bump(txid, feeratePerKw(4_000), { spendReserve: true });
  await field.mine(1);
  await booksFit();
  assert.ok(alice.balances().onchain.total < reserved.amount, "the user said so");
});

test("a route is explained, and what cannot be paid, too", async () => {
  const { invoice } = await bob.receive({ amount: msat(20_000_000) });
  const found = await alice.explainRoute(invoice);
  assert.equal(found.paths[0]?.hops.at(-1)?.nodeId, bob.nodeId);
  const large = await bob.receive({ amount: msat(900_000_000_000) });
  const none = await alice.explainRoute(large.invoice);
  assert.equal(none.found, false);
  assert.notEqual(none.text, "");
  await assert.rejects(alice.pay(large.invoice), { code: "payment-failed" });
  const { signature } = alice.signMessage("hello");
  assert.equal(bob.verifyMessage("hello", signature), alice.nodeId);
});

test("coins that come while a new node is off are seen when it is back", async () => {
  const storage = { sqlite: join(mkdtempSync(join(tmpdir(), "fulmen-off-")), "node.sqlite") };
  const first = await Node.create(field.options("dora", { storage }));
  const address = await first.onchain.address();
  await first.stop();
  await bob.onchain.send({ address, amount: sat(20_000) });
  await field.mine(3);
  const again = await Node.create(field.options("dora", { storage }));
  assert.equal(again.balances().onchain.total, 20_000n);
  await again.stop();
});

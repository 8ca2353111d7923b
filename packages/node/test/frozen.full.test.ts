// timeout: 60 s
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { KVStore } from "@fulmen/lightning/chain";
import { msat, sat } from "@fulmen/lightning/util";
import { NodeError } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

/** A store that takes nothing while it is told to. */
class FlakyStore extends MemoryStore {
  isFull = false;

  override commit(...parameters: Parameters<KVStore["commit"]>): Promise<void> {
    return this.isFull ? Promise.reject(new Error("disk full")) : super.commit(...parameters);
  }
}

test("who pays while the store fails is told so in time; what was not begun then is never sent, and can be paid again", async () => {
  const storage = new FlakyStore();
  const alice = await field.start("alice", { storage });
  const bob = await field.start("bob");
  await field.fund(alice);
  const opened = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opened;
  const { invoice, paymentHash } = await bob.receive({ amount: msat(100_000_000) });
  storage.isFull = true;
  const begun = performance.now();
  await Promise.all([
    assert.rejects(alice.pay(invoice), { code: "frozen" }),
    assert.rejects(
      alice.connect(`${bob.nodeId}@127.0.0.1:1`).then(() => alice.disconnect(bob.nodeId)),
      {
        code: "frozen",
      },
    ),
  ]);
  assert.ok(performance.now() - begun < 15_000);
  assert.equal(alice.status().failure, "disk full");
  storage.isFull = false;
  await until(async () => (await alice.payment(paymentHash))?.status === "failed", "given up", 30);
  await until(() => alice.status().phase === "running", "running", 30);
  assert.equal(alice.status().failure, undefined);
  assert.equal((await bob.payment(paymentHash))?.status, "pending");
  await alice.connect(bob.uri);
  await until(() => alice.channels()[0]?.isUsable === true, "the channel", 20);
  assert.equal((await alice.pay(invoice)).status, "succeeded");
  const sent = await alice.payments({ direction: "sent" });
  assert.deepEqual(
    sent.filter((one) => one.kind === "bolt11").map(({ status }) => status),
    ["succeeded", "failed"],
  );
});

test("who waits for a payment when the store begins to fail is told so in time, and finds it later", async () => {
  const storage = new FlakyStore();
  const carol = await field.start("carol", { storage });
  const dave = await field.start("dave");
  await field.fund(carol);
  const opened = carol.openChannel({ peer: dave.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opened;
  const { invoice, paymentHash } = await dave.receive({ amount: msat(100_000_000), hold: true });
  const paid = carol.pay(invoice);
  await until(async () => (await dave.payment(paymentHash))?.status === "held", "held");
  storage.isFull = true;
  await field.mine(1).catch(() => undefined);
  await assert.rejects(paid, { code: "frozen", details: { paymentId: paymentHash } });
  storage.isFull = false;
  await until(() => carol.status().phase === "running", "running", 30);
  await until(() => carol.channels()[0]?.isUsable === true, "the channel", 20);
  await dave.claim(paymentHash);
  await until(async () => (await carol.payment(paymentHash))?.status === "succeeded", "succeeded", 20);
});

test("who pays on chain while the store fails is told which payment it is, which goes out once when the store works", async () => {
  const storage = new FlakyStore();
  const fred = await field.start("fred", { storage });
  const gina = await field.start("gina");
  await field.fund(fred);
  const address = await gina.onchain.address();
  storage.isFull = true;
  const error = await fred.pay(`bitcoin:${address}?amount=0.001`).then(
    () => assert.fail("paid"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof NodeError);
  const { paymentId = "" } = error.details;
  assert.deepEqual([error.code, error.details], ["frozen", { txid: paymentId, paymentId }]);
  assert.equal(field.chain.mempool.length, 0);
  storage.isFull = false;
  await until(() => fred.status().phase === "running", "running", 30);
  await field.mine(2);
  await until(async () => (await fred.payment(`${paymentId}`))?.status === "succeeded", "paid", 20);
  assert.equal(gina.balances().onchain.total, 100_000n);
});

test("a node of which only the user's records cannot be stored is frozen, too", async () => {
  const storage = new FlakyStore();
  const erin = await field.start("erin", { storage });
  storage.isFull = true;
  const asked = erin.receive({ amount: msat(1_000) });
  await until(() => erin.status().phase === "frozen", "frozen");
  assert.equal(erin.status().failure, "disk full");
  await assert.rejects(erin.receive({ amount: msat(2_000) }), { code: "frozen", message: /: disk full$/ });
  storage.isFull = false;
  const { paymentHash } = await asked;
  const { phase, failure } = erin.status();
  assert.deepEqual([phase, failure], ["running", undefined]);
  assert.equal((await erin.payment(paymentHash))?.status, "pending");
});

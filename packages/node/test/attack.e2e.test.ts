import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import type { KvWrite } from "@fulmen/lightning/chain";
import { type Bytes32, msat, type PaymentHash, type PaymentId, sat } from "@fulmen/lightning/util";
import { Node, NodeError } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

/** Refuses batches on request. */
class MoodyStore extends MemoryStore {
  refuses: (batch: readonly KvWrite[]) => boolean = () => false;

  delay: (batch: readonly KvWrite[]) => number = () => 0;

  override async commit(batch: readonly KvWrite[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.delay(batch)));
    if (this.refuses(batch)) throw new Error("disk full");
    await super.commit(batch);
  }
}

const codeOf = (promise: Promise<unknown>): Promise<NodeError | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof NodeError, String(error));
      return error;
    },
  );

describe("a node whose store does not take anything", () => {
  it("pays nothing on chain while it is frozen, however often it is asked", async () => {
    const storage = new MoodyStore();
    const node = await field.start("frozen", { storage });
    await field.fund(node);
    const address = await node.onchain.address();
    storage.refuses = () => true;
    const first = await codeOf(node.onchain.send({ address, amount: sat(10_000) }));
    assert.equal(first?.code, "frozen");
    assert.match(
      String(first?.details["txid"]),
      /^[0-9a-f]{64}$/,
      "what is made goes out later: its id is told",
    );
    await until(() => node.status().phase === "frozen", "frozen");
    for (let i = 0; i < 3; i++)
      assert.equal((await codeOf(node.onchain.send({ address, amount: sat(10_000) })))?.code, "frozen");
    storage.refuses = () => false;
    await until(() => node.status().phase === "running", "running");
    assert.equal(node.onchain.history().length, 2, "the deposit, and one payment");
    await until(() => field.chain.mempool.length === 1, "what was made goes out");
    await field.mine(1);
    await node.stop();
  });
});

describe("a channel whose peer fails in the middle of its opening", () => {
  it("leaves the coins free, and says that it failed", async () => {
    const storage = new MoodyStore();
    const alice = await field.start("opener");
    const bob = await field.start("peer", { storage });
    await field.fund(alice);
    storage.refuses = (batch) => batch.some(({ key }) => key.startsWith("monitor"));
    const before = alice.balances().onchain.spendable.amount;
    const failure = await codeOf(alice.openChannel({ peer: bob.uri, amount: sat(1_000_000) }));
    assert.equal(failure?.code, "open-failed");
    storage.refuses = () => false;
    assert.equal(alice.balances().onchain.spendable.amount, before);
    const { txid } = await alice.onchain.send({
      address: await alice.onchain.address(),
      amount: sat(1_500_000),
    });
    assert.ok(txid);
    await field.mine(1);
    await Promise.all([alice.stop(), bob.stop()]);
  });

  it("leaves the coins free when the opener dies", async () => {
    const storage = new MoodyStore();
    const [store, peerStore] = [new MemoryStore(), storage];
    const alice = await field.start("dying", { storage: store });
    const bob = await field.start("waiting", { storage: peerStore });
    await field.fund(alice);
    const before = alice.balances().onchain.spendable.amount;
    let isAsked = false;
    storage.delay = (batch) => {
      isAsked ||= batch.some(({ key }) => key.startsWith("monitor"));
      return isAsked ? 300 : 0;
    };
    const opening = codeOf(alice.openChannel({ peer: bob.uri, amount: sat(1_000_000) }));
    await until(() => isAsked, "the peer has our signature");
    const left = new MemoryStore();
    const rows = await store.scan("", undefined, 100_000);
    assert.ok(
      rows.some(({ key }) => key.startsWith("wallet/lock/")),
      "the reservation is stored",
    );
    await left.commit(rows);
    await Promise.all([alice.stop(), bob.stop(), opening]);
    const again = await field.start("dying", { storage: left });
    assert.equal(again.balances().onchain.spendable.amount, before);
    await again.stop();
  });
});

describe("stopping", () => {
  it("twice at once waits for the end both times", async () => {
    let closed = false;
    class SlowStore extends MemoryStore {
      override async close(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 50));
        closed = true;
      }
    }
    const node = await Node.create(field.options("slow", { storage: new SlowStore() }));
    const first = node.stop();
    await node.stop();
    assert.ok(closed);
    await first;
  });
});

describe("payments", () => {
  it("on chain are known at once, whatever else goes on", async () => {
    const storage = new MoodyStore();
    const [alice, bob] = [await field.start("a1", { storage }), await field.start("b1")];
    await field.fund(alice);
    await field.fund(alice);
    await field.fund(alice);
    const opening = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
    await until(() => field.chain.mempool.length > 0, "the funding");
    await field.mine(6);
    await opening;
    storage.delay = (batch) => (batch.some(({ key }) => key.startsWith("journal/")) ? 20 : 0);
    const paying = Array.from({ length: 20 }, async () => {
      const { invoice } = await bob.receive({ amount: msat(10_000_000) });
      return alice.pay(invoice);
    });
    await until(
      async () => (await alice.payments({ status: "succeeded", direction: "sent" })).length > 3,
      "some",
    );
    const address = await bob.onchain.address();
    for (let i = 0; i < 5; i++) {
      const paid = await alice.pay(address, { amount: msat(20_000_000) });
      assert.equal(paid.kind, "onchain");
    }
    await Promise.all(paying);
    storage.delay = () => 0;
    // Held payments
    const preimages = [1, 2].map((n) => new Uint8Array(32).fill(n) as Bytes32);
    const hashes = preimages.map((one) => createHash("sha256").update(one).digest("hex") as PaymentHash);
    const held = await Promise.all(
      hashes.map((paymentHash) => bob.receive({ amount: msat(1_000_000), paymentHash })),
    );
    const waiting = held.map(({ invoice }) => alice.pay(invoice));
    await until(async () => (await bob.payments({ status: "held" })).length === 2, "held");
    const wrong = await codeOf(bob.claim(hashes[0] as PaymentHash, preimages[1]));
    assert.equal(wrong?.code, "invalid-request");
    assert.equal((await bob.payment(hashes[1] as string))?.status, "held", "another payment is not claimed");
    for (const [i, hash] of hashes.entries())
      assert.equal((await bob.claim(hash, preimages[i])).status, "succeeded");
    await Promise.all(waiting);
    const { invoice } = await bob.receive({ amount: msat(1_000_000) });
    const odd = await codeOf(alice.pay(invoice, { paymentId: "../x" as never }));
    assert.equal(odd?.code, "invalid-request");
    await Promise.all([alice.stop(), bob.stop()]);
  });
});

describe("an invoice that was tried before", () => {
  it("is not paid again while a later try is under way, nor when that has succeeded", async () => {
    const alice = await field.start("trier");
    const bob = await field.start("holder");
    await field.fund(alice);
    const { invoice, paymentHash } = await bob.receive({ amount: msat(50_000_000), hold: true });
    assert.equal((await codeOf(alice.pay(invoice)))?.code, "payment-failed");
    const opening = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
    await until(() => field.chain.mempool.length > 0, "the funding");
    await field.mine(6);
    await opening;
    const second = await alice.pay(invoice, { returnAtOnce: true });
    await until(async () => (await bob.payment(paymentHash))?.status === "held", "held");
    const other = "11".repeat(32) as PaymentId;
    assert.equal((await codeOf(alice.pay(invoice, { returnAtOnce: true })))?.code, "duplicate-payment");
    assert.equal((await codeOf(alice.pay(invoice, { paymentId: other })))?.code, "duplicate-payment");
    await bob.claim(paymentHash);
    await until(async () => (await alice.payment(second.id))?.status === "succeeded", "paid");
    const refusal = await codeOf(alice.pay(invoice));
    assert.equal(refusal?.code, "duplicate-payment");
    assert.equal(refusal?.details["paymentId"], second.id);
    assert.equal((await alice.payments({ direction: "sent", status: "succeeded" })).length, 1);
    await Promise.all([alice.stop(), bob.stop()]);
  });
});

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { KvWrite } from "@fulmen/lightning/chain";
import { msat, sat } from "@fulmen/lightning/util";
import { Node } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

/** Remembers each commit; fails on request. */
class WatchedStore extends MemoryStore {
  readonly commits: (readonly KvWrite[])[] = [];
  isFull = false;

  override async commit(batch: readonly KvWrite[]): Promise<void> {
    if (this.isFull) throw new Error("disk full");
    await super.commit(batch);
    this.commits.push(batch);
  }
}

test("whatever was durable when a node died, no payment is booked or told of twice, and a full disk freezes it only", async () => {
  const storage = new WatchedStore();
  const alice = await field.start("alice");
  const bob = await field.start("bob", { storage });
  await field.fund(alice);
  await field.fund(bob);
  const opening = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opening;
  const { invoice, paymentHash } = await bob.receive({ amount: msat(5_000_000) });
  const before = storage.commits.length;
  await alice.pay(invoice);
  await until(async () => (await bob.payment(paymentHash))?.status === "succeeded", "the payment");
  await until(() => alice.channels().every(({ htlcs }) => htlcs.length === 0), "the end of the HTLC");

  storage.isFull = true;
  field.chain.mine(1);
  await until(() => bob.status().phase === "frozen", "bob is frozen");
  await assert.rejects(bob.pay(invoice), { code: "frozen" });
  storage.isFull = false;
  await until(() => bob.status().phase === "running", "bob works again");
  await field.stop();

  const counts: number[] = [];
  for (let length = before; length <= storage.commits.length; length++) {
    const store = new MemoryStore();
    for (const batch of storage.commits.slice(0, length)) await store.commit(batch);
    const again = await Node.create(field.options("bob", { storage: store }));
    await until(async () => again.lastEventIndex >= 0 && !(await hasPending(store)), "events are dealt with");
    const entries = (await again.ledger({ limit: 1_000 })).filter(
      ({ reference }) => reference === paymentHash,
    );
    const told: number[] = [];
    for await (const { index, event } of again.events({ after: 0, signal: AbortSignal.timeout(30) })) {
      if (event.kind === "payment-received") told.push(index);
    }
    assert.ok(entries.length <= 1 && told.length === entries.length, `after ${length} commits`);
    assert.equal(
      [...again.ledgerAccounts().values()].reduce((sum, one) => sum + one, 0n),
      0n,
    );
    counts.push(entries.length);
    await again.stop();
  }
  assert.deepEqual([...counts].sort(), counts, "what is booked stays");
  assert.deepEqual([counts[0], counts.at(-1)], [0, 1]);
});

/** Events of the core that were not acknowledged. */
async function hasPending(store: MemoryStore): Promise<boolean> {
  return (await store.scan("event/", undefined, 1)).length > 0;
}

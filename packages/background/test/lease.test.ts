import assert from "node:assert/strict";
import { test } from "node:test";
import { fencedBroadcaster } from "@fulmen/background";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { fakeNode, HeldStore, paymentFailed } from "./fakes.ts";
import { ManualClock, settled } from "./manualClock.ts";

/** A lease that is held when the test says so. */
class FakeLease {
  isHeld = true;
  #listeners: ((error: Error) => void)[] = [];

  holdsLease(): boolean {
    return this.isHeld;
  }

  onLost(listener: (error: Error) => void): void {
    this.#listeners.push(listener);
  }

  lose(): void {
    this.isHeld = false;
    for (const listener of this.#listeners) listener(new Error("taken over"));
  }
}

function transaction(locktime: number): Transaction {
  return { version: 2, inputs: [], outputs: [], locktime };
}

test("without the lease what happens is committed, but neither flushed nor told; with it again it is", async () => {
  const lease = new FakeLease();
  const told: number[] = [];
  const { processor, manager, clock, calls } = fakeNode({
    lease,
    handleEvent: (_, index) => void told.push(index),
  });
  processor.start();
  await settled();
  lease.isHeld = false;
  calls.length = 0;
  manager.happens("a");
  manager.events.push({ index: 1, event: paymentFailed("01") });
  processor.wake();
  await clock.advance(1_000);
  assert.deepEqual(manager.released, [1]);
  assert.deepEqual([calls, told], [[], []]);
  lease.isHeld = true;
  await clock.advance(100);
  assert.deepEqual([[...new Set(calls)], told], [["flush"], [1]]);
  await processor.stop();
});

test("between two events the lease is asked for", async () => {
  const lease = new FakeLease();
  const told: number[] = [];
  const { processor, manager, clock } = fakeNode({
    lease,
    handleEvent: (_, index) => {
      told.push(index);
      lease.isHeld = false;
    },
  });
  manager.events = [1, 2].map((index) => ({ index, event: paymentFailed(`0${index}`) }));
  processor.start();
  await clock.advance(500);
  assert.deepEqual(told, [1]);
  lease.isHeld = true;
  await clock.advance(100);
  assert.deepEqual(told, [1, 2]);
  await processor.stop();
});

test("a lease that is lost stops the node at once, although nothing is committed", async () => {
  const lease = new FakeLease();
  const { processor, calls, clock, statuses } = fakeNode({ lease });
  processor.start();
  await settled();
  calls.length = 0;
  lease.lose();
  assert.equal(processor.status.kind, "failed");
  assert.deepEqual(calls, ["disconnect all", "flush"]);
  await clock.advance(60_000);
  assert.deepEqual(calls, ["disconnect all", "flush"]);
  assert.deepEqual(
    statuses.map(({ kind }) => kind),
    ["running", "failed"],
  );
});

test("the lease of a store that has one is asked for", async () => {
  class LeasedFake extends HeldStore {
    readonly lease = new FakeLease();
    holdsLease(): boolean {
      return this.lease.holdsLease();
    }
    onLost(listener: (error: Error) => void): void {
      this.lease.onLost(listener);
    }
  }
  const store = new LeasedFake();
  const { processor } = fakeNode({ store });
  processor.start();
  await settled();
  store.lease.lose();
  assert.equal(processor.status.kind, "failed");
});

test("broadcasts wait for the lease in their order, each package once, and are forgotten when it is lost", async () => {
  const lease = new FakeLease();
  const clock = new ManualClock();
  const sent: string[] = [];
  const log: string[] = [];
  const broadcaster = fencedBroadcaster(
    { broadcastTransactions: (transactions, type) => void sent.push(`${type} ${transactions[0]?.locktime}`) },
    { lease, clock, logger: { log: ({ text }) => log.push(text) } },
  );
  broadcaster.broadcastTransactions([transaction(1)], "claim");
  assert.deepEqual(sent, ["claim 1"]);
  lease.isHeld = false;
  broadcaster.broadcastTransactions([transaction(2)], "claim");
  broadcaster.broadcastTransactions([transaction(3)], "sweep");
  broadcaster.broadcastTransactions([transaction(2)], "claim");
  await clock.advance(1_000);
  assert.deepEqual([sent, log.length], [["claim 1"], 2]);
  lease.isHeld = true;
  // Those that wait go first.
  broadcaster.broadcastTransactions([transaction(4)], "claim");
  await clock.advance(100);
  assert.deepEqual(sent, ["claim 1", "sweep 3", "claim 2", "claim 4"]);
  lease.isHeld = false;
  broadcaster.broadcastTransactions([transaction(5)], "claim");
  lease.lose();
  lease.isHeld = true;
  broadcaster.broadcastTransactions([transaction(6)], "claim");
  await clock.advance(1_000);
  assert.equal(sent.length, 4);
});

test("no more packages wait than can be kept", async () => {
  const lease = new FakeLease();
  lease.isHeld = false;
  const clock = new ManualClock();
  const sent: number[] = [];
  const broadcaster = fencedBroadcaster(
    { broadcastTransactions: ([first]) => void sent.push(first?.locktime ?? 0) },
    { lease, clock, logger: { log: () => {} } },
  );
  for (let n = 1; n <= 1_500; n++) broadcaster.broadcastTransactions([transaction(n)], "claim");
  lease.isHeld = true;
  await clock.advance(100);
  assert.deepEqual([sent.length, sent[0], sent.at(-1)], [1_000, 501, 1_500]);
});

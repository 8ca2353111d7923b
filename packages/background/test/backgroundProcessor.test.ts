import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomForwardDelay } from "@fulmen/background";
import type { ChannelId, NodeId, PaymentHash, PaymentId } from "@fulmen/lightning/util";
import { fakeNode, idleMonitor, paymentFailed, spendableOutputs } from "./fakes.ts";
import { settled } from "./manualClock.ts";

class Fatal extends Error {
  readonly isFatal = true;
}

/** Gossip that is verified at once. */
const nothingQueued = { takeSignatureBatch: () => undefined, signaturesChecked: () => {} };

describe("the background processor -- commits", () => {
  it("lets the effects of a batch out when it is durable, not before", async () => {
    const { processor, store, manager } = fakeNode();
    store.automatic = false;
    processor.start();
    manager.happens("a");
    processor.wake();
    await settled();
    assert.deepEqual(store.history, ["a batch-sequence"]);
    assert.deepEqual(manager.released, []);
    store.fulfil(0);
    await settled();
    assert.deepEqual(manager.released, [1]);
  });

  it("begins a batch when the one before it is durable: none is ever there without those before it", async () => {
    const { processor, store, manager } = fakeNode();
    store.automatic = false;
    processor.start();
    for (const key of ["a", "b", "c"]) {
      manager.happens(key);
      processor.wake();
      await settled();
      assert.equal(store.waiting.length, 1);
    }
    store.fulfil(0);
    await settled();
    assert.deepEqual(store.history, ["a batch-sequence", "b c batch-sequence"]);
    assert.deepEqual(manager.released, [1]);
    store.fulfil(0);
    await settled();
    assert.deepEqual(manager.released, [1, 2]);
  });

  it("commits what monitors learned in the same batch", async () => {
    const durable: number[] = [];
    let learned = [{ key: "monitor", value: Uint8Array.of(1) }];
    const { processor, store, manager } = fakeNode({
      chainMonitor: {
        ...idleMonitor,
        takeWrites: () => {
          const writes = learned;
          learned = [];
          return writes;
        },
        committed: (sequence) => durable.push(sequence),
      },
    });
    manager.happens("a");
    processor.start();
    await settled();
    assert.deepEqual(store.history, ["a batch-sequence monitor"]);
    assert.deepEqual(manager.released, [1]);
    assert.deepEqual(durable, [1]);
    learned = [{ key: "monitor", value: Uint8Array.of(2) }];
    processor.wake();
    await settled();
    assert.deepEqual(store.history[1], "monitor");
    assert.equal(durable.length, 2);
  });

  it("has stored spendable outputs when their event is acknowledged, also while the store fails", async () => {
    const told: string[] = [];
    const durable: number[] = [];
    let learned: string[] = [];
    const { processor, store, manager, clock } = fakeNode({
      sweeper: {
        trackSpendableOutputs: (outputs, { channelId } = {}) => {
          for (const { outPoint } of outputs) learned.push(`sweeper/${channelId}/${outPoint.index}`);
        },
        takeWrites: () => {
          const writes = learned.map((key) => ({ key, value: Uint8Array.of(1) }));
          learned = [];
          return writes;
        },
        committed: (sequence) => void durable.push(sequence),
        rebroadcast: () => {},
      },
      handleEvent: (event) => void told.push(event.kind),
    });
    processor.start();
    await settled();
    store.failure = new Error("disk full");
    manager.events = [{ index: 1, event: spendableOutputs("a", 7) }];
    processor.wake();
    await settled();
    assert.deepEqual(told, ["spendable-outputs"]);
    assert.deepEqual(store.history, ["sweeper/a/7"]);
    assert.deepEqual(durable, []);
    store.failure = undefined;
    await clock.advance(1_000);
    assert.ok(store.values.has("sweeper/a/7"));
    assert.deepEqual(manager.acknowledged, [1]);
    assert.ok(durable.length > 0);
  });

  it("does not tell the sweeper of outputs again that the monitor told it of", async () => {
    const tracked: number[] = [];
    for (const isTracked of [false, true]) {
      const { processor, manager } = fakeNode({
        chainMonitor: idleMonitor,
        sweeper: {
          trackSpendableOutputs: (outputs) =>
            void tracked.push(...outputs.map(({ outPoint }) => outPoint.index)),
          takeWrites: () => [],
          committed: () => {},
          rebroadcast: () => {},
        },
        handleEvent: () => {},
      });
      // The first is as a store has it from before monitors told sweepers.
      const event = isTracked ? { ...spendableOutputs("a", 8), isTracked } : spendableOutputs("a", 7);
      manager.events = [{ index: 1, event }];
      processor.start();
      await settled();
      assert.deepEqual(manager.acknowledged, [1]);
    }
    assert.deepEqual(tracked, [7]);
  });

  it("hands on what failed payments and probes say of the network, before the user hears of them", async () => {
    const told: string[] = [];
    const { processor, manager } = fakeNode({
      handleEvent: ({ kind }) => void told.push(kind),
      gossip: { ...nothingQueued, tick: () => {}, handleNetworkUpdate: ({ kind }) => void told.push(kind) },
    });
    const failed = {
      paymentId: "01".repeat(32) as PaymentId,
      paymentHash: "02".repeat(32) as PaymentHash,
      path: [],
    };
    const nodeId = `02${"11".repeat(32)}` as NodeId;
    const networkUpdate = { kind: "node-failure", nodeId, isPermanent: true } as const;
    manager.events = [
      { index: 1, event: { kind: "payment-path-failed", ...failed, paymentFailedPermanently: false } },
      {
        index: 2,
        event: { kind: "payment-path-failed", ...failed, paymentFailedPermanently: false, networkUpdate },
      },
      { index: 3, event: { kind: "probe-failed", ...failed, networkUpdate } },
    ];
    processor.start();
    await settled();
    const [update, path, probe] = ["node-failure", "payment-path-failed", "probe-failed"];
    assert.deepEqual(told, [path, update, path, update, probe]);
  });

  it("wakes up by itself when a peer's bytes come in", async () => {
    const { processor, store, manager } = fakeNode();
    processor.start();
    await settled();
    manager.happens("message");
    processor.peers.readBytes("connection", new Uint8Array(1));
    await settled();
    assert.deepEqual(store.history, ["message batch-sequence"]);
  });

  it("commits what is left when it stops, and nothing afterwards", async () => {
    const { processor, store, manager, clock } = fakeNode();
    processor.start();
    await settled();
    manager.happens("last");
    await processor.stop();
    assert.deepEqual(manager.released, [1]);
    assert.equal(processor.status.kind, "stopped");
    manager.happens("later");
    processor.wake();
    await clock.advance(100_000);
    assert.deepEqual(store.history, ["last batch-sequence"]);
  });
});

describe("the background processor -- a failing store", () => {
  it("freezes: no effect runs, peers are disconnected, the user is told, the same writes are tried again", async () => {
    const { processor, store, manager, calls, statuses, clock } = fakeNode();
    processor.start();
    await settled();
    store.failure = new Error("disk full");
    manager.happens("a");
    processor.wake();
    await settled();
    const { status } = processor;
    assert.ok(status.kind === "frozen" && status.attempt === 1 && status.retryIn === 100);
    assert.ok(calls.includes("disconnect all"));
    manager.happens("b");
    processor.wake();
    await clock.advance(1_000);
    assert.deepEqual(manager.released, []);
    assert.deepEqual(new Set(store.history), new Set(["a batch-sequence"]));
    assert.ok(store.history.length > 2 && store.history.length < 6, `${store.history.length} attempts`);
    store.failure = undefined;
    await clock.advance(10_000);
    assert.deepEqual(manager.released, [1, 2]);
    assert.equal(processor.status.kind, "running");
    assert.equal(statuses.at(-1)?.kind, "running");
  });

  it("commits the same writes again, and what happened meanwhile when these are there", async () => {
    const { processor, store, manager, clock } = fakeNode();
    store.automatic = false;
    processor.start();
    for (const key of ["a", "b"]) {
      manager.happens(key);
      processor.wake();
      await settled();
    }
    store.waiting.shift()?.reject(new Error("I/O error"));
    await clock.advance(1_000);
    assert.deepEqual(store.history, ["a batch-sequence", "a batch-sequence"]);
    assert.equal(store.waiting.length, 1);
    store.fulfil(0);
    await settled();
    assert.deepEqual(manager.released, [1]);
    assert.equal(store.history.at(-1), "b batch-sequence");
    store.fulfil(0);
    await settled();
    assert.deepEqual(manager.released, [1, 2]);
  });

  it("lets the effects out once when only the store's answer was lost", async () => {
    const { processor, store, manager, clock } = fakeNode();
    store.automatic = false;
    processor.start();
    manager.happens("a");
    processor.wake();
    await settled();
    const [commit] = store.waiting.splice(0);
    store.apply(commit?.writes ?? []);
    commit?.reject(new Error("connection reset"));
    store.automatic = true;
    await clock.advance(1_000);
    assert.deepEqual(manager.released, [1]);
    assert.deepEqual([...store.values.keys()].sort(), ["a", "batch-sequence"]);
    assert.equal(processor.status.kind, "running");
  });

  it("freezes when the store does not answer, and goes on when it does, without having asked twice", async () => {
    const { processor, store, manager, clock, calls, statuses } = fakeNode();
    processor.start();
    await settled();
    store.automatic = false;
    manager.happens("a");
    processor.wake();
    await clock.advance(29_000);
    assert.equal(statuses.at(-1)?.kind, "running");
    await clock.advance(2_000);
    assert.equal(statuses.at(-1)?.kind, "frozen");
    assert.ok(calls.includes("disconnect all"));
    manager.happens("b");
    processor.wake();
    await clock.advance(100_000);
    assert.deepEqual(store.history, ["a batch-sequence"]);
    assert.deepEqual(manager.released, []);
    store.fulfil(0);
    await settled();
    assert.equal(statuses.at(-1)?.kind, "running");
    assert.deepEqual(manager.released, [1]);
    assert.equal(store.history.at(-1), "b batch-sequence");
    store.fulfil(0);
    await settled();
    assert.deepEqual(manager.released, [1, 2]);
  });

  it("freezes again when the store does not answer the second attempt", async () => {
    const { processor, store, manager, clock, statuses } = fakeNode();
    processor.start();
    store.automatic = false;
    manager.happens("a");
    processor.wake();
    await settled();
    store.waiting.shift()?.reject(new Error("I/O error"));
    await clock.advance(31_000);
    const last = statuses.at(-1);
    assert.ok(last?.kind === "frozen" && /has not answered for 30 s/.test(String(last.error)));
    store.fulfil(0);
    await settled();
    assert.equal(statuses.at(-1)?.kind, "running");
    assert.deepEqual(manager.released, [1]);
  });

  it("tries again what a store refuses after a long silence", async () => {
    const { processor, store, manager, clock, statuses } = fakeNode();
    processor.start();
    store.automatic = false;
    manager.happens("a");
    processor.wake();
    await clock.advance(31_000);
    const [commit] = store.waiting.splice(0);
    commit?.reject(new Error("connection reset"));
    store.automatic = true;
    await clock.advance(1_000);
    assert.deepEqual(manager.released, [1]);
    assert.equal(statuses.at(-1)?.kind, "running");
    assert.equal(statuses.filter(({ kind }) => kind === "frozen").length, 2);
  });

  it("stops though the store does not answer", async () => {
    const { processor, store, manager, clock } = fakeNode();
    processor.start();
    store.automatic = false;
    manager.happens("a");
    processor.wake();
    await clock.advance(31_000);
    await processor.stop();
    assert.deepEqual(manager.released, []);
    assert.equal(processor.status.kind, "stopped");
  });

  it("goes on watching the chain while it is frozen", async () => {
    let polls = 0;
    const { processor, store, manager, clock } = fakeNode({
      pollChain: () => {
        polls++;
      },
    });
    processor.start();
    store.failure = new Error("disk full");
    manager.happens("a");
    processor.wake();
    await settled();
    const before = polls;
    await clock.advance(5_000);
    assert.equal(polls - before, 5);
    assert.equal(processor.status.kind, "frozen");
  });

  it("stops at once when the store says that it is lost", async () => {
    const { processor, store, manager, calls, clock } = fakeNode();
    processor.start();
    await settled();
    store.failure = new Fatal("another process has the store");
    manager.happens("a");
    processor.wake();
    await settled();
    const { status } = processor;
    assert.ok(status.kind === "failed");
    assert.match(status.text, /another process has the store; the node stops here/);
    assert.ok(calls.includes("disconnect all"));
    store.failure = undefined;
    await clock.advance(100_000);
    assert.equal(store.history.length, 1);
    assert.deepEqual(manager.released, []);
  });

  it("stops at once when the store is lost while it is tried again", async () => {
    const { processor, store, manager, clock } = fakeNode();
    processor.start();
    store.failure = new Error("disk full");
    manager.happens("a");
    processor.wake();
    await settled();
    store.failure = new Fatal("corrupt");
    await clock.advance(100);
    assert.equal(processor.status.kind, "failed");
    await clock.advance(100_000);
    assert.equal(store.history.length, 2);
  });

  it("stops without having shown what the store did not take", async () => {
    const { processor, store, manager } = fakeNode();
    processor.start();
    store.failure = new Error("disk full");
    manager.happens("a");
    processor.wake();
    await settled();
    await processor.stop();
    assert.deepEqual(manager.released, []);
    assert.equal(processor.status.kind, "stopped");
  });

  it("stops at once on a bug, with the store as it was", async () => {
    const { processor, store, manager } = fakeNode();
    processor.start();
    manager.takeFails = new Error("impossible");
    processor.wake();
    await settled();
    assert.equal(processor.status.kind, "failed");
    assert.deepEqual(store.history, []);
  });
});

describe("the background processor -- events and timers", () => {
  it("gives events in order, each one again until it is handled, and later ones meanwhile", async () => {
    const seen: string[] = [];
    let failures = 2;
    const { processor, manager, clock, log } = fakeNode({
      handleEvent: async (event) => {
        await Promise.resolve();
        const name = event.kind === "payment-failed" ? event.paymentId : event.kind;
        seen.push(name);
        if (name === "b" && failures-- > 0) throw new Error("not now");
      },
    });
    manager.events = ["a", "b", "c"].map((name, i) => ({ index: i + 1, event: paymentFailed(name) }));
    processor.start();
    await settled();
    assert.deepEqual(seen, ["a", "b", "c"]);
    assert.deepEqual(manager.acknowledged, [1, 3]);
    processor.wake();
    await clock.advance(999);
    assert.deepEqual(seen, ["a", "b", "c"]);
    await clock.advance(3_001);
    assert.deepEqual(seen, ["a", "b", "c", "b", "b"]);
    assert.deepEqual(manager.acknowledged, [1, 3, 2]);
    assert.equal(log.filter(({ text }) => text.includes("the handler of payment-failed failed")).length, 2);
  });

  it("looks every hour for closed channels to forget, and deletes all of their records", async () => {
    const channelId = "c1".repeat(32) as ChannelId;
    const { processor, manager, store, clock } = fakeNode();
    const own = ["core", "htlc/1"].map((name) => `channel/${channelId}/${name}`);
    const others = [`settled/${channelId}/1`, `monitor/${channelId}/setup`];
    for (const key of [...own, ...others, `channel/${"c2".repeat(32)}/core`]) {
      store.values.set(key, Uint8Array.of(1));
    }
    processor.start();
    await clock.advance(1);
    manager.resolved = [channelId];
    await clock.advance(3_600_000);
    assert.deepEqual(manager.archived, [[channelId, [...own, ...others]]]);
    await processor.stop();
  });

  it("keeps the time: peers every 10 s, the manager every minute", async () => {
    const gossip: number[] = [];
    let rebroadcasts = 0;
    const { processor, manager, calls, clock } = fakeNode({
      gossip: { ...nothingQueued, tick: (now) => gossip.push(now), handleNetworkUpdate: () => {} },
      chainMonitor: {
        ...idleMonitor,
        rebroadcast: () => {
          rebroadcasts++;
        },
      },
    });
    processor.start();
    await clock.advance(3_600_000);
    assert.equal(calls.filter((call) => call === "peer tick").length, 360);
    assert.equal(manager.calls.length, 61);
    assert.deepEqual(manager.calls.slice(0, 3), ["tick 0", "tick 60", "tick 120"]);
    assert.deepEqual([gossip.length, gossip.at(-1)], [360, 3_600]);
    assert.equal(rebroadcasts, 121);
  });

  it("asks for the chain's news one at a time, and survives a source that fails", async () => {
    const pending: (() => void)[] = [];
    let polls = 0;
    const { processor, clock, log } = fakeNode({
      pollChain: () => {
        polls++;
        if (polls === 2) throw new Error("no route to host");
        return new Promise((resolve) => {
          pending.push(resolve);
        });
      },
    });
    processor.start();
    await clock.advance(5_000);
    assert.equal(polls, 1);
    pending[0]?.();
    await clock.advance(1_000);
    assert.equal(polls, 2);
    await clock.advance(1_000);
    assert.equal(polls, 3);
    assert.ok(log.some(({ text }) => text.includes("no route to host")));
  });
});

describe("the background processor -- forwards", () => {
  const forwards = (calls: readonly string[]) => calls.filter((call) => call.startsWith("forwards"));

  it("lets HTLCs wait, and those that come meanwhile go with them", async () => {
    const delays = [40, 70];
    const { processor, manager, clock } = fakeNode({ forwardDelay: () => delays.shift() ?? 0 });
    assert.ok(manager.defersForwards);
    processor.start();
    manager.pendingHtlcs = 1;
    processor.wake();
    await clock.advance(30);
    manager.pendingHtlcs = 3;
    processor.wake();
    await clock.advance(9);
    assert.deepEqual(forwards(manager.calls), []);
    await clock.advance(1);
    assert.deepEqual(forwards(manager.calls), ["forwards 3"]);
    manager.pendingHtlcs = 1;
    processor.wake();
    await clock.advance(69);
    assert.equal(forwards(manager.calls).length, 1);
    await clock.advance(1);
    assert.deepEqual(forwards(manager.calls), ["forwards 3", "forwards 1"]);
    await clock.advance(1_000);
    assert.equal(forwards(manager.calls).length, 2);
  });

  it("decides nothing after its end, and leaves it to the manager when there is to be no delay", async () => {
    const { processor, manager, clock } = fakeNode();
    processor.start();
    manager.pendingHtlcs = 1;
    processor.wake();
    await settled();
    await processor.stop();
    await clock.advance(1_000);
    assert.deepEqual(forwards(manager.calls), []);
    assert.equal(fakeNode({ forwardDelay: "none" }).manager.defersForwards, false);
  });

  it("waits for 50 ms on average, and never for long", () => {
    const delays = Array.from({ length: 4_000 }, randomForwardDelay);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    assert.ok(mean > 44 && mean < 56, `${mean} ms`);
    assert.ok(delays.every((delay) => Number.isInteger(delay) && delay >= 0 && delay <= 500));
  });
});

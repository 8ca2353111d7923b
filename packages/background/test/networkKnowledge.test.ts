import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNetworkGraph, loadScores } from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { Event, LogRecord } from "@fulmen/lightning/handlers";
import { ChannelLiquidities, encodeScores, type ScoreUpdate } from "@fulmen/lightning/routing";
import {
  msat,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  type ShortChannelId,
} from "@fulmen/lightning/util";
import { fakeNode, HeldStore } from "./fakes.ts";
import { settled } from "./manualClock.ts";

const named = {
  paymentId: "01".repeat(32) as PaymentId,
  paymentHash: "02".repeat(32) as PaymentHash,
  path: [
    { nodeId: `02${"a1".repeat(32)}` as NodeId, shortChannelId: 7n as ShortChannelId },
    { nodeId: `02${"a2".repeat(32)}` as NodeId, shortChannelId: 8n as ShortChannelId },
  ],
};
const finalValue = msat(1_000);
const shortChannelId = 8n as ShortChannelId;
const failed = {
  kind: "payment-path-failed",
  ...named,
  finalValue,
  paymentFailedPermanently: false,
} as const;

/** Writes down what it is taught. */
class Pupil implements ScoreUpdate {
  readonly lessons: string[] = [];

  paymentPathFailed(path: Parameters<ScoreUpdate["paymentPathFailed"]>[0], id: ShortChannelId): void {
    this.lessons.push(`${path.finalValue} of ${path.hops.length} hops failed at ${id}`);
  }

  paymentPathSuccessful(): void {
    this.lessons.push("paid");
  }

  probeFailed(_: unknown, id: ShortChannelId): void {
    this.lessons.push(`probe failed at ${id}`);
  }

  probeSuccessful(): void {
    this.lessons.push("arrived");
  }

  timePassed(now: number): void {
    this.lessons.push(`at ${now}`);
  }

  write(): Uint8Array {
    return Uint8Array.of(this.lessons.length);
  }
}

describe("what a node knows of the network", () => {
  it("is learned from the events of paths and probes", async () => {
    const pupil = new Pupil();
    const { processor, manager } = fakeNode({ scorer: pupil, handleEvent: () => {} });
    const events: readonly Event[] = [
      { ...failed, shortChannelId },
      { ...failed, paymentFailedPermanently: true },
      failed,
      { kind: "payment-path-successful", ...named, finalValue },
      { kind: "payment-path-successful", ...named },
      { kind: "probe-successful", ...named, finalValue },
      { kind: "probe-failed", ...named, finalValue, shortChannelId },
      { kind: "probe-failed", ...named, finalValue },
    ];
    manager.events = events.map((event, i) => ({ index: i + 1, event }));
    processor.start();
    await settled();
    assert.deepEqual(pupil.lessons, [
      "at 0",
      "1000 of 2 hops failed at 8",
      "arrived",
      "paid",
      "arrived",
      "probe failed at 8",
    ]);
    await processor.stop();
  });

  it("is not learned twice of an event that the handler fails with", async () => {
    const pupil = new Pupil();
    let tries = 0;
    const { processor, manager, clock } = fakeNode({
      scorer: pupil,
      handleEvent: () => {
        tries++;
        if (tries === 1) throw new Error("not now");
      },
    });
    manager.events = [{ index: 1, event: { ...failed, shortChannelId } }];
    processor.start();
    await settled();
    await clock.advance(1_000);
    await settled();
    assert.equal(tries, 2);
    assert.equal(pupil.lessons.filter((lesson) => lesson.includes("failed")).length, 1);
    await processor.stop();
  });

  it("is stored when it has changed: every hour, and when the node stops", async () => {
    const pupil = new Pupil();
    let graph = Uint8Array.of(1);
    const { processor, store, manager, clock } = fakeNode({
      scorer: pupil,
      networkGraph: { write: () => graph },
      handleEvent: () => {},
    });
    processor.start();
    await settled();
    assert.deepEqual(store.history, []);
    await clock.advance(3_600_000);
    await settled();
    // Nothing was learned, what was known has faded only.
    assert.deepEqual(store.history.at(-1), "network-graph");
    assert.ok(pupil.lessons.every((lesson) => lesson.startsWith("at ")) && pupil.lessons.length === 1 + 12);
    graph = Uint8Array.of(2);
    manager.events = [{ index: 1, event: { ...failed, shortChannelId } }];
    processor.wake();
    await settled();
    await processor.stop();
    assert.deepEqual(store.history.at(-1), "scores network-graph");
    assert.deepEqual(store.values.get("network-graph"), graph);
    assert.deepEqual(store.values.get("scores"), pupil.write());
  });

  it("is stored again when the store did not take it", async () => {
    const { processor, store, clock } = fakeNode({ networkGraph: { write: () => Uint8Array.of(1) } });
    processor.start();
    store.failure = new Error("full");
    await clock.advance(3_600_000);
    await settled();
    assert.equal(store.values.size, 0);
    store.failure = undefined;
    await clock.advance(3_600_000);
    await settled();
    assert.deepEqual([...store.values.keys()], ["network-graph"]);
    const writes = store.history.length;
    await clock.advance(3_600_000);
    await settled();
    assert.equal(store.history.length, writes);
    await processor.stop();
  });
});

describe("probes of a running node", () => {
  it("are asked for each second, and what keeps them from being sent is said", async () => {
    const asked: number[] = [];
    const { processor, log, clock } = fakeNode({
      prober: {
        tick: (now) => {
          asked.push(now);
          return now === 2 ? { kind: "skipped", text: "no way" } : { kind: "waiting" };
        },
      },
    });
    processor.start();
    await clock.advance(3_000);
    assert.deepEqual(asked, [1, 2, 3]);
    assert.ok(log.some(({ level, text }) => level === "debug" && text === "no probe: no way"));
    await processor.stop();
  });
});

describe("what a node knew of the network", () => {
  const options = { chainHash: networks.regtest.genesisHash };

  it("is there when it starts again", async () => {
    const store = new HeldStore();
    const logged: LogRecord[] = [];
    const logger = { log: (record: LogRecord) => void logged.push(record) };
    assert.equal((await loadNetworkGraph(store, options, logger)).channelCount, 0);
    assert.equal(await loadScores(store, logger), undefined);
    const scores = new ChannelLiquidities();
    scores.offsets[2 * scores.findOrAdd(0, 42, 5)] = 1_000;
    const graph = new NetworkGraph(options);
    await store.commit([
      { key: "network-graph", value: graph.write() },
      { key: "scores", value: encodeScores(scores) },
    ]);
    assert.deepEqual((await loadNetworkGraph(store, options, logger)).write(), graph.write());
    const read = await loadScores(store, logger);
    assert.deepEqual(read && encodeScores(read), encodeScores(scores));
    assert.deepEqual(logged, []);
  });

  it("is begun anew, and that is said, when it cannot be read", async () => {
    const store = new HeldStore();
    const logged: LogRecord[] = [];
    const logger = { log: (record: LogRecord) => void logged.push(record) };
    await store.commit(["network-graph", "scores"].map((key) => ({ key, value: Uint8Array.of(1, 1, 7) })));
    assert.equal((await loadNetworkGraph(store, options, logger)).channelCount, 0);
    assert.equal(await loadScores(store, logger), undefined);
    assert.deepEqual(
      logged.map(({ level }) => level),
      ["warn", "warn"],
    );
    assert.match(logged[1]?.text ?? "", /stored scores cannot be read, a new one is begun/);
  });
});

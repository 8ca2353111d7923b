import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BackgroundProcessor,
  type DeliveredEvent,
  type EventHandler,
  readStoredRecords,
} from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import { defaultUserConfig } from "@fulmen/lightning/channel";
import type { LogRecord } from "@fulmen/lightning/handlers";
import { ChainMonitor, type ChannelManager, restoreManager } from "@fulmen/lightning/manager";
import { KeysManager } from "@fulmen/lightning/sign";
import { blockHeight, feeratePerKw, msat, type PaymentId, paymentIdOf } from "@fulmen/lightning/util";
import { fakeNode, HeldStore, paymentFailed } from "./fakes.ts";
import { ManualClock, settled } from "./manualClock.ts";

const network = networks.regtest;
const now = 1_800_000_000;
const payee = new KeysManager(new Uint8Array(32).fill(8)).nodeId;

/** A node without channels: each payment that it is asked for fails, and that is an event. */
class LonelyNode {
  readonly store: HeldStore;
  readonly clock = new ManualClock();
  readonly log: LogRecord[] = [];
  readonly manager: ChannelManager;
  readonly background: BackgroundProcessor;

  static async start(store = new HeldStore(), handleEvent?: EventHandler): Promise<LonelyNode> {
    const node = new LonelyNode(store, (await readStoredRecords(store)).manager, handleEvent);
    node.background.start();
    await settled();
    return node;
  }

  private constructor(
    store: HeldStore,
    records: Awaited<ReturnType<typeof readStoredRecords>>["manager"],
    handleEvent: EventHandler | undefined,
  ) {
    this.store = store;
    const keys = new KeysManager(new Uint8Array(32).fill(7));
    const broadcaster = { broadcastTransactions: () => {} };
    const feeEstimator = { feerate: () => feeratePerKw(253) };
    const logger = { log: (record: LogRecord) => void this.log.push(record) };
    const watch = new ChainMonitor(
      { signerProvider: keys, broadcaster, feeEstimator, logger },
      { bestHeight: 1, monitors: [] },
    );
    const restored = restoreManager(
      {
        ...{ network, config: defaultUserConfig, nodeSigner: keys, signerProvider: keys },
        ...{ broadcaster, feeEstimator, watch, logger },
        entropy: { randomBytes: (length) => new Uint8Array(length).fill(9) },
        router: { findRoute: () => ({ ok: false, error: { kind: "no-route", text: "no route" } }) },
      },
      records,
      { tip: { hash: network.genesisHash, height: blockHeight(1), ancestors: [] }, now },
    );
    assert.ok(restored.ok);
    this.manager = restored.value;
    const { clock, manager } = this;
    this.background = fakeNode({
      manager,
      store,
      clock,
      logger,
      ...(handleEvent && { handleEvent }),
    }).processor;
  }

  /** Asks for a payment; gives its id, which its event has. */
  pay(number: number): PaymentId {
    const paymentId = paymentIdOf(new Uint8Array(32).fill(number));
    this.manager.sendSpontaneousPayment({ payee, amount: msat(1_000n), paymentId });
    this.background.wake();
    return paymentId;
  }
}

/** The store as a process that dies now leaves it. */
function survivors(store: HeldStore): HeldStore {
  const left = new HeldStore();
  for (const [key, value] of store.values) left.values.set(key, value);
  return left;
}

describe("a handler of events", () => {
  it("gets each event with its index until it was handled, whenever the node dies", async () => {
    const told: { readonly index: number; readonly paymentId: PaymentId }[] = [];
    let handles = (): Promise<void> | void => {};
    const handler: EventHandler = (event, index) => {
      assert.ok(event.kind === "payment-failed");
      told.push({ index, paymentId: event.paymentId });
      return handles();
    };
    let node = await LonelyNode.start(new HeldStore(), handler);
    const first = node.pay(1);
    await settled();
    assert.deepEqual(told, [{ index: 1, paymentId: first }]);

    // It dies while the user handles the event.
    handles = () => new Promise(() => {});
    const second = node.pay(2);
    await settled();
    node = await LonelyNode.start(survivors(node.store), handler);
    assert.deepEqual(told.slice(1), [
      { index: 2, paymentId: second },
      { index: 2, paymentId: second },
    ]);

    // It dies when the event was handled, and that is not committed.
    const slow = survivors(node.store);
    handles = () => {
      slow.automatic = false;
    };
    node = await LonelyNode.start(slow, handler);
    assert.equal(told.length, 4);
    assert.equal(slow.waiting.length, 1);
    handles = () => {};
    node = await LonelyNode.start(survivors(node.store), handler);
    assert.deepEqual(told[4], { index: 2, paymentId: second });

    // It dies when that is committed.
    node = await LonelyNode.start(survivors(node.store), handler);
    assert.equal(told.length, 5);
    const third = node.pay(3);
    await settled();
    assert.deepEqual(told[5], { index: 3, paymentId: third });
  });

  it("gets later events while one waits for another try, and each of these after a restart", async () => {
    const told: number[] = [];
    const failing = new Set([2, 3]);
    const handler: EventHandler = (_event, index) => {
      told.push(index);
      if (failing.has(index)) throw new Error("not now");
    };
    const node = await LonelyNode.start(new HeldStore(), handler);
    for (let number = 1; number <= 5; number++) node.pay(number);
    await settled();
    assert.deepEqual(told, [1, 2, 3, 4, 5]);
    await node.clock.advance(1_000);
    assert.deepEqual(told.splice(0), [1, 2, 3, 4, 5, 2, 3]);
    failing.delete(3);
    await LonelyNode.start(survivors(node.store), handler);
    assert.deepEqual(told.splice(0), [2, 3]);
    await node.clock.advance(2_000);
    assert.deepEqual(told, [2, 3]);
    assert.deepEqual(
      node.manager.pendingEvents(10).map(({ index }) => index),
      [2],
    );
  });

  it("that fails with everything is not given more and more", async () => {
    const told: number[] = [];
    const { processor, manager, clock } = fakeNode({
      handleEvent: (_event, index) => {
        told.push(index);
        throw new Error("the database is away");
      },
    });
    manager.events = Array.from({ length: 1_000 }, (_, i) => ({
      index: i + 1,
      event: paymentFailed(`${i}`),
    }));
    processor.start();
    await settled();
    assert.equal(told.length, 16);
    await clock.advance(10_000);
    assert.ok(told.length < 100 && Math.max(...told) === 16, `${told.length} calls`);
    await processor.stop();
    await clock.advance(100_000);
    assert.ok(told.length < 100);
  });

  it("that does not finish is told of, since later events wait for it", async () => {
    let finish = (): void => {};
    const { processor, manager, clock, log } = fakeNode({
      handleEvent: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    manager.events = [1, 2].map((index) => ({ index, event: paymentFailed(`${index}`) }));
    processor.start();
    await clock.advance(59_000);
    finish();
    await clock.advance(59_000);
    assert.equal(log.length, 0);
    await clock.advance(2_000);
    assert.match(log[0]?.text ?? "", /the handler of payment-failed has not finished for a minute/);
    finish();
    await clock.advance(100_000);
    assert.equal(log.length, 1);
    assert.deepEqual(manager.acknowledged, [1, 2]);
  });

  it("may come late, and alone", async () => {
    const { processor, manager } = fakeNode();
    manager.events = [{ index: 1, event: paymentFailed("a") }];
    processor.start();
    await settled();
    assert.deepEqual(manager.acknowledged, []);
    processor.handleEvents(() => {});
    assert.throws(() => processor.handleEvents(() => {}), /another handler or loop/);
    assert.throws(() => processor.events(), /another handler or loop/);
    await settled();
    assert.deepEqual(manager.acknowledged, [1]);
  });
});

describe("a loop over events", () => {
  it("gets them as they come, and again what it did not acknowledge", async () => {
    const node = await LonelyNode.start();
    const told: DeliveredEvent[] = [];
    const loop = (async () => {
      for await (const delivered of node.background.events()) {
        told.push(delivered);
        if (delivered.index !== 2) delivered.acknowledge();
        if (delivered.index === 3) break;
      }
    })();
    node.pay(1);
    await settled();
    assert.deepEqual(
      told.map(({ index }) => index),
      [1],
    );
    node.pay(2);
    node.pay(3);
    await loop;
    assert.deepEqual(
      told.map(({ index }) => index),
      [1, 2, 3],
    );
    await settled();

    const next = node.background.events();
    const again = await next.next();
    assert.ok(!again.done && again.value.index === 2);
    await node.background.stop();
    assert.deepEqual(await next.next(), { done: true, value: undefined });
    const after = await LonelyNode.start(survivors(node.store));
    const first = await after.background.events().next();
    assert.ok(!first.done && first.value.index === 2);
    first.value.acknowledge();
    await settled();
    assert.equal(after.manager.pendingEvents(10).length, 0);
    const last = await LonelyNode.start(survivors(after.store));
    assert.equal(last.manager.pendingEvents(10).length, 0);
    const fourth = last.pay(4);
    const told4 = await last.background.events().next();
    assert.ok(!told4.done && told4.value.index === 4 && told4.value.event.kind === "payment-failed");
    assert.equal(told4.value.event.paymentId, fourth);
  });

  it("waits when it has a thousand that it did not acknowledge", async () => {
    const { processor, manager } = fakeNode();
    const events = Array.from({ length: 1_500 }, (_, i) => ({ index: i + 1, event: paymentFailed(`${i}`) }));
    manager.events = events;
    processor.start();
    const told: DeliveredEvent[] = [];
    void (async () => {
      for await (const delivered of processor.events()) told.push(delivered);
    })();
    for (let i = 0; i < 20; i++) await settled();
    assert.equal(told.length, 1_000);
    for (const { acknowledge } of told.slice(0, 10)) acknowledge();
    await settled();
    assert.equal(told.length, 1_010);
  });

  it("ends when the node does", async () => {
    const { processor } = fakeNode();
    processor.start();
    const waiting = processor.events().next();
    await processor.stop();
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });
});

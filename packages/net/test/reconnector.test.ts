import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeId, Result } from "@fulmen/lightning/util";
import { type DialFailure, type Dialled, Reconnector } from "@fulmen/net";

const nodeId = "02".repeat(33) as NodeId;
const address = { nodeId, host: "peer.example", port: 9735 };

/** A network and a clock that the test holds in its hands. */
class Scene {
  readonly delays: number[] = [];
  dials = 0;
  isConnected = false;
  time = 0;
  cancelled = 0;
  #action: (() => void) | undefined;
  #answer: ((result: Result<Dialled, DialFailure>) => void) | undefined;
  #hangUp: (() => void) | undefined;

  readonly reconnector: Reconnector = new Reconnector({
    connect: () => {
      this.dials++;
      return new Promise((resolve) => {
        this.#answer = resolve;
      });
    },
    isConnected: () => this.isConnected,
    minDelay: 1000,
    maxDelay: 10_000,
    goodConnection: 60_000,
    schedule: (action, delay) => {
      this.delays.push(delay);
      this.#action = action;
      return () => {
        this.cancelled++;
        this.#action = undefined;
      };
    },
    now: () => this.time,
    random: () => 0.5,
  });

  /** Whether an attempt was due. */
  async pass(): Promise<boolean> {
    const action = this.#action;
    this.#action = undefined;
    action?.();
    await settled();
    return action !== undefined;
  }

  async fail(): Promise<void> {
    this.#answer?.({ ok: false, error: { kind: "timed-out" } });
    await settled();
  }

  /** The connection comes about and lasts. */
  async succeedFor(milliseconds: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#hangUp = resolve;
    });
    this.#answer?.({ ok: true, value: { connectionId: "c", closed } });
    await settled();
    this.time += milliseconds;
    this.#hangUp?.();
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("delays double up to the largest while attempts fail", async () => {
  const scene = new Scene();
  scene.reconnector.add(address);
  for (let i = 0; i < 6; i++) {
    await scene.fail();
    assert.ok(await scene.pass());
  }
  assert.deepEqual(scene.delays, [750, 1500, 3000, 6000, 7500, 7500]);
  assert.equal(scene.dials, 7);
});

test("a good connection starts the delays anew, one that ends at once does not", async () => {
  const scene = new Scene();
  scene.reconnector.add(address);
  await scene.fail();
  await scene.pass();
  await scene.succeedFor(10);
  await scene.pass();
  await scene.succeedFor(60_000);
  assert.deepEqual(scene.delays, [750, 1500, 750]);
});

test("nobody is dialled who is connected already", async () => {
  const scene = new Scene();
  scene.isConnected = true;
  scene.reconnector.add(address);
  await scene.pass();
  assert.equal(scene.dials, 0);
  scene.isConnected = false;
  await scene.pass();
  assert.equal(scene.dials, 1);
});

test("a node that is removed is not dialled again, whether it waits or is being dialled", async () => {
  const waiting = new Scene();
  waiting.reconnector.add(address);
  await waiting.fail();
  waiting.reconnector.stop();
  assert.equal(waiting.cancelled, 1);
  assert.equal(await waiting.pass(), false);

  const dialling = new Scene();
  dialling.reconnector.add(address);
  dialling.reconnector.remove(nodeId);
  await dialling.fail();
  assert.deepEqual(dialling.delays, []);
});

test("a second address replaces the first", async () => {
  const hosts: string[] = [];
  const actions: (() => void)[] = [];
  const reconnector = new Reconnector({
    connect: ({ host }) => {
      hosts.push(host);
      return Promise.resolve({ ok: false, error: { kind: "timed-out" } });
    },
    isConnected: () => false,
    schedule: (action) => {
      actions.push(action);
      return () => {};
    },
  });
  reconnector.add(address);
  await settled();
  reconnector.add({ ...address, host: "other.example" });
  actions[0]?.();
  await settled();
  assert.deepEqual(hosts, ["peer.example", "other.example"]);
});

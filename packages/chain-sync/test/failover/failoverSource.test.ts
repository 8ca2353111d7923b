import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { type ChainClients, ChainSourceError, FailoverSource } from "@fulmen/chain-sync";
import { blockHeight } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "../transactions/recordingFollower.ts";

/** Two sources in the test's hands, and who follows them. */
class World {
  readonly chains: readonly SimulatedChain[] = [createFundedChain().chain, createFundedChain().chain];
  readonly sources = this.chains.map((chain, index) =>
    Object.assign(new SimulatedChainSource(chain, { pollInterval: 1 }), { name: `source ${index}` }),
  );
  readonly follower = new RecordingFollower(this.chains[0]?.locator());
  readonly clients: ChainClients = { followers: [this.follower], mempool: [], scripts: [] };
  readonly changes: string[] = [];
  readonly source: FailoverSource;

  constructor(patience = 25) {
    const [first, second] = this.sources;
    assert.ok(first && second);
    this.source = new FailoverSource({
      ...{ network: "regtest", sources: [first, second], patience, lookInterval: 2 },
      changed: (text) => this.changes.push(text),
    });
    worlds.push(this);
  }

  sync(): Promise<unknown> {
    return this.source.sync(this.clients);
  }

  /** Milliseconds later. */
  later(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

const worlds: World[] = [];
afterEach(async () => {
  for (const { source } of worlds.splice(0)) await source.stop();
});

const [first, second] = ["source 0", "source 1"];

describe("the place of a chain source", () => {
  it("is not another's who shows headers and has no blocks", async () => {
    const world = new World();
    const [, liar] = world.sources;
    assert.ok(liar);
    await world.sync();
    world.chains[1]?.mine(3);
    liar.sync = async () => {
      throw new ChainSourceError("invalid-answer", "no such block", "none");
    };
    const waiting = world.source.changed(new AbortController().signal);
    await waiting;
    assert.equal(world.source.name, second);
    await assert.rejects(
      world.sync().then(() => Promise.reject(new Error(world.source.name))),
      {
        message: first,
      },
    );
    assert.equal(world.changes.length, 2);
    assert.equal(world.follower.position()?.height, world.chains[0]?.tip.height);
  });

  it("is another's who tells of a channel's outputs where it does not, and its own if there is none", async () => {
    const world = new World();
    const [blind, other] = world.sources;
    assert.ok(blind && other);
    Object.assign(blind, { gaps: [{ script: Uint8Array.of(1), use: "output" }] });
    await world.sync();
    assert.equal(world.source.name, second);
    assert.deepEqual(world.source.gaps, []);
    other.isDown = true;
    while (
      !(await world.sync().then(
        () => world.source.name === first,
        () => false,
      ))
    )
      await world.later(5);
    assert.equal(world.source.gaps.length, 1);
  });

  it("is lost to who tells nothing, and what it tells afterwards is heard by nobody", async () => {
    const world = new World();
    const [slow] = world.sources;
    assert.ok(slow);
    let wake = (): void => undefined;
    const waking = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const real = slow.sync.bind(slow);
    let late: Promise<unknown> | undefined;
    slow.sync = (...call) => {
      late = waking.then(() => real(...call));
      return late as ReturnType<typeof real>;
    };
    world.chains[0]?.mine(5);
    world.chains[1]?.mine(2);
    await world.sync();
    assert.equal(world.source.name, second);
    assert.equal(world.follower.position()?.hash, world.chains[1]?.tip.hash);
    wake();
    await assert.rejects(late ?? Promise.resolve(), { code: "stopped" });
    assert.equal(world.follower.position()?.hash, world.chains[1]?.tip.hash);
  });

  it("is kept by who tells of block after block, however long that takes and whoever is ahead", async () => {
    const world = new World(250);
    const [chain] = world.chains;
    assert.ok(chain);
    const old = new RecordingFollower(await world.sources[0]?.locate(blockHeight(20)));
    world.chains[1]?.mine(1);
    const paced = () => world.later(4);
    await world.source.sync({ ...world.clients, followers: [old, world.follower], paced });
    assert.equal(old.position()?.height, chain.tip.height);
    assert.deepEqual(world.changes, []);
    await world.source.changed(new AbortController().signal);
    assert.equal(world.source.name, second, "what is left out then is seen");
  });

  it("is nobody's to blame for what followers do", async () => {
    const world = new World();
    world.chains[0]?.mine(1);
    const clients = { ...world.clients, paced: () => Promise.reject(new Error("the store is full")) };
    await assert.rejects(world.source.sync(clients), { message: "the store is full" });
    assert.deepEqual([world.source.name, world.changes], [first, []]);
    await world.source.stop();
    await assert.rejects(world.sync(), { code: "stopped" });
  });
});

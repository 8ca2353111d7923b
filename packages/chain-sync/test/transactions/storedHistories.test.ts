import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { ScriptSource } from "@fulmen/chain-sync";
import { type HistoryItem, TransactionSync, WatchList } from "@fulmen/chain-sync/transactions";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "./recordingFollower.ts";
import { SimulatedClient } from "./simulatedClient.ts";

const scripts = [1, 2].map((seed) => p2wpkh(new Uint8Array(20).fill(seed)));
const [script, other] = scripts as [Uint8Array, Uint8Array];

/** Gives histories in pages, and no further than it has to. */
class PagingClient extends SimulatedClient {
  override async scriptHistory(
    asked: Uint8Array,
    isSettled: (item: HistoryItem) => boolean = () => false,
  ): Promise<readonly HistoryItem[]> {
    const all = await super.scriptHistory(asked);
    for (let end = this.maxHeaders; ; end += this.maxHeaders) {
      this.asked.set("pages", (this.asked.get("pages") ?? 0) + 1);
      if (end >= all.length || all.slice(end - this.maxHeaders, end).some(isSettled))
        return all.slice(0, end);
    }
  }
}

/** A wallet of `known` scripts that follows a chain, starts again and again, and has stored what it was told. */
class World {
  readonly #funded = createFundedChain({ coins: 60 });
  readonly chain = this.#funded.chain;
  readonly client = new PagingClient(this.chain);
  readonly follower = new RecordingFollower(this.chain.locator());
  known = [script];
  #fresh: Uint8Array[] = [];
  readonly source: ScriptSource = {
    scripts: () => this.known,
    takeScripts: () => this.#fresh.splice(0),
    blockOf: (txid) => this.follower.confirmed.get(txid),
  };
  sync = this.#newSync();

  #newSync(): TransactionSync {
    const { client } = this;
    return new TransactionSync({ client, network: networks.regtest, watch: new WatchList(), retryDelay: 1 });
  }

  /** Pays to each of these in one transaction, and mines it. */
  pay(...to: readonly Uint8Array[]): string {
    const { chain, faucet } = this.#funded;
    const outputs = to.map((each) => ({ value: sat(10_000), script: each }));
    const transaction = faucet.fund(chain, outputs, feeratePerKw(500));
    assert.ok(chain.submit(transaction).ok);
    this.mine(1);
    return txidOf(transaction);
  }

  mine(count: number): void {
    this.chain.mine(count, { payTo: p2wpkh(new Uint8Array(20).fill(99)) });
  }

  learn(fresh: Uint8Array): void {
    this.known = [...this.known, fresh];
    this.#fresh.push(fresh);
  }

  async run(): Promise<readonly string[]> {
    await this.sync.sync({ followers: [this.follower], mempool: [], scripts: [this.source] });
    return this.follower.take();
  }

  async restart(): Promise<readonly string[]> {
    this.client.asked.clear();
    this.sync = this.#newSync();
    return this.run();
  }
}

describe("histories after a start", () => {
  it("are read whole, and only what is news of them is proven and told", async () => {
    const world = new World();
    for (let n = 0; n < 25; n++) world.pay(script);
    await world.run();
    const news = world.pay(script);
    const told = await world.restart();
    assert.deepEqual(told, [
      `confirmed ${world.chain.tip.height}: ${news}`,
      `best ${world.chain.tip.height}`,
    ]);
    assert.equal(world.client.take("pages"), 3);
    assert.equal(world.client.take("merkleProof"), 1);
    assert.equal(world.client.take("transaction"), 1);
    world.mine(1);
    await world.run();
    assert.equal(world.client.take("pages"), 1, "what was stored need not be read twice");
  });

  it("are told again of what the wallet has in another block, or lost to a reorganisation", async () => {
    const world = new World();
    const [first, second] = [world.pay(script), world.pay(script)];
    await world.run();
    const { height } = world.chain.tip;
    world.chain.reorg(1);
    const moved = await world.restart();
    assert.deepEqual(moved.slice(0, 1), [`fork ${height - 1}`]);
    assert.equal(world.follower.confirmed.has(first as never), true);
    assert.equal(world.follower.confirmed.has(second as never), false);
    world.mine(1);
    const at = world.chain.tip.height;
    assert.ok((await world.restart()).includes(`confirmed ${at}: ${second}`));
    // What is known for sure to be in no block is not believed to be in one.
    world.follower.confirmed.set(second as never, {
      height: at as never,
      blockHash: "11".repeat(32) as never,
    });
    assert.deepEqual(await world.restart(), [`confirmed ${at}: ${second}`]);
  });

  it("are read whole where a script comes up late, though its newest transaction was told for another one", async () => {
    const world = new World();
    const early = world.pay(other);
    for (let n = 0; n < 12; n++) world.pay(other);
    world.pay(script, other);
    world.mine(100);
    await world.run();
    world.learn(other);
    const told = await world.run();
    assert.ok(told.some((line) => line.endsWith(early)));
    assert.equal(told.filter((line) => line.startsWith("confirmed")).length, 13);
  });

  it("are read down to where they were read last, whatever is known of what came since", async () => {
    const world = new World();
    world.learn(other);
    const early = world.pay(other);
    await world.run();
    const { scriptHistory } = world.client;
    const missed = world.pay(other);
    for (let n = 0; n < 12; n++) world.pay(other);
    world.pay(script, other);
    world.mine(100);
    // A server whose index of one script is late.
    world.client.scriptHistory = async (asked, isSettled) => {
      const items = await scriptHistory.call(world.client, asked, isSettled);
      return asked === other ? items.filter(({ txid }) => txid === early) : items;
    };
    await world.run();
    world.client.scriptHistory = scriptHistory;
    world.mine(1);
    assert.ok((await world.run()).some((line) => line.endsWith(missed)));
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { equalBytes, type OutPoint, type Sat } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { ChainSourceError } from "@fulmen/chain-sync";
import { TransactionSync, WatchList } from "@fulmen/chain-sync/transactions";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw, present, sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { Dice } from "@fulmen/testkit/network";
import { createFundedChain, Faucet, inputOf } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "./recordingFollower.ts";
import { SimulatedClient } from "./simulatedClient.ts";

/** A chain on which something happens at any time, also between two answers, and a follower of it that restarts. */
class RandomWorld {
  readonly dice: Dice;
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly wallet = new Faucet(77);
  readonly owner = new Faucet(78);
  readonly client: SimulatedClient;
  readonly follower: RecordingFollower;
  readonly tellsWhatItHas: boolean;
  /** What the follower has registered, in all its lives. */
  readonly registered: { readonly outPoint: OutPoint; readonly script: Uint8Array }[] = [];
  watch = new WatchList();
  sync: TransactionSync;
  /** How often something is going to happen between two answers. */
  unrest = 0;
  isAtRest = true;
  counts = { reorgs: 0, restarts: 0, failures: 0, compared: 0 };

  constructor(seed: number) {
    this.dice = new Dice(seed);
    const { chain, faucet } = createFundedChain({ seed, coins: 12 });
    this.chain = chain;
    this.faucet = faucet;
    this.client = new SimulatedClient(chain, seed % 2 === 0 ? "outputs" : "scripts");
    this.tellsWhatItHas = seed % 4 < 2;
    this.client.onRequest = () => {
      if (this.unrest === 0 || this.dice.roll(8) > 0) return;
      this.unrest--;
      this.happen();
    };
    this.follower = new RecordingFollower(chain.locator());
    // As monitors do: what a registered output's spend pays to is registered, too.
    this.follower.onTransaction = ({ transaction }) => {
      if (!this.watch.isSpentBy(transaction)) return;
      for (const [index, { script }] of transaction.outputs.entries()) {
        if (equalBytes(script, this.owner.script)) this.register({ txid: txidOf(transaction), index });
      }
    };
    this.sync = this.newSync();
  }

  newSync(): TransactionSync {
    return new TransactionSync({
      client: this.client,
      network: networks.regtest,
      watch: this.watch,
      retryDelay: 0,
    });
  }

  register(outPoint: OutPoint): void {
    const output = { outPoint, script: this.owner.script };
    this.registered.push(output);
    this.watch.registerOutput(output);
  }

  /** The process dies: what it knows of the chain is all that it has. */
  restart(): void {
    this.counts.restarts++;
    this.watch = new WatchList();
    for (const output of this.registered) this.watch.registerOutput(output);
    this.sync = this.newSync();
  }

  happen(): void {
    const { chain, dice } = this;
    switch (dice.roll(8)) {
      case 0:
        this.fund(this.wallet.script);
        return;
      case 1:
        this.spendOf(this.wallet, this.faucet.script);
        return;
      case 2: {
        const funding = this.fund(this.owner.script);
        if (funding !== undefined) this.register({ txid: txidOf(funding), index: 0 });
        return;
      }
      case 3:
      case 4:
        this.spendOf(this.owner, this.owner.script);
        return;
      case 5:
      case 6:
        chain.mine(1 + dice.roll(3), { only: this.some(), payTo: nobody });
        return;
      default:
        this.reorganise(1 + dice.roll(5));
    }
  }

  reorganise(depth: number): void {
    const { chain } = this;
    if (chain.tip.height - depth < 112) return;
    this.counts.reorgs++;
    const only = this.some();
    chain.reorg(depth, { payTo: nobody });
    chain.mine(1, { only: only.filter((txid) => chain.mempool.includes(txid)), payTo: nobody });
  }

  /** What of the mempool goes into a block: parents with their children, or nothing. */
  some(): readonly ReturnType<typeof txidOf>[] {
    return this.dice.roll(4) === 0 ? [] : this.chain.mempool;
  }

  fund(script: Uint8Array): Transaction | undefined {
    if (this.faucet.spendable(this.chain).length === 0) return undefined;
    const transaction = this.faucet.fund(this.chain, [{ value: sat(100_000), script }], feeratePerKw(1_000));
    return this.chain.submit(transaction).ok ? transaction : undefined;
  }

  /** Spends a coin of somebody's that nothing spends yet, confirmed or not. */
  spendOf(who: Faucet, script: Uint8Array): void {
    const unconfirmed = this.chain.mempool.flatMap((txid) => {
      const { transaction } = present(this.chain.transaction(txid), "a transaction");
      return transaction.outputs.map((output, index) => ({ outPoint: { txid, index }, output }));
    });
    const coins = [...unconfirmed, ...this.chain.coins(who.script)].filter(
      ({ outPoint, output }) =>
        equalBytes(output.script, who.script) &&
        output.value > 5_000n &&
        this.chain.outputSpentBy(outPoint) === undefined,
    );
    if (coins.length === 0) return;
    const { outPoint, output } = present(coins[this.dice.roll(coins.length)], "a coin");
    const value = (output.value - 2_000n) as Sat;
    this.chain.submit(who.spend([{ input: inputOf(outPoint), output }], [{ value, script }]));
  }

  async run(): Promise<void> {
    try {
      await this.sync.sync({
        followers: [this.follower],
        mempool: [],
        scripts: [
          {
            scripts: () => [this.wallet.script],
            takeScripts: () => [],
            ...(this.tellsWhatItHas && { blockOf: (txid) => this.follower.confirmed.get(txid) }),
          },
        ],
      });
    } catch (error) {
      // The chain may move faster than anybody can ask.
      if (!(error instanceof ChainSourceError) || this.isAtRest) throw error;
      this.counts.failures++;
    }
  }

  /** What the follower knows is what the chain says. */
  check(what: string): void {
    const { chain, follower } = this;
    assert.equal(follower.position()?.hash, chain.tip.hash, what);
    const wanted = new Set<string>();
    const coins = new Set(this.registered.map(({ outPoint }) => `${outPoint.txid}:${outPoint.index}`));
    for (let height = 0; height <= chain.tip.height; height++) {
      const { block, hash, txids } = present(chain.blockAt(height), "a block");
      for (const [i, { inputs, outputs }] of block.transactions.entries()) {
        const txid = present(txids[i], "an id");
        const spends = inputs.some(({ outPoint }) => coins.has(`${outPoint.txid}:${outPoint.index}`));
        const creates = outputs.some((_, index) => coins.has(`${txid}:${index}`));
        const pays = [...outputs.keys()].filter((n) =>
          equalBytes(present(outputs[n], "it").script, this.wallet.script),
        );
        for (const index of pays) coins.add(`${txid}:${index}`);
        if (!spends && !creates && pays.length === 0) continue;
        wanted.add(txid);
        assert.deepEqual(follower.confirmed.get(txid), { height, blockHash: hash }, `${what}: ${txid}`);
      }
    }
    for (const [txid, { height, blockHash }] of follower.confirmed) {
      assert.equal(chain.blockAt(height)?.hash, blockHash, `${what}: ${txid} at ${height}`);
    }
    this.counts.compared += wanted.size;
  }
}

const nobody = p2wpkh(new Uint8Array(20).fill(1));

before(() => {
  installNodeCrypto();
});

describe("TransactionSync on a chain that is never at rest", () => {
  it("knows what the chain says whenever it stands still", async () => {
    const total = { reorgs: 0, restarts: 0, failures: 0, compared: 0 };
    for (let seed = 1; seed <= 8; seed++) {
      const world = new RandomWorld(seed);
      for (let round = 0; round < 12; round++) {
        for (let n = world.dice.roll(6); n > 0; n--) world.happen();
        if (world.dice.roll(4) === 0) world.restart();
        world.unrest = world.dice.roll(10);
        world.isAtRest = world.unrest === 0;
        await world.run();
        world.unrest = 0;
        world.isAtRest = true;
        await world.run();
        world.check(`seed ${seed}, round ${round}`);
      }
      for (const key of ["reorgs", "restarts", "failures", "compared"] as const)
        total[key] += world.counts[key];
    }
    assert.ok(total.reorgs > 20 && total.restarts > 10 && total.compared > 300, JSON.stringify(total));
  });
});

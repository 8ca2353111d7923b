import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { strippedSize, type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { type ChainClients, ChainSourceError } from "@fulmen/chain-sync";
import { TransactionSync, WatchList } from "@fulmen/chain-sync/transactions";
import { blockHeight, feeratePerKw, present, sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet, inputOf } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "./recordingFollower.ts";
import { SimulatedClient } from "./simulatedClient.ts";

const feerate = feeratePerKw(1_000);
const scriptOf = (seed: number) => p2wpkh(new Uint8Array(20).fill(seed));

class World {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly client: SimulatedClient;
  readonly watch = new WatchList();
  readonly follower: RecordingFollower;
  readonly seen: string[] = [];
  readonly sync: TransactionSync;
  scripts: Uint8Array[] = [];
  #newScripts: Uint8Array[] = [];
  readonly clients: ChainClients;

  constructor(by: "outputs" | "scripts" = "outputs") {
    const { chain, faucet } = createFundedChain({ coins: 5 });
    this.chain = chain;
    this.faucet = faucet;
    this.client = new SimulatedClient(chain, by);
    this.follower = new RecordingFollower(chain.locator());
    this.sync = new TransactionSync({
      client: this.client,
      network: networks.regtest,
      watch: this.watch,
      retryDelay: 1,
    });
    this.clients = {
      followers: [this.follower],
      mempool: [{ transactionSeen: (transaction) => void this.seen.push(txidOf(transaction)) }],
      scripts: [
        {
          scripts: () => this.scripts,
          takeScripts: () => this.#newScripts.splice(0),
        },
      ],
    };
  }

  addScript(script: Uint8Array): void {
    this.scripts.push(script);
    this.#newScripts.push(script);
  }

  /** What the follower hears of a sync, but for old coins of the faucet's. */
  async run(): Promise<readonly string[]> {
    await this.sync.sync(this.clients);
    return this.follower.take().filter((line) => !/^confirmed \d\d?:|^confirmed 10[0-4]:/.test(line));
  }

  mine(count: number): void {
    this.chain.mine(count, { payTo: scriptOf(99) });
  }

  /** A transaction of the faucet's whose first output pays to the faucet again, so that it can be spent on. */
  pay(): Transaction {
    const transaction = this.faucet.fund(
      this.chain,
      [{ value: sat(1_000_000), script: this.faucet.script }],
      feerate,
    );
    assert.ok(this.chain.submit(transaction).ok);
    return transaction;
  }

  /** Spends the first output of a transaction. */
  spend(parent: Transaction): Transaction {
    const output = present(parent.outputs[0], "an output");
    const input = inputOf({ txid: txidOf(parent), index: 0 });
    const outputs = [{ value: sat(output.value - 1_000n), script: this.faucet.script }];
    const transaction = this.faucet.spend([{ input, output }], outputs);
    assert.ok(this.chain.submit(transaction).ok);
    return transaction;
  }

  register(transaction: Transaction, index = 0): void {
    const { script } = present(transaction.outputs[index], "an output");
    this.watch.registerOutput({ outPoint: { txid: txidOf(transaction), index }, script });
  }

  /** Registers the first output of each transaction that is told of and spends a registered one, as monitors do. */
  registerChildren(): void {
    this.follower.onTransaction = ({ transaction }) => {
      if (this.watch.isSpentBy(transaction)) this.register(transaction);
    };
  }
}

for (const by of ["outputs", "scripts"] as const) {
  describe(`TransactionSync, asking by ${by}`, () => {
    it("tells of what creates and what spends a registered output, in the order of blocks, and of the tip", async () => {
      const world = new World(by);
      const funding = world.pay();
      world.register(funding);
      world.mine(1);
      assert.deepEqual(await world.run(), [`confirmed 105: ${txidOf(funding)}`, "best 105"]);
      const spending = world.spend(funding);
      world.mine(3);
      assert.deepEqual(await world.run(), [`confirmed 106: ${txidOf(spending)}`, "best 106", "best 108"]);
      assert.deepEqual(await world.run(), []);
    });

    it("tells of a chain of spends that are registered one after the other, before any later block", async () => {
      const world = new World(by);
      world.registerChildren();
      const funding = world.pay();
      const other = world.pay();
      world.register(funding);
      world.register(other);
      world.mine(1);
      const first = world.spend(funding);
      world.mine(1);
      const second = world.spend(first);
      world.mine(1);
      const later = world.spend(other);
      world.mine(2);
      const lines = await world.run();
      assert.deepEqual(lines.slice(2), [
        "best 105",
        `confirmed 106: ${txidOf(first)}`,
        "best 106",
        `confirmed 107: ${txidOf(second)}`,
        "best 107",
        `confirmed 108: ${txidOf(later)}`,
        "best 108",
        "best 109",
      ]);
    });

    it("tells in one go of what a block has of a chain of spends, though nobody registered the later ones", async () => {
      const world = new World(by);
      world.registerChildren();
      const funding = world.pay();
      world.register(funding);
      world.mine(1);
      await world.run();
      const first = world.spend(funding);
      const second = world.spend(first);
      const third = world.spend(second);
      world.mine(1);
      let lines: readonly string[] | undefined;
      const { onTransaction } = world.follower;
      world.follower.onTransaction = (told) => {
        onTransaction(told);
        queueMicrotask(() => {
          if (world.follower.lines.length > 0) lines ??= [...world.follower.lines];
        });
      };
      await world.run();
      assert.deepEqual(lines, [
        ...[first, second, third].map((each) => `confirmed 106: ${txidOf(each)}`),
        "best 106",
      ]);
    });

    it("undoes what a reorganisation took away before it tells of the new branch", async () => {
      const world = new World(by);
      const funding = world.pay();
      world.register(funding);
      world.mine(2);
      await world.run();
      world.chain.reorg(2, { length: 3, only: [txidOf(funding)], payTo: scriptOf(99) });
      assert.deepEqual(await world.run(), [
        "fork 104",
        `confirmed 105: ${txidOf(funding)}`,
        "best 105",
        "best 107",
      ]);
    });
  });
}

describe("TransactionSync", () => {
  it("unconfirms what the listener knows where the fork is too long ago for it to know", async () => {
    const world = new World();
    const funding = world.pay();
    world.register(funding);
    world.mine(1);
    await world.run();
    world.mine(5);
    // Skipped blocks leave it with one ancestor.
    await world.run();
    world.chain.reorg(6, { length: 7 });
    assert.deepEqual(await world.run(), [`unconfirmed ${txidOf(funding)}`, "best 111"]);
    world.mine(1);
    assert.deepEqual(await world.run(), [`confirmed 112: ${txidOf(funding)}`, "best 112"]);
  });

  it("scans a wallet's scripts until none is new, and tells of the mempool with parents first", async () => {
    const world = new World();
    const pays = [1, 2, 3].map((seed) =>
      world.faucet.fund(world.chain, [{ value: sat(50_000), script: scriptOf(seed) }], feerate),
    );
    for (const each of pays) assert.ok(world.chain.submit(each).ok);
    world.mine(1);
    const [first, second, third] = pays.map(txidOf);
    world.addScript(scriptOf(3));
    const next = new Map([
      [third, scriptOf(2)],
      [second, scriptOf(1)],
    ]);
    world.follower.onTransaction = ({ transaction }) => {
      const script = next.get(txidOf(transaction));
      if (script !== undefined) world.addScript(script);
    };
    assert.deepEqual(await world.run(), [
      `confirmed 105: ${third}`,
      "best 105",
      `confirmed 105: ${second}`,
      `confirmed 105: ${first}`,
    ]);
    world.addScript(world.faucet.script);
    const parent = world.pay();
    const child = world.spend(parent);
    await world.run();
    assert.deepEqual(world.seen, [txidOf(parent), txidOf(child)]);
    await world.run();
    assert.equal(world.seen.length, 2);
  });

  it("asks for few of a large wallet's scripts with each block, and for all of them within ten", async () => {
    const world = new World();
    for (let i = 0; i < 4_000; i++) {
      const script = p2wpkh(Uint8Array.from({ length: 20 }, (_, at) => (i >> (8 * (at % 4))) & 255));
      world.addScript(script);
    }
    world.client.scriptHistory = async (script) => {
      world.client.asked.set("histories", (world.client.asked.get("histories") ?? 0) + 1);
      world.client.asked.set(script.join(), 1);
      return [];
    };
    await world.run();
    assert.equal(world.client.take("histories"), 4_000);
    world.client.asked.clear();
    for (let i = 0; i < 11; i++) {
      world.mine(1);
      await world.run();
      assert.ok(world.client.take("histories") <= 500);
    }
    await world.run();
    assert.equal(world.client.take("histories"), 100);
    assert.ok(world.scripts.every((script) => world.client.asked.has(script.join())));
  });

  it("tells those who are new to it of everything, though it told others of it", async () => {
    const world = new World();
    for (let n = 0; n < 200; n++) world.addScript(scriptOf(n));
    await world.run();
    await world.run();
    assert.equal(world.client.take("scriptHistory"), 300, "of all, and then of the newest");
    // As when another source has told meanwhile of nobody knows what.
    const wallet = { scripts: () => world.scripts, takeScripts: () => [] };
    const { position, listeners } = world.follower;
    const follower = { position: position.bind(world.follower), listeners };
    await world.sync.sync({ followers: [follower], mempool: [], scripts: [wallet] });
    assert.equal(world.client.take("scriptHistory"), 200);
  });

  it("tells what followers with different positions lack", async () => {
    const world = new World();
    const funding = world.pay();
    world.register(funding);
    world.mine(1);
    const [behind, ahead] = [world.follower, new RecordingFollower(world.chain.locator())];
    const fresh = new RecordingFollower();
    world.mine(1);
    await world.sync.sync({ ...world.clients, followers: [behind, ahead, fresh] });
    const confirmed = `confirmed 105: ${txidOf(funding)}`;
    assert.deepEqual(behind.lines, [confirmed, "best 105", "best 106"]);
    assert.deepEqual(ahead.lines, [confirmed, "best 106"]);
    assert.deepEqual(fresh.lines, [confirmed, "best 105", "best 106"]);
  });

  for (const when of ["before", "after"] as const) {
    it(`begins anew when a reorganisation comes ${when} the last answer, before it tells anything`, async () => {
      const world = new World();
      const funding = world.pay();
      world.register(funding);
      world.mine(1);
      const { merkleProof } = world.client;
      world.client.merkleProof = async (...question) => {
        world.client.merkleProof = merkleProof;
        const answer = when === "after" ? await world.client.merkleProof(...question) : undefined;
        world.chain.reorg(1, { length: 2 });
        return answer ?? world.client.merkleProof(...question);
      };
      assert.deepEqual(await world.run(), ["best 106"]);
    });
  }

  it("goes on where blocks come while it asks, up to the last of them", async () => {
    const world = new World();
    const funding = world.pay();
    world.register(funding);
    world.mine(1);
    const { merkleProof } = world.client;
    world.client.merkleProof = (...question) => {
      world.client.merkleProof = merkleProof;
      world.mine(2);
      return world.client.merkleProof(...question);
    };
    assert.deepEqual(await world.run(), [`confirmed 105: ${txidOf(funding)}`, "best 105", "best 107"]);
  });

  it("tells again of a spend that was told of before its output was registered", async () => {
    const world = new World();
    const [funding, paying] = [world.pay(), world.pay()];
    world.mine(1);
    world.addScript(world.faucet.script);
    const spending = world.spend(funding);
    world.mine(1);
    assert.ok((await world.run()).includes(`confirmed 106: ${txidOf(spending)}`));
    assert.deepEqual(await world.run(), []);
    world.register(funding);
    world.register(paying);
    assert.deepEqual(await world.run(), [`confirmed 106: ${txidOf(spending)}`]);
    assert.deepEqual(await world.run(), []);
  });

  it("asks little when nothing has changed", async () => {
    const world = new World();
    const fundings = Array.from({ length: 3 }, () => world.pay());
    for (const funding of fundings) world.register(funding);
    world.mine(1);
    await world.run();
    world.client.asked.clear();
    world.mine(1);
    await world.run();
    const { asked } = world.client;
    assert.deepEqual([...asked.keys()].sort(), ["outputs", "tip"]);
    assert.equal(asked.get("outputs"), 3);
  });

  it("tells a bounded number of times of what a server makes up for the mempool", async () => {
    const world = new World();
    let made = 0;
    world.addScript(scriptOf(0));
    world.client.scriptHistory = async (script) => {
      const transaction = {
        version: 2,
        inputs: [],
        outputs: [{ value: sat(1_000), script }],
        locktime: made,
      };
      return [{ txid: txidOf(transaction), height: undefined, transaction }];
    };
    const listener = {
      transactionSeen: () => {
        made++;
        world.addScript(p2wpkh(new Uint8Array(20).fill(made % 256).fill(made >> 8, 0, 1)));
      },
    };
    await world.sync.sync({ ...world.clients, mempool: [listener] });
    assert.ok(made <= 10, `${made} were told of`);
  });

  it("forgets outputs that were spent long ago, and no others", async () => {
    const world = new World();
    const [spent, unspent] = [world.pay(), world.pay()];
    world.register(spent);
    world.register(unspent);
    world.mine(1);
    world.spend(spent);
    world.mine(1);
    await world.run();
    world.mine(99);
    await world.run();
    assert.equal(world.watch.size, 2);
    world.mine(1);
    await world.run();
    assert.equal(world.watch.size, 1);
  });

  it("takes nothing that is not proven, and says so", async () => {
    const lies: readonly ((client: SimulatedClient, funding: Transaction) => void)[] = [
      (client) => {
        const { merkleProof } = client;
        client.merkleProof = async (txid, height) => {
          const proof = present(await merkleProof.call(client, txid, height), "a proof");
          return { ...proof, siblings: proof.siblings.map(() => txid) };
        };
      },
      (client) => {
        const other = present(client.chain.tip.block.transactions[0], "a coinbase");
        client.transaction = async () => other;
      },
      (client) => {
        const { tip } = client;
        client.tip = async () => {
          const { header, height } = await tip.call(client);
          return { header: { ...header, bits: 0x1d00_ffff }, height };
        };
      },
      (client) => {
        const { headers } = client;
        client.headers = async (from, count) =>
          (await headers.call(client, from, count)).map(() => client.chain.tip.block.header);
      },
    ];
    const codes = ["invalid-chain", "invalid-answer", "invalid-chain", "invalid-chain"];
    for (const [i, lie] of lies.entries()) {
      const world = new World();
      const funding = world.pay();
      world.register(funding);
      world.mine(3);
      lie(world.client, funding);
      await assert.rejects(world.run(), (error) => {
        assert.ok(error instanceof ChainSourceError);
        assert.equal(error.code, codes[i]);
        return true;
      });
      assert.deepEqual(world.follower.lines, []);
    }
  });

  it("believes no block whose target is not the one that the network asks for", async () => {
    const world = new World();
    world.mine(1);
    await world.run();
    world.mine(1);
    const { block, height } = world.chain.tip;
    let header = { ...block.header, bits: 0x201f_ffff };
    while (!hasProofOfWork(header, networks.regtest)) header = { ...header, nonce: header.nonce + 1 };
    world.client.tip = async () => ({ header, height });
    await assert.rejects(world.run(), { code: "invalid-chain" });
    assert.deepEqual(world.follower.lines, []);
  });

  it("takes up no more than so many transactions that nobody has proven", async () => {
    const world = new World();
    for (let n = 0; n < 12; n++) world.addScript(scriptOf(n));
    let made = 0;
    world.client.scriptHistory = async () =>
      Array.from({ length: 10_000 }, () => ({
        txid: (made++).toString(16).padStart(64, "0") as Txid,
        height: undefined,
      }));
    await world.run();
    assert.equal(world.sync.gaps.length, 2, "100,000 of ten scripts, and none of two more");
    world.client.scriptHistory = async () => [];
    await world.run();
    assert.deepEqual(world.sync.gaps, []);
  });

  it("believes no heights that are others than those of known blocks", async () => {
    const world = new World();
    world.mine(3);
    await world.run();
    world.mine(1);
    const { tip, headers } = world.client;
    world.client.tip = async () => {
      const { header, height } = await tip.call(world.client);
      return { header, height: blockHeight(height + 1) };
    };
    world.client.headers = (from, count) => headers.call(world.client, from - 1, count);
    await assert.rejects(world.run(), { code: "invalid-chain" });
    assert.deepEqual(world.follower.lines, []);
  });

  it("passes over a transaction of 64 bytes, which may as well be two hashes of a merkle tree", async () => {
    const world = new World();
    world.addScript(scriptOf(5));
    const transaction: Transaction = {
      version: 2,
      inputs: [
        inputOf({ txid: txidOf(present(world.chain.tip.block.transactions[0], "a coinbase")), index: 0 }),
      ],
      outputs: [{ value: sat(1_000), script: new Uint8Array(4) }],
      locktime: 0,
    };
    assert.equal(strippedSize(transaction), 64);
    world.client.scriptHistory = async () => [{ txid: txidOf(transaction), height: 100, transaction }];
    world.client.merkleProof = async () => ({ position: 0, siblings: [] });
    world.mine(1);
    assert.deepEqual(await world.run(), ["best 105"]);
  });

  it("undoes nothing for a server that is behind", async () => {
    const world = new World();
    world.mine(3);
    await world.run();
    const behind = present(world.chain.blockAt(105), "a block");
    world.client.tip = async () => ({ header: behind.block.header, height: behind.height });
    await assert.rejects(world.run(), { code: "not-synced" });
    assert.deepEqual(world.follower.lines, []);
  });
});

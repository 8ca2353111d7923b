import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, blockHash, encodeBlock } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import type { ChainClients, ChainTip, SyncProgress } from "@fulmen/chain-sync";
import { ChainSourceError } from "@fulmen/chain-sync";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { type BlockHash, type BlockHeight, present } from "@fulmen/lightning/util";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { type BlockClient, BlockSync } from "#src/blocks/index";

/** Asks the chain itself. */
class DirectClient implements BlockClient {
  readonly chain = new SimulatedChain();
  blocksUnderWay = 0;
  mostUnderWay = 0;
  asked: number[] = [];
  /** Called before an answer, with what was asked for. */
  before: (question: "tip" | "hashes" | "header" | "headers" | "block", height: number) => void = () => {};

  async tip(): Promise<ChainTip> {
    this.before("tip", 0);
    return { hash: this.chain.tip.hash, height: this.chain.tip.height };
  }

  async hashes(from: number, count: number): Promise<readonly BlockHash[]> {
    this.before("hashes", from);
    const blocks = Array.from({ length: count }, (_, i) => this.chain.blockAt(from + i));
    return blocks.flatMap((block) => (block === undefined ? [] : [block.hash]));
  }

  async header(hash: BlockHash): Promise<BlockHeader | undefined> {
    this.before("header", 0);
    return this.#find(hash)?.block.header;
  }

  async headers(hashes: readonly BlockHash[]): Promise<readonly BlockHeader[]> {
    this.before("headers", 0);
    return hashes.map((hash) => present(this.#find(hash), "a block").block.header);
  }

  async block(hash: BlockHash, height: number): Promise<Uint8Array> {
    this.asked.push(height);
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.blocksUnderWay);
    await new Promise((resolve) => setImmediate(resolve));
    this.blocksUnderWay--;
    this.before("block", height);
    return encodeBlock(present(this.#find(hash), "a block").block);
  }

  #find(hash: BlockHash) {
    const { forkPoint, disconnected } = this.chain.blocksSince({ hash, ancestors: [] });
    return [forkPoint, disconnected[0]].find((block) => block?.hash === hash);
  }
}

class Listener {
  readonly heard: number[] = [];
  position: BlockLocator | undefined;

  blockConnected(header: BlockHeader, _: unknown, height: BlockHeight): void {
    this.heard.push(height);
    const ancestors = [header.previous, ...(this.position?.ancestors ?? [])].slice(0, 12);
    this.position = { hash: blockHash(header), height, ancestors };
  }

  blocksDisconnected({ hash, height }: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    this.heard.push(-height);
    this.position = { hash, height, ancestors: [] };
  }

  transactionsConfirmed(): void {}
  transactionUnconfirmed(): void {}
  bestBlockUpdated(): void {}
  relevantTxids(): readonly [] {
    return [];
  }

  get clients(): ChainClients {
    const follower = { position: () => this.position, listeners: [this] };
    return { followers: [follower], mempool: [], scripts: [] };
  }
}

function syncOf(count: number) {
  const client = new DirectClient();
  client.chain.mine(count);
  return { client, listener: new Listener(), sync: new BlockSync({ client, network: networks.regtest }) };
}

const unreachable = new ChainSourceError("unreachable", "it is gone", "wait");

describe("bringing followers to the tip, block by block", () => {
  it("fetches four blocks ahead, says how far it is, and starts anew from where it was", async () => {
    const { client, listener, sync } = syncOf(40);
    const progress: SyncProgress[] = [];
    const tip = await sync.sync(listener.clients, (each) => progress.push(each));
    assert.equal(tip.hash, client.chain.tip.hash);
    assert.deepEqual(
      listener.heard,
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    assert.equal(client.mostUnderWay, 4);
    assert.deepEqual(progress.at(-1), { height: 40, tip: 40 });
    client.asked.length = 0;
    client.chain.mine(2);
    await sync.sync(listener.clients);
    assert.deepEqual(client.asked, [41, 42]);
  });

  it("asks for no more while an earlier block is told of", async () => {
    const { client, listener, sync } = syncOf(40);
    const paced = async (): Promise<void> => {
      const last = listener.heard.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
      assert.ok(Math.max(...client.asked) <= last + 4);
    };
    await sync.sync({ ...listener.clients, paced });
    assert.equal(listener.heard.length, 40);
  });

  it("is at the end of a block when one does not come, and goes on from there", async () => {
    const { client, listener, sync } = syncOf(20);
    client.before = (question, height) => {
      if (question === "block" && height >= 8) throw unreachable;
    };
    await assert.rejects(sync.sync(listener.clients), unreachable);
    assert.deepEqual(listener.heard, [1, 2, 3, 4, 5, 6, 7]);
    client.before = () => {};
    await sync.sync(listener.clients);
    assert.equal(listener.heard.length, 20);
    assert.equal(listener.position?.hash, client.chain.tip.hash);
  });

  it("begins anew when the chain moves between two answers", async () => {
    for (const question of ["hashes", "headers", "header", "block"] as const) {
      const { client, listener, sync } = syncOf(30);
      await sync.sync(listener.clients);
      client.chain.mine(3);
      let isDue = true;
      client.before = (asked) => {
        if (!isDue || asked !== question) return;
        isDue = false;
        client.chain.reorg(6);
      };
      await sync.sync(listener.clients);
      await sync.sync(listener.clients);
      assert.equal(listener.position?.hash, client.chain.tip.hash, question);
    }
  });

  it("gives up on answers that never fit together", async () => {
    const { client, listener, sync } = syncOf(30);
    await sync.sync(listener.clients);
    client.chain.mine(3);
    let tips = 0;
    client.before = (question) => {
      if (question === "tip") tips++;
    };
    const { hashes } = client;
    client.hashes = async (from, count) => {
      if (from <= 30) return hashes.call(client, from, count);
      return [present(client.chain.blockAt(from - 2), "a block").hash];
    };
    await assert.rejects(sync.sync(listener.clients), { code: "invalid-chain", message: /does not follow/ });
    assert.equal(tips, 4);
    assert.equal(listener.heard.length, 30);
  });

  it("knows a whole period where a new one begins, linked to what is known already", async () => {
    const { client, listener, sync } = syncOf(2_020);
    const { hash, height } = present(client.chain.blockAt(2_010), "block 2010");
    listener.position = { hash, height, ancestors: [] };
    const asked: (readonly [number, number])[] = [];
    const { hashes } = client;
    client.hashes = (from, count) => {
      asked.push([from, count]);
      return hashes.call(client, from, count);
    };
    await sync.sync(listener.clients);
    assert.deepEqual(asked.slice(1), [
      [2_011, 10],
      [0, 2_016],
    ]);
    assert.equal(listener.position?.height, 2_020);
    // Headers that do not lead to what is known are those of nobody.
    const misled = new Listener();
    misled.position = { hash, height, ancestors: [] };
    const { headers } = client;
    client.headers = async (wanted) => {
      const found = await headers.call(client, wanted);
      return wanted.length < 2_016 ? found : [...found.slice(1), present(found[0], "a header")];
    };
    const another = new BlockSync({ client, network: networks.regtest });
    await assert.rejects(another.sync(misled.clients), { code: "invalid-chain" });
    assert.ok(misled.heard.every((heard) => heard < 2_016));
  });

  it("follows a branch of the same work, as the source does", async () => {
    const { client, listener, sync } = syncOf(30);
    await sync.sync(listener.clients);
    client.chain.reorg(2, { length: 2 });
    await sync.sync(listener.clients);
    assert.deepEqual(listener.heard.slice(30), [-28, 29, 30]);
  });
});

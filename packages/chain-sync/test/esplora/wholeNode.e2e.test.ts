import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { ChainClients } from "@fulmen/chain-sync";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type Bytes32, type ChannelId, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { ApiFetch, apiUrl } from "./apiFetch.ts";

// A node that hears of the chain from an Esplora server ends where one does that is told of whole blocks.

before(() => {
  installNodeCrypto();
});

type Way = "esplora" | "blocks";

/** Two nodes, of which A hears of the chain in one way or the other, and B always of blocks. */
class World {
  readonly network: TestNetwork;
  readonly source: EsploraSource;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly #clients: ChainClients;
  readonly #way: Way;
  channelId: ChannelId | undefined;

  constructor(way: Way) {
    this.#way = way;
    const funded = createFundedChain({ seed: 7 });
    const api = new ApiFetch({}, funded);
    this.source = new EsploraSource({ url: apiUrl, network: "regtest", fetch: api.fetch, retryDelay: 1 });
    this.network = new TestNetwork({ seed: 7, funded });
    this.a = this.network.addNode(way === "esplora" ? { filter: this.source.filter } : {});
    this.b = this.network.addNode();
    const { a, network } = this;
    const follower = {
      position: () => a.manager.bestBlock,
      get listeners() {
        return a.listeners;
      },
    };
    this.#clients = {
      followers: [follower],
      mempool: [],
      scripts: [],
      paced: async () => network.settle(),
    };
  }

  /** Blocks of which A hears only when the last of `count` is there. */
  async mine(count: number, together = 1): Promise<void> {
    for (let mined = 0; mined < count; mined++) {
      this.network.chain.mine();
      this.b.syncChain();
      this.network.settle();
      if ((mined + 1) % together === 0 || mined === count - 1) await this.tellA();
    }
  }

  async reorg(depth: number): Promise<void> {
    this.network.chain.reorg(depth);
    this.b.syncChain();
    this.network.settle();
    await this.tellA();
  }

  async tellA(): Promise<void> {
    if (this.#way === "blocks") this.a.syncChain();
    else await this.source.sync(this.#clients);
    this.network.settle();
  }

  /** An open channel, with coins for what has to be bumped. */
  async open(): Promise<void> {
    const { network, a, b } = this;
    network.connect(a, b);
    const outputs = [a, b].flatMap(({ wallet }) =>
      Array.from({ length: 3 }, () => ({ value: sat(100_000), script: wallet.script })),
    );
    const coins = network.faucet.fund(network.chain, outputs, feeratePerKw(1_000));
    assert.ok(network.chain.submit(coins).ok);
    await this.mine(1);
    const { nodeId: counterparty } = b;
    a.manager.createChannel({
      counterparty,
      funding: sat(1_000_000),
      push: msat(400_000_000),
      announce: true,
      formats: ["anchors-zero-fee-htlc"],
    });
    network.settle();
    await this.mine(8);
    const [channel] = a.manager.listUsableChannels();
    this.channelId = present(channel, "a usable channel").channelId;
  }

  /** Both sides have an HTLC of the other's, when one of them closes the channel; A's preimage comes later. */
  close(closer: TestNode): void {
    const { network, a, b, channelId } = this;
    network.payInvoice(a, b, msat(20_000_000));
    for (const node of [a, b]) network.claims(node, "hold");
    network.payInvoice(a, b, msat(50_000_000));
    network.payInvoice(b, a, msat(60_000_000));
    const [link] = network.links;
    if (link !== undefined) {
      link.reconnects = false;
      network.cut(link);
    }
    closer.manager.forceCloseBroadcastingLatestTxn(present(channelId, "a channel"), "for the test");
    network.settle();
  }

  /** A knows the preimage of what B sent. */
  claimAtA(): void {
    const [claimable] = this.a.manager.listClaimablePayments();
    const event = this.a.eventList.find(({ kind }) => kind === "payment-claimable");
    assert.ok(claimable !== undefined && event?.kind === "payment-claimable");
    this.a.manager.claimFunds(present(event.purpose.paymentPreimage, "the preimage") as Bytes32);
    this.network.settle();
  }

  wealthOf({ wallet, keys }: TestNode): bigint {
    const scripts = [keys.destinationScript(new Uint8Array(32)), keys.shutdownScript()];
    const coins = scripts.flatMap((script) => this.network.chain.coins(script));
    return coins.reduce<bigint>((total, { output }) => total + output.value, wallet.balance);
  }

  /** What counts in the end. */
  summary(): unknown {
    const id = present(this.channelId, "a channel");
    return [this.a, this.b].map((node) => ({
      wealth: this.wealthOf(node),
      claimable: node.chainMonitor.claimableBalances(id),
      timeline: node.chainMonitor.closeTimeline(id).map(({ state }) => state.kind),
      sweeps: node.sweeper.trackedSpendableOutputs().map(({ status }) => status.kind),
      events: node.eventList.map(({ kind }) => kind).sort(),
      position: node.manager.bestBlock.hash,
      violations: node.keys.memory.violations,
    }));
  }
}

async function story(way: Way, closer: "a" | "b"): Promise<World> {
  const world = new World(way);
  await world.open();
  world.close(world[closer]);
  await world.mine(2);
  world.claimAtA();
  await world.mine(1);
  // Takes back the HTLC transactions, and the commitment too.
  await world.reorg(3);
  await world.mine(3);
  await world.reorg(2);
  await world.mine(200);
  return world;
}

describe("a node over an Esplora server", () => {
  for (const closer of ["a", "b"] as const) {
    it(`ends a channel with HTLCs, closed by ${closer}, as one over whole blocks does, through reorganisations`, async () => {
      const [one, other] = [await story("esplora", closer), await story("blocks", closer)];
      assert.deepEqual(one.summary(), other.summary());
      assert.deepEqual(one.a.chainMonitor.claimableBalances(present(one.channelId, "a channel")), []);
    });
  }

  it("catches up with all that happened to a channel while it was away", async () => {
    const world = new World("esplora");
    await world.open();
    world.close(world.b);
    world.claimAtA();
    await world.mine(240, 240);
    await world.mine(20);
    const id = present(world.channelId, "a channel");
    assert.deepEqual(world.a.chainMonitor.claimableBalances(id), []);
    assert.equal(world.a.manager.bestBlock.hash, world.network.chain.tip.hash);
  });
});

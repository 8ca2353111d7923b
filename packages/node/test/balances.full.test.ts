// timeout: 200 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelId, msat, type PaymentHash, sat, sum } from "@fulmen/lightning/util";
import { type Balances, type Node, NodeError } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { booked, Playfield, until } from "./support/playfield.ts";

// Channels between two nodes end in every way, with payments in them and reorganisations meanwhile, drawn by a seed. At
// every block the books of each node say what it has, nobody has what another one has as well unless they contend for
// it, and in the end nothing is lost but fees. FULMEN_SEEDS=8,9 tries others.

const seeds = (process.env["FULMEN_SEEDS"] ?? "11,14,21,25,103,121,142,150").split(",").map(Number);
const given = 3_000_000n;
/** Msat. */
const leastSwept = 1_000_000n;
const kinds = ["agreed", "ours", "theirs", "both", "revoked"] as const;
type Kind = (typeof kinds)[number];

/** Numbers that look random, the same in each run. */
function dice(start: number): (below: number) => number {
  let state = Math.imul(start, 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function copyOf(store: MemoryStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  await copy.commit(await store.scan("", undefined, 1_000_000));
  return copy;
}

interface Pair {
  readonly alice: Node;
  readonly bob: Node;
  readonly bobStore: MemoryStore;
}

class Scene {
  readonly field = new Playfield();
  readonly draw: (below: number) => number;
  readonly story: string[] = [];
  pair: Pair;
  feesBefore = 0n;
  /** Payments that wait for a decision. */
  held: { readonly by: "alice" | "bob"; readonly hash: PaymentHash; readonly amount: bigint }[] = [];

  private constructor(seed: number, field: Playfield, pair: Pair) {
    this.draw = dice(seed);
    this.field = field;
    this.pair = pair;
  }

  static async make(seed: number): Promise<Scene> {
    const field = new Playfield();
    const bobStore = new MemoryStore();
    const alice = await field.start("alice");
    const bob = await field.start("bob", { storage: bobStore });
    for (const node of [alice, bob]) await field.fund(node, sat(given));
    const scene = new Scene(seed, field, { alice, bob, bobStore });
    scene.feesBefore = field.chain.totalFees;
    return scene;
  }

  get nodes(): readonly [Node, Node] {
    return [this.pair.alice, this.pair.bob];
  }

  get total(): bigint {
    return this.nodes.reduce((all, node) => all + node.balances().total, 0n);
  }

  async fits(step: string): Promise<void> {
    const where = `${this.story.join(", ")}: ${step} at ${this.field.chain.tip.height}`;
    for (const node of this.nodes)
      await until(
        () => booked(node) === node.balances().total,
        `${where}: the books of ${node.status().alias}`,
      );
    const contested = this.held.reduce((all, { amount }) => all + amount, 0n);
    assert.ok(this.total <= 2n * given * 1_000n + contested, `${where}: there is more than there was`);
  }

  async open(): Promise<ChannelId> {
    const { alice, bob } = this.pair;
    const request = { peer: bob.uri, amount: sat(800_000), push: msat(200_000_000) };
    const opened = await alice.openChannel(request);
    const usable = (node: Node) =>
      node.channels().some((one) => one.channelId === opened.channelId && one.isUsable);
    for (let blocks = 0; !this.nodes.every(usable); blocks++) {
      assert.ok(blocks < 100, "it opens");
      await this.field.mine(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.fits("opened");
    return opened.channelId;
  }

  async pay(): Promise<void> {
    const [from, to] = this.draw(2) === 0 ? this.nodes : this.nodes.toReversed();
    const { invoice } = await (to as Node).receive({ amount: msat(1 + this.draw(150_000_000)) });
    await (from as Node).pay(invoice).catch((error: unknown) => {
      // What is drawn may be more than a side has: then nothing moves.
      assert.ok(error instanceof NodeError && error.code === "payment-failed", String(error));
    });
    await this.settled();
  }

  /** A payment that its payee decides about when the channel is closed. */
  async hold(): Promise<void> {
    const by = this.draw(2) === 0 ? "alice" : "bob";
    const [to, from] = by === "alice" ? this.nodes : this.nodes.toReversed();
    const amount = BigInt(1_000_000 + this.draw(60_000_000));
    const { invoice, paymentHash: hash } = await (to as Node).receive({ amount: msat(amount), hold: true });
    const paying = (from as Node).pay(invoice).then(
      () => true,
      () => true,
    );
    const isHeld = async () => (await (to as Node).payment(hash))?.status === "held";
    const failed = paying.then(() => false);
    if (await Promise.race([failed, until(isHeld, "held").then(() => true)])) {
      this.held.push({ by, hash, amount });
      this.story.push(`${by} holds ${amount}`);
    }
    await this.settled();
  }

  settled(): Promise<void> {
    const isSettled = (node: Node) =>
      node.channels().every(({ htlcs, phase }) => phase !== "open" || htlcs.length === this.held.length);
    return until(() => this.nodes.every(isSettled), "no HTLC but those that are held");
  }

  async close(kind: Kind, id: ChannelId): Promise<void> {
    this.story.push(kind);
    const { alice, bob } = this.pair;
    if (kind === "agreed") await alice.closeChannel(id);
    if (kind === "ours" || kind === "both") await alice.forceCloseChannel(id);
    // It may have heard of the other's close already.
    if (kind === "theirs" || kind === "both") await bob.forceCloseChannel(id).catch(() => undefined);
    if (kind === "revoked") await this.cheat(id);
  }

  /** Bob is started from an old copy of his store, closes, and comes back as he is. */
  async cheat(id: ChannelId): Promise<void> {
    const { alice, bob, bobStore } = this.pair;
    const old = await copyOf(bobStore);
    for (let n = 0; n < 3; n++) await this.pay();
    const now = await copyOf(bobStore);
    await bob.stop();
    const evil = await this.field.start("bob", { storage: old });
    await evil.forceCloseChannel(id);
    await until(() => this.field.chain.mempool.length > 0, "the old commitment");
    await evil.stop();
    await this.field.mine(1);
    this.pair = { alice, bobStore: now, bob: await this.field.start("bob", { storage: now }) };
    await this.fits("punished");
  }

  async block(): Promise<void> {
    const { chain } = this.field;
    if (this.draw(6) === 0) {
      const depth = 1 + this.draw(4);
      this.story.push(`reorg of ${depth}`);
      chain.reorg(depth, { length: depth + 1 });
    }
    await this.field.mine(this.draw(2) === 0 ? 1 : 1 + this.draw(12));
    await this.fits("a block");
  }

  /**
   * Until nothing is owed to anybody but what is not worth its sweep; what is held is claimed or not, two blocks after
   * the close. Then all is final, and no claim holds coins any more.
   */
  async end(): Promise<void> {
    const isOwed = ({ reason, amount }: Balances["closing"][number]) =>
      reason !== "sweep" || amount >= leastSwept;
    const isOver = (node: Node) =>
      !node.balances().closing.some(isOwed) && node.channels().every(({ phase }) => phase === "closed");
    for (let blocks = 0; !this.nodes.every(isOver); blocks++) {
      assert.ok(blocks < 500, `${this.story.join(", ")}: it ends`);
      if (blocks === 2) {
        for (const { by, hash } of this.held.filter(() => this.draw(2) === 0))
          await this.pair[by].claim(hash).catch(() => this.story.push("too late"));
      }
      await this.block();
    }
    this.held = [];
    await this.field.mine(6);
    for (const node of this.nodes) {
      const { wallet, chainMonitor } = node.parts;
      // As the node does itself every 30 seconds.
      wallet.retainClaims(chainMonitor.unsettledClaims());
      assert.equal(node.balances().onchain.locked.amount, 0n, "no coins are held");
      assert.deepEqual(
        node.channels().flatMap(({ htlcs }) => htlcs),
        [],
      );
    }
  }
}

for (const seed of seeds) {
  test(`what nodes have in closes of every kind, with reorganisations (seed ${seed})`, async () => {
    const scene = await Scene.make(seed);
    try {
      for (let n = 0; n < 2; n++) {
        const id = await scene.open();
        for (let i = scene.draw(4); i >= 0; i--) await scene.pay();
        const kind = kinds[scene.draw(kinds.length)] ?? "agreed";
        if (kind !== "agreed") for (let i = scene.draw(3); i > 0; i--) await scene.hold();
        await scene.close(kind, id);
        await scene.end();
      }
      const { chain } = scene.field;
      // What is being swept is less its fee already, which miners do not have yet.
      const isMoving = (node: Node) =>
        node.onchain.history().some(({ confirmations }) => confirmations === 0);
      await scene.field.mine(1);
      for (let blocks = 0; chain.mempool.length > 0 || scene.nodes.some(isMoving); blocks++) {
        assert.ok(blocks < 50, `${scene.story.join(", ")}: a transaction is never confirmed`);
        await scene.field.mine(1);
      }
      await scene.fits("the end");
      // Anchors that nobody needed stay on the chain for whoever wants them.
      const anchors = chain.coins().filter(({ output }) => output.value === 330n);
      const left = sum(anchors.map(({ output }) => output.value));
      const fees = chain.totalFees - scene.feesBefore;
      assert.equal(scene.total, (2n * given - fees - left) * 1_000n, scene.story.join(", "));
    } finally {
      await scene.field.stop();
    }
  });
}

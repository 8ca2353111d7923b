import { randomBytes } from "node:crypto";
import { crypto } from "@fulmen/bitcoin/crypto";
import { createPhantomInvoice, type PhantomRouteHints } from "@fulmen/lightning/manager";
import { PhantomKeysManager } from "@fulmen/lightning/sign";
import {
  type Msat,
  msat,
  type NodeId,
  type PaymentHash,
  paymentHashOf,
  present,
  sat,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Network } from "@fulmen/playground/network";
import { PostgresServer } from "@fulmen/testkit/postgres";

type Node = Network["nodes"][number];

/** What the shop has at the end. */
export interface Outcome {
  /** Under which all invoices are paid. */
  readonly phantomId: NodeId;
  /** Names of the nodes that took the payments, in their order. */
  readonly takenBy: readonly string[];
  /** What each of the shop's nodes has in its channel. */
  readonly balances: Readonly<Record<string, Msat>>;
  /** Of this process and the four nodes, at the beginning. */
  readonly processes: readonly number[];
}

/** The shop's nodes. */
const shop = ["north", "east", "south"];
const amount = msat(50_000_000);
const capacity = sat(500_000);

/** Plays the story; `say` is given each line of it. A crypto provider has to be installed. */
export async function run(say: (line: string) => void): Promise<Outcome> {
  const crossNodeSeed = toHex(randomBytes(32));
  const database = await PostgresServer.start();
  const each = (value: string): Record<string, string> =>
    Object.fromEntries(shop.map((name) => [name, value]));
  const network = new Network(["alice", ...shop], {
    onDeath: say,
    onLog: () => undefined,
    crossNodeSeeds: each(crossNodeSeed),
    databases: each(database.url()),
  });
  const abandon = (): void => network.abandon();
  process.on("exit", abandon);
  try {
    return await new Story(network, new Shop(crossNodeSeed), say).play();
  } finally {
    await network.stop();
    process.off("exit", abandon);
    await database.stop();
  }
}

/** Makes invoices, in this process: it has the seed that the nodes share, and no node. */
class Shop {
  readonly #keys: PhantomKeysManager;

  constructor(crossNodeSeed: string) {
    this.#keys = new PhantomKeysManager(randomBytes(32), Uint8Array.from(Buffer.from(crossNodeSeed, "hex")));
  }

  get phantomId(): NodeId {
    return this.#keys.phantom.nodeId;
  }

  invoice(routeHints: readonly PhantomRouteHints[], paymentHash?: PaymentHash): string {
    const { invoice } = createPhantomInvoice(
      { amount, description: "a shop with three nodes", routeHints, ...(paymentHash && { paymentHash }) },
      {
        nodeSigner: this.#keys,
        entropy: { randomBytes: (length) => Uint8Array.from(randomBytes(length)) },
        network: "regtest",
        now: Math.floor(Date.now() / 1_000) as UnixSeconds,
      },
    );
    return invoice;
  }
}

class Story {
  readonly #network: Network;
  readonly #shop: Shop;
  readonly #say: (line: string) => void;
  readonly #alice: Node;
  readonly #nodes: readonly Node[];
  readonly #takenBy: string[] = [];

  constructor(network: Network, shop: Shop, say: (line: string) => void) {
    this.#network = network;
    this.#shop = shop;
    this.#say = say;
    const [alice, ...nodes] = network.nodes;
    this.#alice = present(alice, "a payer");
    this.#nodes = nodes;
  }

  async play(): Promise<Outcome> {
    await this.#open();
    const hints = await Promise.all(this.#nodes.map((node) => node.call("phantomRouteHints")));
    const processes = [process.pid, ...this.#network.nodes.map(({ pid }) => pid)];
    const { phantomId } = this.#shop;
    this.#say(`A shop makes invoices of ${short(phantomId)}, a node that does not exist, in this process.`);

    const [first, second] = [this.#shop.invoice(hints), this.#shop.invoice(hints)];
    const taker = await this.#pay(first);
    this.#say(`Alice pays the first one: ${taker.name} takes it, as ${short(phantomId)}.`);
    await taker.kill();
    this.#say(`${taker.name} (pid ${processes[1 + this.#network.nodes.indexOf(taker)]}) is killed.`);
    // What is offered to a peer whose death was not noticed waits for it to come back.
    await this.#untilUsable(this.#nodes.length - 1);
    const other = await this.#pay(second);
    this.#say(`Alice pays the second one, which was made before that: ${other.name} takes it.`);
    await this.#backUp(taker);
    this.#say(`${taker.name} is started again, from what the database has, and Alice is connected to it.`);
    await this.#holdOverDeath(other);
    return { phantomId, takenBy: this.#takenBy, balances: await this.#balances(), processes };
  }

  /** A process each, and a channel of Alice's to each node of the shop. */
  async #open(): Promise<void> {
    const network = this.#network;
    await Promise.all(network.nodes.map((node) => node.start()));
    for (const _ of this.#nodes) await network.mint(this.#alice, sat(600_000));
    await network.mine(1);
    for (const node of this.#nodes) {
      await this.#alice.connect(node);
      const { nodeId } = await node.info();
      await network.until("both are connected", async () => {
        const { peers } = await this.#alice.call("status");
        return peers.includes(nodeId);
      });
      const before = await network.chain.call("mempool");
      await this.#alice.call("open", { nodeId, funding: capacity, format: "static-remotekey" });
      await network.untilBroadcast(1, before);
    }
    await network.mine(8);
    await this.#untilUsable(this.#nodes.length);
    const pids = network.nodes.map(({ name, pid }) => `${name} (pid ${pid})`);
    this.#say(
      `${pids.join(", ")}: Alice has a channel of ${capacity} sat to each of the others, which share a database.`,
    );
  }

  /** Alice pays; gives the node of the shop that has claimed it. */
  async #pay(invoice: string): Promise<Node> {
    return this.#sent(await this.#alice.call("pay", invoice));
  }

  /** The shop keeps the preimage; the node is killed while it waits for it, and claims afterwards. */
  async #holdOverDeath(node: Node): Promise<void> {
    const preimage = Uint8Array.from(randomBytes(32));
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    const hints = [await node.call("phantomRouteHints")];
    const paymentId = await this.#alice.call("pay", this.#shop.invoice(hints, paymentHash));
    await node.event(["payment-claimable"], (event) => event.paymentHash === paymentHash);
    this.#say(
      `Alice pays a third one, which ${node.name} holds until the shop has packed. ${node.name} is killed.`,
    );
    await node.kill();
    await this.#backUp(node);
    if (!(await node.call("claimWith", preimage))) throw new Error("the payment was lost");
    await this.#sent(paymentId);
    this.#say(`${node.name} is started again, is given the preimage, and claims.`);
  }

  /** Waits until Alice has paid, and for the word of the node that was. */
  async #sent(paymentId: string): Promise<Node> {
    const ends = ["payment-sent", "payment-failed"] as const;
    const end = await this.#alice.event(ends, (event) => event.paymentId === paymentId);
    if (end.kind === "payment-failed") throw new Error(`a payment failed: ${end.reason}`);
    const claimer = (): Node | undefined =>
      this.#nodes.find((node) => this.#hasClaimed(node, end.paymentHash));
    await this.#network.until("a node has claimed it as the phantom", async () => claimer() !== undefined);
    const node = present(claimer(), "a node that has claimed the payment");
    this.#takenBy.push(node.name);
    return node;
  }

  #hasClaimed(node: Node, paymentHash: PaymentHash): boolean {
    return node.events.some(
      (event) =>
        event.kind === "payment-claimed" &&
        event.paymentHash === paymentHash &&
        event.receiverNodeId === this.#shop.phantomId,
    );
  }

  async #backUp(node: Node): Promise<void> {
    await node.start();
    await this.#untilUsable(this.#nodes.length);
  }

  async #untilUsable(count: number): Promise<void> {
    await this.#network.until(`${count} of Alice's channels are usable`, async () => {
      const channels = await this.#alice.call("channels");
      return channels.filter(({ isUsable }) => isUsable).length === count;
    });
  }

  async #balances(): Promise<Record<string, Msat>> {
    const balances: Record<string, Msat> = {};
    for (const node of this.#nodes) {
      await this.#network.until("no HTLC is under way", async () => {
        const channels = await node.call("channels");
        return channels.every(({ pendingHtlcs }) => pendingHtlcs === 0);
      });
      const [channel] = await node.call("channels");
      balances[node.name] = present(channel, "a channel").localBalance;
    }
    const texts = Object.entries(balances).map(([name, balance]) => `${name} ${balance / 1_000n} sat`);
    this.#say(`The shop has ${texts.join(" and ")}.`);
    return balances;
  }
}

function short(id: string): string {
  return `${id.slice(0, 10)}…`;
}

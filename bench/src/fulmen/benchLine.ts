import { randomBytes } from "node:crypto";
import { readStoredRecords } from "@fulmen/background";
import type { KVStore } from "@fulmen/lightning/chain";
import type { Event } from "@fulmen/lightning/handlers";
import { restoreMonitors } from "@fulmen/lightning/storage";
import type { Bytes32 } from "@fulmen/lightning/util";
import { type BlockHeight, feeratePerKw, msat, type NodeId, present, sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";
import { channelSats } from "../paymentsMeasurement.ts";
import { BenchNode } from "./benchNode.ts";

/** What a node is there for; `spare` has a channel that nobody pays over. */
export type Role = "payer" | "hop" | "payee" | "spare";

/** Neighbours; the first one funds their channel. */
export type Link = readonly [Role, Role];

export interface LineOptions {
  /** Default: the payer and the payee. */
  readonly links?: readonly Link[];
  /** Where each node keeps its records; without a store nothing is written. */
  readonly storeOf?: (role: Role) => KVStore;
  /** Whether both sides of each channel can pay; else who funds it has it all. */
  readonly isBalanced?: boolean;
  /** Told of the node that works next. */
  readonly onTurn?: (role: Role) => void;
}

type OnEvent = (event: Event, role: Role) => void;

/** Some of our nodes, with a confirmed anchors channel of `channelSats` between neighbours. */
export class BenchLine {
  readonly #roles: readonly Role[];
  readonly #nodes = new Map<Role, BenchNode>();
  readonly #links: readonly Link[];
  readonly #chain: SimulatedChain;
  readonly #faucet: Faucet;
  readonly #storeOf: (role: Role) => KVStore | undefined;
  readonly #onTurn: (role: Role) => void;
  #connections = 0;

  private constructor({ links = [["payer", "payee"]], storeOf, onTurn = () => {} }: LineOptions) {
    this.#links = links;
    this.#roles = [...new Set(links.flat())];
    this.#storeOf = storeOf ?? (() => undefined);
    this.#onTurn = onTurn;
    const { chain, faucet } = createFundedChain();
    this.#chain = chain;
    this.#faucet = faucet;
    for (const role of this.#roles) {
      const store = this.#storeOf(role);
      this.#nodes.set(
        role,
        new BenchNode({ seedByte: this.seedByte(role), height: chain.tip.height, ...(store && { store }) }),
      );
    }
    this.#syncBlocks();
  }

  static async open(options: LineOptions = {}): Promise<BenchLine> {
    const line = new BenchLine(options);
    for (const link of line.#links) line.#connect(link);
    await line.settle(() => {});
    for (const link of line.#links) await line.#openChannel(link, options.isBalanced ?? false);
    return line;
  }

  node(role: Role): BenchNode {
    return present(this.#nodes.get(role), role);
  }

  /** The node, for what it does next. */
  turnOf(role: Role): BenchNode {
    this.#onTurn(role);
    return this.node(role);
  }

  /** Runs all nodes until nothing moves. Claims are answered here. */
  async settle(onEvent: OnEvent): Promise<void> {
    while (await this.advance(onEvent));
  }

  /**
   * What is under way reaches the next node, and all of them commit and tell of events once. Whether anything moved.
   */
  async advance(onEvent: OnEvent): Promise<boolean> {
    let moved = 0;
    for (const [left, right] of this.#links) {
      moved += this.#deliver(left, right) + this.#deliver(right, left);
    }
    const committed = await Promise.all(this.#roles.map((role) => this.turnOf(role).commit()));
    if (committed.includes(true)) moved += 1;
    for (const role of this.#roles.toReversed()) {
      const node = this.turnOf(role);
      moved += node.takeEvents((event) => {
        react(node, event);
        onEvent(event, role);
      });
    }
    return moved > 0;
  }

  /** Starts a node from what is in its store, and connects it to its neighbours again. Nothing may be under way. */
  async restart(role: Role): Promise<void> {
    const store = present(this.#storeOf(role), "a store");
    const links = this.#links.filter((link) => link.includes(role));
    for (const neighbour of new Set(links.flat())) {
      for (const link of links) this.node(neighbour).peers.connectionLost(this.#connectionOf(link));
    }
    const { manager, monitors } = await readStoredRecords(store);
    const restored = restoreMonitors(monitors);
    if (!restored.ok) throw new Error(restored.error.text);
    const height = this.#chain.tip.height;
    const records = { manager, monitors: restored.value };
    this.#nodes.set(role, new BenchNode({ seedByte: this.seedByte(role), height, store, records }));
    this.#connections++;
    for (const link of links) this.#connect(link);
    await this.settle(() => {});
  }

  /** What fills the node's seed. */
  seedByte(role: Role): number {
    return 1 + this.#roles.indexOf(role);
  }

  #connectionOf([left, right]: Link): string {
    return `${left}-${right}-${this.#connections}`;
  }

  #connect(link: Link): void {
    const [left, right] = link;
    const connectionId = this.#connectionOf(link);
    const ephemeralKey = (): Uint8Array => new Uint8Array(randomBytes(32));
    const { nodeId } = this.node(right).keys;
    const outbound = { connectionId, nodeId, ephemeralKey: ephemeralKey() };
    if (!this.node(left).peers.newOutboundConnection(outbound).ok) throw new Error("connect");
    this.node(right).peers.newInboundConnection({ connectionId, ephemeralKey: ephemeralKey() });
  }

  #deliver(from: Role, to: Role): number {
    let bytes = 0;
    this.node(from).peers.takeConnectionChanges();
    const connectionId = this.#connectionOf(this.#linkOf(from, to));
    for (;;) {
      const chunk = this.turnOf(from).peers.takeOutgoing(connectionId);
      if (chunk.length === 0) return bytes;
      bytes += chunk.length;
      this.turnOf(to).peers.readBytes(connectionId, chunk);
    }
  }

  #linkOf(a: Role, b: Role): Link {
    return present(
      this.#links.find((link) => link.includes(a) && link.includes(b)),
      "a link",
    );
  }

  async #openChannel([left, right]: Link, isBalanced: boolean): Promise<void> {
    const opener = this.node(left);
    const counterparty: NodeId = this.node(right).keys.nodeId;
    const push = msat(isBalanced ? channelSats * 500n : 0n);
    opener.manager.createChannel({ counterparty, funding: sat(channelSats), push });
    await this.settle((event, role) => {
      if (role !== left || event.kind !== "funding-generation-ready") return;
      const output = { value: event.channelValue, script: event.outputScript };
      const funding = this.#faucet.fund(this.#chain, [output], feeratePerKw(1_000));
      opener.manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
    });
    for (const transaction of opener.broadcast.splice(0)) this.#chain.submit(transaction);
    this.#chain.mine(6);
    this.#syncBlocks();
    await this.settle(() => {});
    const usable = opener.manager.listUsableChannels().filter((each) => each.counterparty === counterparty);
    if (usable.length !== 1) throw new Error("the channel did not open");
  }

  #syncBlocks(): void {
    for (const node of this.#nodes.values()) {
      for (let height = node.manager.bestBlock.height + 1; height <= this.#chain.tip.height; height++) {
        const { header, transactions } = present(this.#chain.blockAt(height), "a block").block;
        const indexed = transactions.map((transaction, index) => ({ index, transaction }));
        node.monitor.blockConnected(header, indexed, height);
        node.manager.blockConnected(header, indexed, height as BlockHeight);
      }
    }
  }
}

function react(node: BenchNode, event: Event): void {
  if (event.kind === "open-channel-request") node.manager.acceptInboundChannel(event.temporaryChannelId);
  if (event.kind !== "payment-claimable") return;
  const { paymentPreimage } = event.purpose;
  if (paymentPreimage !== undefined) node.manager.claimFunds(paymentPreimage as Bytes32);
}

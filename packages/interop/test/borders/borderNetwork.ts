import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import {
  type ChannelId,
  feeratePerKw,
  msat,
  type PaymentHash,
  type PaymentId,
  present,
  sat,
} from "@fulmen/lightning/util";
import { createFundedChain, type Faucet, type SimulatedChain } from "@fulmen/testkit";
import type { ChainBroadcaster } from "@fulmen/testkit/chain";
import { SeededEntropy } from "@fulmen/testkit/node";
import { payForCommitment } from "@fulmen/testkit/wallet";
import { BorderNode, type BorderNodeOptions } from "./borderNode.ts";

/** Throw it in `onPoint` to let a node die there. */
export class Crash extends Error {
  override readonly name = "Crash";
}

interface Link {
  readonly a: number;
  readonly b: number;
  id: string | undefined;
}

/** Nodes in one process, joined by links that carry real bytes, on one chain. */
export class BorderNetwork {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  /** The present lives of the nodes. */
  readonly nodes: BorderNode[] = [];
  now = 1_800_000_000;
  /** Others that take part: each does one thing, if it can. */
  readonly others: (() => Promise<boolean>)[] = [];
  readonly #entropy = new SeededEntropy(99);
  readonly #links: Link[] = [];
  #connections = 0;

  constructor() {
    const { chain, faucet } = createFundedChain();
    this.chain = chain;
    this.faucet = faucet;
  }

  /** Gives the node's place in `nodes`. */
  async add(
    options: Omit<BorderNodeOptions, "chain" | "faucet" | "now" | "entropy" | "seed" | "told">,
  ): Promise<number> {
    const { chain, faucet } = this;
    const seed = this.nodes.length + 1;
    const entropy = new SeededEntropy(seed);
    const now = (): number => this.now;
    const told = new Map<number, Event>();
    const node = await BorderNode.start({ ...options, seed, chain, faucet, entropy, now, told });
    node.syncChain();
    return this.nodes.push(node) - 1;
  }

  node(index: number): BorderNode {
    return present(this.nodes[index], "a node");
  }

  /** Joins two nodes, and keeps them joined. */
  connect(a: number, b: number): void {
    this.#links.push({ a, b, id: undefined });
  }

  /** The node dies, and another life begins from its store, and with these options. */
  async restart(index: number, options: Partial<BorderNodeOptions> = {}): Promise<void> {
    const { options: before } = this.node(index);
    for (const link of this.#links) if (link.a === index || link.b === index) this.#cut(link, index);
    const node = await BorderNode.start({ ...before, ...options });
    this.nodes[index] = node;
    node.syncChain();
  }

  /** One round over all that can move. Whether anything did. A `Crash` names the node in the error's cause. */
  async turn(): Promise<boolean> {
    let moved = false;
    for (const [index, node] of this.nodes.entries()) {
      try {
        if (await node.turn()) moved = true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        throw new Crash(error.message, { cause: index });
      }
    }
    for (const link of this.#links) if (this.#carry(link)) moved = true;
    for (const act of this.others) if (await act()) moved = true;
    return moved;
  }

  /** Until nothing moves any more. */
  async settle(): Promise<void> {
    for (let turns = 0; await this.turn(); turns++) {
      if (turns > 100_000) throw new Error("the network does not come to rest");
    }
  }

  /** Until `condition` holds, while other processes may take their time; rejects after `ms`. */
  async until(what: string, condition: () => boolean, ms = 30_000): Promise<void> {
    const deadline = performance.now() + ms;
    while (!condition()) {
      if (await this.turn()) continue;
      if (performance.now() > deadline) throw new Error(`no ${what} within ${ms / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  mine(count: number): void {
    this.chain.mine(count);
    for (const node of this.nodes) node.syncChain();
  }

  /**
   * Publishes commitments that were refused since they pay nothing, each with a child that does: a wallet's task, which
   * these nodes do not have. Other refusals throw.
   */
  payForCommitments(broadcaster: ChainBroadcaster): void {
    const { chain, faucet } = this;
    for (const { transaction, type, refusal } of broadcaster.takeRefused()) {
      if (transaction.version !== 3 || refusal.kind !== "min-fee-not-met") {
        throw new Error(`${type} refused: ${refusal.kind}`);
      }
      const child = payForCommitment(chain, faucet, transaction, feeratePerKw(1_000));
      broadcaster.broadcastTransactions([transaction, child], type);
    }
  }

  /**
   * Starts to open a channel of 0.01 bitcoin; its id once the opener is ready to send over it comes from `channelOf`.
   */
  open(from: number, to: number, format: FormatName): void {
    const { manager } = this.node(from);
    const counterparty = this.node(to).nodeId;
    const funding = sat(1_000_000n);
    manager.createChannel({ counterparty, funding, push: msat(0n), announce: true, formats: [format] });
  }

  /** The usable channel between two nodes, if both may use it. */
  channelOf(a: number, b: number): ChannelId | undefined {
    const channelIn = (one: number, other: number) =>
      this.node(one)
        .manager.listUsableChannels()
        .find(({ counterparty }) => counterparty === this.node(other).nodeId);
    return channelIn(b, a) && channelIn(a, b)?.channelId;
  }

  /** Starts to pay; the payment's id is its hash. */
  pay(from: number, to: number, sats: bigint): PaymentHash {
    const { invoice, paymentHash } = this.invoice(to, sats);
    this.node(from).manager.payForBolt11Invoice(invoice, { paymentId: paymentHash as string as PaymentId });
    return paymentHash;
  }

  invoice(to: number, sats: bigint): { readonly invoice: string; readonly paymentHash: PaymentHash } {
    return this.node(to).manager.createBolt11Invoice({ amount: msat(sats * 1_000n), description: "test" });
  }

  /** How often each kind of event that names the payment was told to a node, in all lives. */
  told(
    index: number,
    kind: "payment-sent" | "payment-claimed" | "payment-failed",
    hash: PaymentHash,
  ): number {
    return this.node(index).events.filter((event) => event.kind === kind && event.paymentHash === hash)
      .length;
  }

  #carry(link: Link): boolean {
    const [a, b] = [this.node(link.a), this.node(link.b)];
    if (link.id === undefined) {
      this.#connections++;
      link.id = `link-${this.#connections}`;
      const ephemeralKey = (): Uint8Array => this.#entropy.randomBytes(32);
      orRefused(
        a.connections.newOutboundConnection({
          connectionId: link.id,
          nodeId: b.nodeId,
          ephemeralKey: ephemeralKey(),
        }),
      );
      b.connections.newInboundConnection({ connectionId: link.id, ephemeralKey: ephemeralKey() });
    }
    let moved = false;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const changes = from.connections.takeConnectionChanges();
      const bytes = from.connections.takeOutgoing(link.id);
      if (bytes.length > 0) {
        to.connections.readBytes(link.id, bytes);
        moved = true;
      }
      if (
        bytes.length === 0 &&
        changes.some(({ connectionId, closing }) => closing && connectionId === link.id)
      ) {
        this.#cut(link);
        return true;
      }
    }
    return moved;
  }

  #cut(link: Link, dead?: number): void {
    if (link.id === undefined) return;
    for (const end of [link.a, link.b]) if (end !== dead) this.node(end).connections.connectionLost(link.id);
    link.id = undefined;
  }
}

function orRefused(result: { readonly ok: boolean }): void {
  if (!result.ok) throw new Error("the connection was refused");
}

import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import { ApiError } from "@fulmen/lightning/manager";
import {
  type Bytes32,
  type ChannelId,
  feeratePerKw,
  type Msat,
  type PaymentHash,
  type PaymentId,
  present,
  type Sat,
} from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";
import { TestNode, type TestNodeOptions } from "../node/index.ts";
import { createFundedChain, type Faucet, type FundedChain } from "../wallet/index.ts";
import { Dice } from "./dice.ts";
import { TestLink, type Wire } from "./link.ts";

/** Throw it in `TestNode.onCrashPoint`: the network lets that node die there, and starts it again. */
export class NodeCrash extends Error {
  override readonly name = "NodeCrash";
  /** Whether what had left the node before is lost on its way. */
  readonly losesSent: boolean;

  constructor(message: string, { losesSent = false } = {}) {
    super(message);
    this.losesSent = losesSent;
  }
}

export interface TestNetworkOptions {
  /** Chains and nodes of the same seed and the same calls do the same. Default 1. */
  readonly seed?: number;
  /** Where the nodes live; a simulated chain of the same seed when not given. */
  readonly funded?: FundedChain;
  /**
   * Nodes' steps and links' deliveries in an order drawn from the seed; each link keeps its own order. Default false.
   */
  readonly shuffles?: boolean;
  /** Asked before each delivery whether the connection shall be lost instead. */
  readonly losesConnection?: (link: TestLink, wire: Wire) => boolean;
}

export interface OpenChannelOptions {
  readonly funding: Sat;
  readonly push?: Msat;
  /** Default "anchors-zero-fee-htlc". */
  readonly format?: FormatName;
  /** Default true. */
  readonly announce?: boolean;
}

/** What a node's user does with a payment that it can claim. */
export type ClaimPolicy = "claim" | "fail" | "hold";

/**
 * Nodes, the links between them, and a chain, all in this process and without time of their own: everything happens in
 * calls of `settle`, one thing after the other, and the same calls give the same run.
 *
 * Users of the nodes accept channels, fund them from a faucet, and claim payments, unless told otherwise by `claims`.
 */
export class TestNetwork {
  readonly chain: TestChain;
  readonly faucet: Faucet;
  readonly nodes: TestNode[] = [];
  readonly links: TestLink[] = [];
  /** Seconds since 1970; goes on only by `passTime`. */
  now = 1_800_000_000;
  losesConnection: NonNullable<TestNetworkOptions["losesConnection"]>;
  /** Pieces of bytes that reached a node, in all. */
  deliveries = 0;
  readonly #claims = new Map<TestNode, ClaimPolicy>();
  readonly #dice: Dice | undefined;
  /** Nodes that have nothing to do until something comes in. */
  readonly #atRest = new Set<TestNode>();
  #connections = 0;

  constructor(options: TestNetworkOptions = {}) {
    const { seed = 1, shuffles = false } = options;
    const { chain, faucet } = options.funded ?? createFundedChain({ seed });
    this.chain = chain;
    this.faucet = faucet;
    this.#dice = shuffles ? new Dice(seed) : undefined;
    this.losesConnection = options.losesConnection ?? (() => false);
  }

  /** A new node; its seed is its place among the nodes, from 1, unless given. */
  addNode(options: Partial<Omit<TestNodeOptions, "chain" | "now">> = {}): TestNode {
    const { seed = this.nodes.length + 1, onEvent = () => {}, ...others } = options;
    const node = new TestNode({
      ...others,
      seed,
      chain: this.chain,
      now: () => this.now,
      onEvent: (target, event) => {
        this.#behave(target, event);
        onEvent(target, event);
      },
    });
    this.nodes.push(node);
    return node;
  }

  /** What the node's user does with payments from now on; `claim` until it is called. */
  claims(node: TestNode, policy: ClaimPolicy): void {
    this.#claims.set(node, policy);
  }

  /** Joins two nodes, and keeps them joined: a lost connection is made anew. */
  connect(a: TestNode, b: TestNode): TestLink {
    const link = new TestLink(a, b);
    this.links.push(link);
    this.settle();
    return link;
  }

  link(a: TestNode, b: TestNode): TestLink {
    return present(
      this.links.find((link) => link.joins(a) && link.joins(b)),
      "a link between the nodes",
    );
  }

  /** Goes on until nothing moves any more. Throws when that does not come. */
  settle(): void {
    this.until(() => false, true);
  }

  /** Goes on until `condition` holds; throws when nothing moves any more before, unless `restIsFine`. */
  until(condition: () => boolean, restIsFine = false): void {
    this.#atRest.clear();
    for (let turns = 0; !condition(); turns++) {
      if (turns > maxTurns) throw new Error("the network does not come to rest");
      if (this.#turn()) continue;
      if (restIsFine) return;
      throw new Error("nothing moves any more, and what was waited for has not come");
    }
  }

  /** Mines blocks; the nodes are told of each one, and settle. */
  mine(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.chain.mine();
      for (const node of this.nodes) node.syncChain();
      this.settle();
    }
  }

  /** Time goes by, with a tick of every node's timers each minute. */
  passTime(minutes: number): void {
    for (let i = 0; i < minutes; i++) {
      this.now += 60;
      for (const node of this.nodes) node.tick();
      this.settle();
    }
  }

  /** One thing that the node can do, whatever happens there to it; `false` when there is none. */
  step(node: TestNode, patiently = true): boolean {
    if (this.#atRest.has(node) && (patiently || !node.isCommitting)) return false;
    try {
      if (!node.step({ patiently })) {
        this.#atRest.add(node);
        return false;
      }
    } catch (error) {
      if (!(error instanceof NodeCrash)) throw error;
      this.#flush(node);
      this.crash(node, error);
      return true;
    }
    this.#atRest.delete(node);
    this.#flush(node);
    return true;
  }

  /** The node does all that it can before something new comes in. */
  pump(node: TestNode): void {
    this.#atRest.delete(node);
    for (let steps = 0; this.step(node, false); steps++)
      if (steps > maxTurns) throw new Error("the node does not come to rest");
  }

  /** The next bytes reach their receiver, which does nothing about them yet; `false` when nothing can. */
  deliver(link: TestLink, wire: Wire): boolean {
    if (link.connectionId === undefined || wire.chunks.length === 0 || wire.paused) {
      return this.#close(link, wire);
    }
    if (this.losesConnection(link, wire)) {
      this.cut(link);
      return true;
    }
    this.deliveries++;
    link.deliver(wire);
    this.#atRest.delete(wire.to);
    this.#flush(wire.to);
    return true;
  }

  /** The connection is lost, with all that is on its way. */
  cut(link: TestLink): void {
    link.cut();
    this.#atRest.delete(link.a);
    this.#atRest.delete(link.b);
  }

  /** Connects the nodes again, whether the link `reconnects` by itself or not; `false` when they are connected. */
  reconnect(link: TestLink): boolean {
    if (link.connectionId !== undefined) return false;
    this.#connections++;
    link.connect(`link-${this.#connections}`);
    this.#atRest.delete(link.a);
    this.#atRest.delete(link.b);
    return true;
  }

  /**
   * The node dies where it is and starts from its store. Its peers get what had left it, unless that is lost as well,
   * and lose the connection.
   */
  crash(node: TestNode, { losesSent = false } = {}): void {
    for (const link of this.links.filter((each) => each.joins(node))) {
      for (const wire of losesSent ? [] : link.wires) {
        if (wire.from === node) while (this.deliver(link, wire));
      }
      link.cut();
    }
    node.restart();
    this.#atRest.clear();
  }

  /** A channel from `a` to `b`, confirmed and used by both. */
  openChannel(a: TestNode, b: TestNode, options: OpenChannelOptions): ChannelId {
    const { funding, push, format = "anchors-zero-fee-htlc", announce = true } = options;
    const before = new Set(a.manager.listChannels().map(({ channelId }) => channelId));
    a.manager.createChannel({
      counterparty: b.nodeId,
      funding,
      announce,
      ...(push !== undefined && { push }),
      formats: [format],
    });
    this.settle();
    this.mine(confirmationsUntilKnown);
    const opened = a.manager.listUsableChannels().find(({ channelId }) => !before.has(channelId));
    return present(opened, "the channel that was to be opened").channelId;
  }

  /** Gives the wallets of nodes confirmed coins, `count` of `value` each, in a block that has nothing else. */
  giveCoins(nodes: readonly TestNode[], value: Sat, count = 3): void {
    const outputs = nodes.flatMap(({ wallet }) =>
      Array.from({ length: count }, () => ({ value, script: wallet.script })),
    );
    const coins = this.faucet.fund(this.chain, outputs, feeratePerKw(1_000));
    this.chain.mine(1, { transactions: [coins], only: [] });
    for (const node of this.nodes) node.syncChain();
    this.settle();
  }

  /** `from` pays an invoice of `to`'s, and all comes to rest. The payment's id is its hash. */
  payInvoice(from: TestNode, to: TestNode, amount: Msat): PaymentHash {
    const { invoice, paymentHash } = to.manager.createBolt11Invoice({ amount, description: "test" });
    from.manager.payForBolt11Invoice(invoice, { paymentId: paymentHash as string as PaymentId });
    this.settle();
    return paymentHash;
  }

  /** One thing that can happen now happens; `false` when there is none. */
  #turn(): boolean {
    const acts = [
      ...this.nodes.map((node) => () => this.step(node)),
      ...this.links.flatMap((link) => link.wires.map((wire) => () => this.deliver(link, wire))),
      ...this.links.map((link) => () => link.reconnects && this.reconnect(link)),
    ];
    this.#dice?.shuffle(acts);
    return acts.some((act) => act()) || this.nodes.some((node) => this.step(node, false));
  }

  /** A side that has said its last, and all of it was read, closes. */
  #close(link: TestLink, { closing, chunks }: Wire): boolean {
    if (link.connectionId === undefined || !closing || chunks.length > 0) return false;
    this.cut(link);
    return true;
  }

  /** Takes what a node wants to write, and sees which of its connections it reads from and which it ends. */
  #flush(node: TestNode): void {
    const links = this.links.filter((link) => link.joins(node));
    for (const link of links) link.flush();
    for (const { connectionId, readsPaused, closing } of node.peers.takeConnectionChanges()) {
      const link = links.find((each) => each.connectionId === connectionId);
      for (const wire of link?.wires ?? []) {
        if (wire.to === node) wire.paused = readsPaused;
        else wire.closing = closing;
      }
    }
  }

  /** What users do. After a crash they are told again of what they have dealt with, and it must do no harm. */
  #behave(node: TestNode, event: Event): void {
    const { manager } = node;
    try {
      switch (event.kind) {
        case "open-channel-request":
          manager.acceptInboundChannel(event.temporaryChannelId);
          return;
        case "funding-generation-ready": {
          const output = { value: event.channelValue, script: event.outputScript };
          const funding = this.faucet.fund(this.chain, [output], feeratePerKw(1_000));
          manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
          return;
        }
        case "payment-claimable": {
          const policy = this.#claims.get(node) ?? "claim";
          const { paymentPreimage } = event.purpose;
          if (policy === "fail") manager.failHtlcBackwards(event.paymentHash);
          else if (policy === "claim" && paymentPreimage) manager.claimFunds(paymentPreimage as Bytes32);
          return;
        }
        default:
          return;
      }
    } catch (error) {
      // The channel went with the crash.
      if (!(error instanceof ApiError) || error.code !== "channel-unavailable") throw error;
    }
  }
}

/** Of an announced channel, until invoices count on payers to know it. */
const confirmationsUntilKnown = 8;
/** More than any test needs. */
const maxTurns = 1_000_000;

import { randomBytes } from "node:crypto";
import type { KVStore } from "@fulmen/lightning/chain";
import type { Event } from "@fulmen/lightning/handlers";
import type { Bytes32 } from "@fulmen/lightning/util";
import { type BlockHeight, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";
import { channelSats } from "../paymentsMeasurement.ts";
import { BenchNode } from "./benchNode.ts";

const connectionId = "pair";

/** Where each node keeps its records. */
export interface PairStores {
  readonly payer: KVStore;
  readonly payee: KVStore;
}

export interface PairOptions {
  /** Without stores nothing is written. */
  readonly stores?: PairStores;
  /** Told of the node that works next. */
  readonly onTurn?: (node: keyof PairStores) => void;
}

/** Two of our nodes with a confirmed anchors channel of `channelSats`, all on the first node's side. */
export class BenchPair {
  readonly payer: BenchNode;
  readonly payee: BenchNode;
  readonly #chain: SimulatedChain;
  readonly #faucet: Faucet;

  readonly #onTurn: (node: keyof PairStores) => void;

  private constructor({ stores, onTurn = () => {} }: PairOptions) {
    this.#onTurn = onTurn;
    const { chain, faucet } = createFundedChain();
    this.#chain = chain;
    this.#faucet = faucet;
    this.payer = new BenchNode(1, chain.tip.height, stores?.payer);
    this.payee = new BenchNode(2, chain.tip.height, stores?.payee);
    this.#syncBlocks();
    const outbound = {
      connectionId,
      nodeId: this.payee.keys.nodeId,
      ephemeralKey: new Uint8Array(randomBytes(32)),
    };
    if (!this.payer.peers.newOutboundConnection(outbound).ok) throw new Error("connect");
    this.payee.peers.newInboundConnection({ connectionId, ephemeralKey: new Uint8Array(randomBytes(32)) });
  }

  static async open(options: PairOptions = {}): Promise<BenchPair> {
    const pair = new BenchPair(options);
    await pair.settle(() => {});
    await pair.#openChannel();
    return pair;
  }

  /** Runs both nodes until nothing moves. Claims are answered here; `onEvent` gets the payer's events. */
  async settle(onEvent: (event: Event) => void): Promise<void> {
    let moved: number;
    do {
      moved = this.#deliver("payer", "payee") + this.#deliver("payee", "payer");
      const committed = await Promise.all([this.turnOf("payer").commit(), this.turnOf("payee").commit()]);
      if (committed.includes(true)) moved += 1;
      moved += this.turnOf("payee").takeEvents((event) => react(this.payee, event));
      moved += this.turnOf("payer").takeEvents((event) => {
        react(this.payer, event);
        onEvent(event);
      });
    } while (moved > 0);
  }

  /** The node, for what it does next. */
  turnOf(node: keyof PairStores): BenchNode {
    this.#onTurn(node);
    return this[node];
  }

  #deliver(from: keyof PairStores, to: keyof PairStores): number {
    let bytes = 0;
    this[from].peers.takeConnectionChanges();
    for (;;) {
      const chunk = this.turnOf(from).peers.takeOutgoing(connectionId);
      if (chunk.length === 0) return bytes;
      bytes += chunk.length;
      this.turnOf(to).peers.readBytes(connectionId, chunk);
    }
  }

  async #openChannel(): Promise<void> {
    this.payer.manager.createChannel({
      counterparty: this.payee.keys.nodeId,
      funding: sat(channelSats),
      push: msat(0n),
    });
    await this.settle((event) => {
      if (event.kind !== "funding-generation-ready") return;
      const output = { value: event.channelValue, script: event.outputScript };
      const funding = this.#faucet.fund(this.#chain, [output], feeratePerKw(1_000));
      this.payer.manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
    });
    for (const transaction of this.payer.broadcast) this.#chain.submit(transaction);
    this.#chain.mine(6);
    this.#syncBlocks();
    await this.settle(() => {});
    if (this.payer.manager.listUsableChannels().length !== 1) throw new Error("the channel did not open");
  }

  #syncBlocks(): void {
    for (const node of [this.payer, this.payee]) {
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

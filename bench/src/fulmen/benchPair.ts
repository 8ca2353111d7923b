import { randomBytes } from "node:crypto";
import type { KvWrite } from "@fulmen/lightning/chain";
import type { Event } from "@fulmen/lightning/handlers";
import type { Bytes32 } from "@fulmen/lightning/util";
import { type BlockHeight, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { createFundedChain, type Faucet, type SimulatedChain } from "@fulmen/testkit";
import { BenchNode } from "./benchNode.ts";

const connectionId = "pair";

/** Two of our nodes with a confirmed anchors channel of 0.1 bitcoin, all on the first node's side. */
export class BenchPair {
  readonly payer: BenchNode;
  readonly payee: BenchNode;
  readonly #chain: SimulatedChain;
  readonly #faucet: Faucet;
  readonly #store: ((writes: readonly KvWrite[]) => void) | undefined;

  constructor(store?: (writes: readonly KvWrite[]) => void) {
    const { chain, faucet } = createFundedChain();
    this.#chain = chain;
    this.#faucet = faucet;
    this.#store = store;
    this.payer = new BenchNode(1, chain.tip.height);
    this.payee = new BenchNode(2, chain.tip.height);
    this.#syncBlocks();
    const outbound = {
      connectionId,
      nodeId: this.payee.keys.nodeId,
      ephemeralKey: new Uint8Array(randomBytes(32)),
    };
    if (!this.payer.peers.newOutboundConnection(outbound).ok) throw new Error("connect");
    this.payee.peers.newInboundConnection({ connectionId, ephemeralKey: new Uint8Array(randomBytes(32)) });
    this.settle(() => {});
    this.#openChannel();
  }

  /** Runs both nodes until nothing moves. Claims are answered here; `onEvent` gets the payer's events. */
  settle(onEvent: (event: Event) => void): void {
    let moved: number;
    do {
      moved = this.#deliver(this.payer, this.payee) + this.#deliver(this.payee, this.payer);
      for (const node of [this.payer, this.payee]) if (node.commit(this.#store)) moved += 1;
      moved += this.payee.takeEvents((event) => react(this.payee, event));
      moved += this.payer.takeEvents((event) => {
        react(this.payer, event);
        onEvent(event);
      });
    } while (moved > 0);
  }

  #deliver(from: BenchNode, to: BenchNode): number {
    let bytes = 0;
    from.peers.takeConnectionChanges();
    for (;;) {
      const chunk = from.peers.takeOutgoing(connectionId);
      if (chunk.length === 0) return bytes;
      bytes += chunk.length;
      to.peers.readBytes(connectionId, chunk);
    }
  }

  #openChannel(): void {
    this.payer.manager.createChannel({
      counterparty: this.payee.keys.nodeId,
      funding: sat(10_000_000n),
      push: msat(0n),
    });
    this.settle((event) => {
      if (event.kind !== "funding-generation-ready") return;
      const output = { value: event.channelValue, script: event.outputScript };
      const funding = this.#faucet.fund(this.#chain, [output], feeratePerKw(1_000));
      this.payer.manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
    });
    for (const transaction of this.payer.broadcast) this.#chain.submit(transaction);
    this.#chain.mine(6);
    this.#syncBlocks();
    this.settle(() => {});
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

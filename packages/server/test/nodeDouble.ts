import {
  type ChannelId,
  msat,
  type NodeId,
  type PaymentHash,
  sat,
  shortChannelId,
  type Txid,
} from "@fulmen/lightning/util";
import {
  type Balances,
  type ChannelView,
  type NodeApi,
  NodeError,
  type NodeEvent,
  type NodeStatusView,
  type Payment,
  type PayOptions,
  type StoredNodeEvent,
} from "@fulmen/node";

export const someNodeId = `02${"ab".repeat(32)}` as NodeId;
export const someChannelId = "c1".repeat(32) as ChannelId;
const someTxid = "7d".repeat(32) as Txid;
const explained = <T>(amount: T) => ({ amount, explanation: "as the double says" });

export function somePayment(id: string, sequence: number, more: Partial<Payment> = {}): Payment {
  return {
    id,
    sequence,
    kind: "bolt11",
    direction: "sent",
    status: "succeeded",
    amount: msat(21_000n),
    fee: msat(3n),
    createdAt: 1_700_000_000,
    paymentHash: "ab".repeat(32) as PaymentHash,
    attempts: [
      {
        at: 1_700_000_000,
        path: [{ nodeId: someNodeId, shortChannelId: "1x2x3" }],
        amount: msat(21_003n),
        succeeded: true,
      },
    ],
    ...more,
  };
}

const channel: ChannelView = {
  channelId: someChannelId,
  peer: someNodeId,
  phase: "open",
  state: "normal",
  isUsable: true,
  isConnected: true,
  isOutbound: true,
  isAnnounced: false,
  capacity: sat(9_007_199_254_740_993n),
  local: msat(9_007_199_254_740_993n),
  remote: msat(1n),
  spendable: msat(2n),
  receivable: msat(3n),
  htlcs: [
    {
      direction: "incoming",
      amount: msat(7n),
      paymentHash: "aa".repeat(32) as PaymentHash,
      expiryHeight: 800,
      explanation: "it waits",
    },
  ],
  format: "anchors-zero-fee-htlc",
  funding: { txid: someTxid, index: 1 },
  shortChannelId: shortChannelId({ height: 700_000, txIndex: 5, outputIndex: 1 }),
  closing: [{ subject: "balance", amount: sat(5n), state: "waiting", text: "it waits" }],
  explanation: "Open.",
};

/** A node that is none: it answers what it is told, and remembers what it was asked. */
export class NodeDouble implements NodeApi {
  readonly nodeId = someNodeId;
  readonly network = "regtest";
  readonly asked: unknown[][] = [];
  readonly stored = new Map<string, Payment>();
  status_: Partial<NodeStatusView> = {};
  onPay: (text: string, options?: PayOptions) => Promise<Payment> = async (text) =>
    this.keep(somePayment(text, 1));
  #events: StoredNodeEvent[] = [];
  readonly #waiting = new Set<() => void>();
  readers = 0;

  keep(payment: Payment): Payment {
    this.stored.set(payment.id, payment);
    return payment;
  }

  emit(event: NodeEvent): void {
    this.#events.push({ index: this.#events.length + 1, at: 1_700_000_000, event });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  get lastEventIndex(): number {
    return this.#events.length;
  }

  async *#read(after: number, signal: AbortSignal | undefined): AsyncGenerator<StoredNodeEvent, undefined> {
    this.readers += 1;
    try {
      for (let index = after; signal?.aborted !== true; ) {
        const next = this.#events[index];
        if (next !== undefined) {
          index += 1;
          yield next;
          continue;
        }
        await new Promise<void>((resolve) => {
          this.#waiting.add(resolve);
          signal?.addEventListener("abort", () => resolve());
        });
      }
    } finally {
      this.readers -= 1;
    }
  }

  events(query: { after?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<StoredNodeEvent> {
    return this.#read(query.after ?? this.#events.length, query.signal);
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  status(): NodeStatusView {
    return {
      phase: "running",
      nodeId: someNodeId,
      network: "regtest",
      alias: "double",
      chain: { source: "a double", height: 100, blockHash: "00".repeat(32), tip: 100, isSynced: true },
      peers: 1,
      channels: { open: 1, usable: 1, closing: 0 },
      graph: { nodes: 2, channels: 3 },
      warnings: [],
      ...this.status_,
    };
  }

  balances(): Balances {
    return {
      onchain: {
        total: sat(1000n),
        spendable: explained(sat(900n)),
        reserved: explained(sat(100n)),
        locked: explained(sat(0n)),
        pending: [{ reason: "unconfirmed", amount: msat(5000n), explanation: "no block has it" }],
      },
      lightning: {
        total: msat(18_446_744_073_709_551_615n),
        spendable: explained(msat(1n)),
        receivable: explained(msat(2n)),
        sending: explained(msat(0n)),
        receiving: explained(msat(0n)),
        reserve: explained(msat(0n)),
      },
      closing: [],
      total: msat(1n),
    };
  }

  channels = () => [channel];
  peers = () => [{ nodeId: someNodeId, isConnected: true, channels: 1, isKept: true }];

  graph({ limit = 200 }: Parameters<NodeApi["graph"]>[0] = {}): ReturnType<NodeApi["graph"]> {
    this.asked.push(["graph", limit]);
    const other = `03${"cd".repeat(32)}` as typeof someNodeId;
    return {
      nodes: [
        { nodeId: someNodeId, distance: 0 },
        { nodeId: other, alias: "hub", distance: 1 },
      ],
      channels: [
        {
          shortChannelId: shortChannelId({ height: 1, txIndex: 2, outputIndex: 3 }),
          nodes: [someNodeId, other],
          capacity: sat(7n),
        },
      ],
    };
  }

  onParse: (text: string) => ReturnType<NodeApi["parse"]> | undefined = () => undefined;

  parse(text: string): ReturnType<NodeApi["parse"]> {
    const told = this.onParse(text);
    if (told !== undefined) return told;
    if (text.startsWith("bc1"))
      return { methods: [{ kind: "onchain", address: text, script: new Uint8Array(0) }] };
    throw new NodeError("invalid-destination", `${text.slice(0, 20)} is nothing that can be paid.`, {
      remedy: "Ask for an invoice.",
      details: { text: text.slice(0, 20), amountSat: 5n },
    });
  }

  async pay(text: string, options?: PayOptions): Promise<Payment> {
    this.asked.push(["pay", text, options]);
    return this.onPay(text, options);
  }

  async receive(options: Parameters<NodeApi["receive"]>[0] = {}) {
    this.asked.push(["receive", options]);
    return {
      invoice: "lnbcrt1",
      paymentHash: "ab".repeat(32) as PaymentHash,
      uri: "bitcoin:?lightning=lnbcrt1",
      expiresAt: 1_700_003_600,
    };
  }

  async sendRaw(request: Parameters<NodeApi["sendRaw"]>[0]): Promise<Payment> {
    this.asked.push(["sendRaw", request]);
    return somePayment("raw", 1);
  }

  claim = async () => somePayment("claimed", 1);
  failHeld = async () => somePayment("failed", 1, { status: "failed" });
  abandon = async (id: string) => void this.asked.push(["abandon", id]);
  payment = async (id: string) => this.stored.get(id);

  async payments(query: Parameters<NodeApi["payments"]>[0] = {}): Promise<readonly Payment[]> {
    const { limit = 100, after = Number.POSITIVE_INFINITY } = query;
    return [...this.stored.values()]
      .filter(({ sequence }) => sequence < after)
      .sort((a, b) => b.sequence - a.sequence)
      .slice(0, limit);
  }

  async explainRoute(text: string) {
    this.asked.push(["explainRoute", text]);
    return { found: false, amount: msat(1n), paths: [], text: "There is none." };
  }

  async openChannel(request: Parameters<NodeApi["openChannel"]>[0]) {
    this.asked.push(["openChannel", request]);
    return { channelId: someChannelId, funding: { txid: someTxid, index: 0 } };
  }

  closeChannel = async (...asked: unknown[]) => void this.asked.push(["closeChannel", ...asked]);
  forceCloseChannel = async (...asked: unknown[]) => void this.asked.push(["forceCloseChannel", ...asked]);
  updateChannel = async (...asked: unknown[]) => void this.asked.push(["updateChannel", ...asked]);

  async connect(address: string): Promise<never> {
    throw new Error(`secret internals of ${address}`);
  }
  disconnect = async (...asked: unknown[]) => void this.asked.push(["disconnect", ...asked]);

  ledger = async () => [];
  ledgerAccounts = () => new Map([["wallet", -5n]] as const);
  async *ledgerCsv(): AsyncGenerator<string> {
    yield "index,at\n";
    yield "1,2\n";
  }

  signMessage = () => ({ signature: "y" });
  verifyMessage = () => someNodeId;

  readonly onchain = {
    address: async () => "bcrt1qdouble",
    send: async () => ({ txid: someTxid, change: -5n, fee: sat(2n), confirmations: 0, isReplaceable: true }),
    history: () => [],
    bump: async () => ({ txid: someTxid, change: -5n, confirmations: 0, isReplaceable: true }),
    transaction: () => undefined,
  };
}

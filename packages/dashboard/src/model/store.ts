import { type ApiEvent, type Client, ClientError } from "@fulmen/client";
import { type Charts, LedgerCharts } from "./chartData.ts";
import { PayKeys } from "./payKeys.ts";
import type { Balances, Channel, Graph, Info, Payment, Peer } from "./types.ts";

/** A refusal, as it is shown. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** All that the page shows of the node. What was never heard is absent. */
export interface NodeState {
  readonly info?: Info;
  readonly balances?: Balances;
  readonly channels: readonly Channel[];
  /** The newest first. */
  readonly payments: readonly Payment[];
  /** Whether there are older ones than those. */
  readonly hasMorePayments: boolean;
  readonly peers: readonly Peer[];
  readonly graph: Graph;
  readonly charts: Charts;
  /** The newest first. */
  readonly events: readonly ApiEvent[];
  /** Why what is shown may be old. */
  readonly trouble?: Trouble;
}

const maxEvents = 200;
const ledgerPage = 1_000;
const paymentPage = 50;
const mapNodes = 200;
const graphPause = 60_000;

/** What any failure is to a reader. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ClientError) {
    const { code, message, remedy } = error;
    return { code, message, remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "page", message: `This page failed: ${message}`, remedy: "Load it again." };
}

/** Holds what is known of a node, brings it up to date, and tells listeners. */
export class NodeStore {
  readonly client: Client;
  readonly payKeys: PayKeys;
  readonly #listeners = new Set<() => void>();
  readonly #ended = new AbortController();
  readonly #charts = new LedgerCharts();
  #state: NodeState;
  #ledgerAfter: number | undefined;
  #graphVersion: string | undefined;
  #graphRead = 0;
  /** Where the older payments go on; absent when all are here. */
  #olderPayments: number | undefined;
  /** Payments of older pages that events spoke of. */
  readonly #changed = new Set<string>();
  #loading: Promise<void> | undefined;
  #isStale = false;

  constructor(client: Client) {
    this.client = client;
    this.payKeys = new PayKeys(client);
    this.#state = {
      channels: [],
      payments: [],
      hasMorePayments: false,
      peers: [],
      graph: { nodes: [], channels: [] },
      charts: this.#charts.charts,
      events: [],
    };
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Calls `listener` after each change until the answer is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Loads all once; rejects when the node refuses the token. */
  async open(): Promise<void> {
    const info = await this.client.info();
    this.#set({ info });
    await this.refresh();
  }

  /** Brings all up to date. Calls that come while one is under way become one more. */
  async refresh(): Promise<void> {
    this.#isStale = true;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  /** Shows the next page of older payments, too. */
  async morePayments(): Promise<void> {
    if (this.#olderPayments === undefined) return;
    try {
      const { payments, next } = await this.client.payments({
        limit: paymentPage,
        after: this.#olderPayments,
      });
      this.#olderPayments = next;
      this.#set({
        payments: [...this.#state.payments, ...payments],
        hasMorePayments: next !== undefined,
      });
    } catch (error) {
      this.#set({ trouble: troubleOf(error) });
    }
  }

  /**
   * The newest page, and of what was shown before it what is older; without that, if payments in between are missing.
   */
  #withOlder(newest: readonly Payment[], next: number | undefined): readonly Payment[] {
    const { payments: shown } = this.#state;
    const last = shown.findIndex(({ id }) => id === newest.at(-1)?.id);
    if (last !== -1) return [...newest, ...shown.slice(last + 1)];
    this.#olderPayments = next;
    return newest;
  }

  /**
   * From the place `newest` on, those that events spoke of, or whose time is over, are as they are now; before, all
   * are.
   */
  async #withChanged(payments: readonly Payment[], newest: number): Promise<readonly Payment[]> {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    const now = new Map<string, Payment>();
    for (const payment of payments.slice(newest)) {
      const { id } = payment;
      if (changed.has(id) || isOver(payment)) now.set(id, await this.client.payment({ id }));
    }
    if (now.size === 0) return payments;
    return payments.map((payment) => now.get(payment.id) ?? payment);
  }

  /** Follows events until `end`; each brings everything up to date. */
  async follow(): Promise<void> {
    const after = Math.max(0, (this.#state.info?.lastEventIndex ?? 0) - maxEvents);
    const { signal } = this.#ended;
    try {
      for await (const event of this.client.events({ after, signal })) {
        this.#set({ events: [event, ...this.#state.events].slice(0, maxEvents) });
        const id = paymentOf(event);
        if (id !== undefined) this.#changed.add(id);
        void this.refresh();
      }
    } catch (error) {
      this.#set({ trouble: troubleOf(error) });
    }
  }

  end(): void {
    this.#ended.abort();
    this.#listeners.clear();
  }

  async #load(): Promise<void> {
    while (this.#isStale && !this.#ended.signal.aborted) {
      this.#isStale = false;
      try {
        const [info, balances, { channels }, { payments: newest, next }, { peers }] = await Promise.all([
          this.client.info(),
          this.client.balances(),
          this.client.channels(),
          this.client.payments({ limit: paymentPage }),
          this.client.peers(),
        ]);
        const { trouble: _over, ...rest } = this.#state;
        this.#state = rest;
        const payments = await this.#withChanged(this.#withOlder(newest, next), newest.length);
        const hasMorePayments = this.#olderPayments !== undefined;
        this.#set({ info, balances, channels, payments, hasMorePayments, peers });
        await this.#readGraph(info, channels);
        await this.#readLedger();
      } catch (error) {
        this.#set({ trouble: troubleOf(error) });
      }
    }
  }

  /** The map anew when something is new; of a large network, where something always is, once a minute. */
  async #readGraph({ graph }: Info, channels: readonly Channel[]): Promise<void> {
    const phases = channels.map(({ channelId, phase }) => channelId + phase);
    const version = `${graph.nodes} ${graph.channels} ${phases}`;
    const isLarge = graph.nodes > mapNodes;
    if (version === this.#graphVersion || (isLarge && Date.now() < this.#graphRead + graphPause)) return;
    this.#set({ graph: await this.client.graph({ limit: mapNodes }) });
    this.#graphVersion = version;
    this.#graphRead = Date.now();
  }

  /** All of the ledger that is new, page by page: what a chart needs of it is kept, not its entries. */
  async #readLedger(): Promise<void> {
    for (let isMore = true; isMore && !this.#ended.signal.aborted; ) {
      const { entries } = await this.client.ledger({
        limit: ledgerPage,
        ...(this.#ledgerAfter !== undefined && { after: this.#ledgerAfter }),
      });
      isMore = entries.length === ledgerPage;
      if (entries.length === 0) return;
      this.#ledgerAfter = entries.at(-1)?.index ?? this.#ledgerAfter;
      this.#charts.add(entries);
      this.#set({ charts: this.#charts.charts });
    }
  }

  #set(change: Partial<NodeState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The payment of which an event tells something. */
function paymentOf(event: ApiEvent): string | undefined {
  if ("paymentId" in event) return event.paymentId;
  return event.kind === "onchain-transaction" ? event.txid : undefined;
}

/** Nobody has paid it, and nobody can any more: no event says so. */
function isOver({ status, expiresAt }: Payment): boolean {
  return status === "pending" && expiresAt !== undefined && expiresAt * 1_000 < Date.now();
}

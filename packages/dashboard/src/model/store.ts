import { type ApiEvent, type Client, ClientError } from "@fulmen/client";
import type { Balances, Channel, Info, LedgerEntry, Payment, Peer } from "./types.ts";

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
  readonly payments: readonly Payment[];
  readonly peers: readonly Peer[];
  readonly ledger: readonly LedgerEntry[];
  /** The newest first. */
  readonly events: readonly ApiEvent[];
  /** Why what is shown may be old. */
  readonly trouble?: Trouble;
}

const maxEvents = 200;
/** Pages of 1000: a chart shows no more. */
const maxLedgerPages = 10;
const shownPayments = 50;

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
  readonly #listeners = new Set<() => void>();
  readonly #ended = new AbortController();
  #state: NodeState = { channels: [], payments: [], peers: [], ledger: [], events: [] };
  #ledgerAfter: number | undefined;
  #loading: Promise<void> | undefined;
  #isStale = false;

  constructor(client: Client) {
    this.client = client;
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

  /** Follows events until `end`; each brings everything up to date. */
  async follow(): Promise<void> {
    const after = Math.max(0, (this.#state.info?.lastEventIndex ?? 0) - maxEvents);
    const { signal } = this.#ended;
    try {
      for await (const event of this.client.events({ after, signal })) {
        this.#set({ events: [event, ...this.#state.events].slice(0, maxEvents) });
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
        const [info, balances, { channels }, { payments }, { peers }] = await Promise.all([
          this.client.info(),
          this.client.balances(),
          this.client.channels(),
          this.client.payments({ limit: shownPayments }),
          this.client.peers(),
        ]);
        const ledger = await this.#newLedgerEntries();
        const { trouble: _over, ...rest } = this.#state;
        this.#state = rest;
        this.#set({ info, balances, channels, payments, peers, ledger });
      } catch (error) {
        this.#set({ trouble: troubleOf(error) });
      }
    }
  }

  async #newLedgerEntries(): Promise<readonly LedgerEntry[]> {
    const entries = [...this.#state.ledger];
    for (let page = 0; page < maxLedgerPages; page++) {
      const { entries: more } = await this.client.ledger({
        limit: 1000,
        ...(this.#ledgerAfter !== undefined && { after: this.#ledgerAfter }),
      });
      entries.push(...more);
      this.#ledgerAfter = more.at(-1)?.index ?? this.#ledgerAfter;
      if (more.length < 1000) break;
    }
    return entries.slice(-maxLedgerPages * 1000);
  }

  #set(change: Partial<NodeState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { type Network, type NetworkName, networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, Filter, WatchedOutput } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import type { BlockHeight, ShortChannelId } from "@fulmen/lightning/util";
import type {
  BroadcastOutcome,
  ChainClients,
  ChainGap,
  ChainSource,
  ChainTip,
  FeerateTable,
  SyncProgress,
} from "../chainSource.ts";
import { ChainSourceError, type ChainSourceErrorCode } from "../chainSourceError.ts";
import { hidesOutputs, TransactionSync, WatchList } from "../transactions/index.ts";
import { broadcastBy } from "./broadcast.ts";
import { ElectrumClient, stopped } from "./electrumClient.ts";
import { askFeerates } from "./feerates.ts";
import { News } from "./news.ts";
import { type DialSocket, nodeSockets } from "./nodeSockets.ts";
import { pause } from "./pause.ts";
import type { RpcLimits } from "./rpcConnection.ts";
import { type ElectrumServerOptions, serverAddress } from "./serverAddress.ts";
import type { ElectrumSession } from "./session.ts";
import { ElectrumTransactionClient, headersFrom } from "./transactionClient.ts";
import { locateBlock, lookUpOutput } from "./utxo.ts";
import { type WebSocketConstructor, webSockets } from "./webSockets.ts";

/** All times are in milliseconds. */
export interface ElectrumSourceOptions {
  readonly network: NetworkName;
  /**
   * Tried in this order, and again whenever the one in use is lost, which is then the last: URLs as `ssl://host:50002`,
   * or with more details.
   */
  readonly servers: readonly (string | ElectrumServerOptions)[];
  /** Makes the connections for `tcp:` and `ssl:`, such as through Tor's SOCKS5 proxy. Default: Node's own. */
  readonly dial?: DialSocket;
  /** The class that makes the connections for `ws:` and `wss:`. Default: the platform's. */
  readonly webSocket?: WebSocketConstructor;
  /** Requests that a server has not answered yet. Default 50. */
  readonly maxInFlight?: number;
  /** Bytes of one line of a server's. Default 10,000,000: the hex of the largest transaction takes 8,000,000. */
  readonly maxLineLength?: number;
  /** For a connection to come about, and the first words. Default 15 s. */
  readonly connectTimeout?: number;
  /** How long a server that owes an answer may be silent. Default 30 s; a single answer may take four times as long. */
  readonly timeout?: number;
  /** After so long without a question there is a ping. Default 60 s. */
  readonly pingInterval?: number;
  /** `changed` resolves after so long in any case. Default 30 s. */
  readonly pollInterval?: number;
  /** Until all servers are tried again when none could be reached, at first; it doubles each time. Default 1 s. */
  readonly minReconnectDelay?: number;
  /** Default 1 minute. */
  readonly maxReconnectDelay?: number;
  /** Before a server is asked again what did not fit together, at first; it doubles each time. Default 250 ms. */
  readonly retryDelay?: number;
}

/** A server that told what cannot be is not tried before others for so long. */
const distrust = 600_000;
/** A status that a server told nothing new of is asked for again after this. */
const recheckInterval = 600_000;
/** Notifications in a minute; a wallet of ten thousand scripts that are all paid in a block needs a fifth of them. */
const maxNotifications = 50_000;
/** After a sync has failed, `changed` resolves after this. */
const failurePause = 1_000;
/** What another server may do better. */
const leaving: ReadonlySet<ChainSourceErrorCode> = new Set([
  "invalid-chain",
  "invalid-answer",
  "not-synced",
  "unsupported",
]);

/**
 * Follows the chain by an Electrum server: protocol 1.4 to 1.6 over TCP, TLS or WebSockets. What it says of the chain
 * is held against proof of work; what it leaves out, nobody can know, and it learns which scripts are the node's.
 */
export class ElectrumSource implements ChainSource {
  readonly name: string;
  readonly filter: Filter;
  readonly #network: Network;
  readonly #client: ElectrumClient;
  readonly #watch = new WatchList();
  readonly #transactions: ElectrumTransactionClient;
  readonly #sync: TransactionSync;
  readonly #news = new News();
  readonly #stopping = new AbortController();
  readonly #pollInterval: number;
  readonly #hasOtherServers: boolean;
  /** The session of the sync that is under way: all that one sync hears of is from one server. */
  #syncing: ElectrumSession | undefined;
  #hasFailed = false;

  /** Throws `ChainSourceError` (`unsupported`) when there is no server, or an address makes no sense. */
  constructor(options: ElectrumSourceOptions) {
    const { maxInFlight = 50 } = options;
    const servers = options.servers.map(serverAddress);
    if (servers.length === 0) throw noServers();
    this.name = `Electrum at ${servers.map(({ name }) => name).join(", ")}`;
    this.#network = networks[options.network];
    this.#hasOtherServers = servers.length > 1;
    this.#pollInterval = options.pollInterval ?? 30_000;
    const sockets = nodeSockets(options.dial);
    const webs = webSockets(options.webSocket);
    this.#client = new ElectrumClient({
      network: this.#network,
      servers,
      open: (request) => (request.address.protocol.startsWith("ws") ? webs : sockets)(request),
      limits: limitsOf(options, maxInFlight),
      maxLineLength: options.maxLineLength ?? 10_000_000,
      connectTimeout: options.connectTimeout ?? 15_000,
      minDelay: options.minReconnectDelay ?? 1_000,
      maxDelay: options.maxReconnectDelay ?? 60_000,
      distrust,
      recheckInterval,
      changed: () => this.#news.arrived(),
    });
    const session = async (): Promise<ElectrumSession> => this.#syncing ?? (await this.#client.session());
    this.#transactions = new ElectrumTransactionClient(session, maxInFlight);
    this.#sync = new TransactionSync({
      client: this.#transactions,
      network: this.#network,
      watch: this.#watch,
      wait: (milliseconds) => this.#wait(milliseconds),
      ...(options.retryDelay === undefined ? {} : { retryDelay: options.retryDelay }),
    });
    this.filter = this.#filter();
  }

  async start(): Promise<ChainTip> {
    const { tip } = await this.#client.start();
    return { hash: blockHash(tip.header), height: tip.height };
  }

  async locate(height: BlockHeight): Promise<BlockLocator> {
    return locateBlock(await this.#client.session(), this.#network, height);
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    return headersFrom(await this.#client.session(), from, count);
  }

  blockOfSpend(output: WatchedOutput): Promise<ChainTip | undefined> {
    return this.#sync.blockOfSpend(output);
  }

  keptHeaders(): Uint8Array | undefined {
    return this.#sync.keptHeaders();
  }

  recall(kept: Uint8Array): BlockHeight | undefined {
    return this.#sync.recall(kept);
  }

  get gaps(): readonly ChainGap[] {
    return this.#sync.gaps;
  }

  async sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    this.#news.taken();
    const session = await this.#client.session();
    this.#syncing = session;
    try {
      await session.refresh();
      const tip = await this.#sync.sync(clients, progress);
      if (this.gaps.some(({ use }) => use === "output") && this.#client.hasBetterThan(session))
        throw hidesOutputs(session.address.name);
      this.#hasFailed = false;
      this.#transactions.endRound(session);
      return tip;
    } catch (error) {
      this.#hasFailed = true;
      this.#leaveIfUnfit(session, error);
      throw error;
    } finally {
      this.#syncing = undefined;
    }
  }

  async changed(signal: AbortSignal): Promise<void> {
    const stopping = this.#stopping.signal;
    if (signal.aborted || stopping.aborted) return;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    for (const each of [signal, stopping]) each.addEventListener("abort", end);
    try {
      // Something is left to tell, but not at once: whatever was in the way is given time.
      if (this.#hasFailed) await pause(Math.min(failurePause, this.#pollInterval), ending.signal);
      else if (!this.#watch.hasNew) await this.#news.next(ending.signal, this.#pollInterval);
    } finally {
      for (const each of [signal, stopping]) each.removeEventListener("abort", end);
    }
  }

  async feerates(): Promise<FeerateTable> {
    return askFeerates(await this.#client.session());
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return broadcastBy(await this.#client.session(), transactions);
  }

  async utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    const session = await this.#client.session();
    try {
      return await lookUpOutput(session, this.#network, id);
    } catch (error) {
      this.#leaveIfUnfit(session, error);
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#client.stop();
    this.#stopping.abort();
  }

  /** A server that cannot be right, or cannot serve, is left for another one, where there is one. */
  #leaveIfUnfit(session: ElectrumSession, error: unknown): void {
    if (!(error instanceof ChainSourceError) || !this.#hasOtherServers) return;
    if (leaving.has(error.code)) this.#client.distrust(session, error);
  }

  #filter(): Filter {
    return {
      registerTransaction: (txid, script) => {
        this.#watch.registerTransaction(txid, script);
        if (this.#watch.hasNew) this.#news.wake();
      },
      registerOutput: (output) => {
        this.#watch.registerOutput(output);
        if (this.#watch.hasNew) this.#news.wake();
      },
    };
  }

  /** Of the sync, between two attempts; fails when the source is stopped. */
  async #wait(milliseconds: number): Promise<void> {
    await pause(milliseconds, this.#stopping.signal);
    if (this.#stopping.signal.aborted) throw stopped();
  }
}

function limitsOf(options: ElectrumSourceOptions, inFlight: number): RpcLimits {
  const silence = options.timeout ?? 30_000;
  return {
    inFlight,
    silence,
    answer: 4 * silence,
    ping: options.pingInterval ?? 60_000,
    notifications: maxNotifications,
  };
}

function noServers(): ChainSourceError {
  return new ChainSourceError("unsupported", "there is no Electrum server", "name one: ssl://host:50002");
}

import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { type Network, type NetworkName, networkOfGenesis, networks } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, Filter, WatchedOutput } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import {
  type BlockHeight,
  type FeeratePerKw,
  feeratePerKw,
  type ShortChannelId,
  shortChannelIdParts,
} from "@fulmen/lightning/util";
import type {
  BroadcastOutcome,
  ChainClients,
  ChainGap,
  ChainSource,
  ChainTip,
  FeerateTable,
  SyncProgress,
} from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { locateBlock, TransactionSync, WatchList } from "../transactions/index.ts";
import { badAddress, esploraAddress } from "./address.ts";
import { EsploraBroadcaster } from "./broadcast.ts";
import { invalidAnswer } from "./errors.ts";
import { EsploraClient } from "./esploraClient.ts";
import { type FetchLike, HttpClient } from "./httpClient.ts";

export interface EsploraSourceOptions {
  /** The root of the API: `https://blockstream.info/api`. User and password may stand in it. */
  readonly url: string;
  readonly network: NetworkName;
  /** The platform's when not given; another one can go through a proxy. */
  readonly fetch?: FetchLike;
  /** Sent with each request: tokens, for one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for an answer; 20,000 when not given. */
  readonly timeout?: number;
  /** Requests under way at a time; 6 when not given. Public servers refuse those who ask for much more. */
  readonly concurrency?: number;
  /** Milliseconds between two looks for a new block; 10,000 when not given. */
  readonly pollInterval?: number;
  /** Milliseconds after which the mempool is looked at though there is no new block; 60,000 when not given. */
  readonly mempoolInterval?: number;
  /** Bytes of an answer at most; 32,000,000 when not given. */
  readonly maxAnswerBytes?: number;
  /** Milliseconds before a busy server is asked again, doubled each time; 500 when not given. */
  readonly retryDelay?: number;
}

/** Satoshis per 1,000 weight units in one per virtual byte. */
const perVbyte = 250;
/** What nodes' mempools take at the least unless they are full: one satoshi per virtual byte. */
const relayMinimum = feeratePerKw(perVbyte);
/** Confirmations of a channel's funding that is looked up: six as BOLT 7 asks for, and one that we may be behind. */
const leastConfirmations = 5;

/**
 * The chain as a server with Esplora's HTTP API tells of it: Blockstream's, mempool's, or one's own. Works in browsers.
 * What it says of confirmed transactions is proven by headers and merkle proofs; that it leaves nothing out is trust.
 *
 * @ldk lightning_transaction_sync::EsploraSyncClient
 */
export class EsploraSource implements ChainSource {
  readonly name: string;
  readonly filter: Filter;
  readonly #network: Network;
  readonly #watch = new WatchList();
  readonly #http: HttpClient;
  readonly #client: EsploraClient;
  readonly #sync: TransactionSync;
  readonly #broadcaster: EsploraBroadcaster;
  readonly #isAddressed: boolean;
  readonly #pollInterval: number;
  readonly #mempoolInterval: number;
  /** Up to where the last sync came. */
  #synced: BlockHash | undefined;

  constructor(options: EsploraSourceOptions) {
    const { concurrency = 6, pollInterval = 10_000, mempoolInterval = 60_000, retryDelay = 500 } = options;
    const address = esploraAddress(options.url);
    this.#isAddressed = address !== undefined;
    this.name = address?.name ?? "esplora without an address";
    this.#network = networks[options.network];
    this.#http = new HttpClient({
      base: address?.base ?? "",
      name: this.name,
      fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      headers: { ...address?.headers, ...options.headers },
      timeout: options.timeout ?? 20_000,
      concurrency,
      maxAnswer: options.maxAnswerBytes ?? 32_000_000,
      retryDelay,
    });
    this.#client = new EsploraClient(this.#http, this.name, concurrency);
    this.#sync = new TransactionSync({
      client: this.#client,
      network: this.#network,
      watch: this.#watch,
      retryDelay,
      wait: (milliseconds) => this.#http.wait(milliseconds),
    });
    this.#broadcaster = new EsploraBroadcaster(this.#client);
    this.#pollInterval = pollInterval;
    this.#mempoolInterval = mempoolInterval;
    this.filter = this.#watch;
  }

  async start(): Promise<ChainTip> {
    if (!this.#isAddressed) throw badAddress();
    const genesis = await this.#client.blockHashAt(0);
    if (genesis === undefined) throw invalidAnswer(this.name, "it has no first block");
    if (genesis !== this.#network.genesisHash) throw this.#wrongNetwork(genesis);
    const { header, height } = await this.#client.tip();
    return { hash: blockHash(header), height };
  }

  async locate(height: BlockHeight): Promise<BlockLocator> {
    this.#http.expectRunning();
    return locateBlock(this.#client, this.#network, height);
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    this.#http.expectRunning();
    const { height } = await this.#client.tip();
    return from > height ? [] : this.#client.headers(from, Math.min(count, height - from + 1));
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
    this.#http.expectRunning();
    const tip = await this.#sync.sync(clients, progress);
    this.#synced = tip.hash;
    return tip;
  }

  async changed(signal: AbortSignal): Promise<void> {
    const until = performance.now() + this.#mempoolInterval;
    while (!signal.aborted && !this.#watch.hasNew && performance.now() < until) {
      await this.#http.wait(this.#pollInterval, signal);
      if (signal.aborted || (await this.#client.tipHash()) !== this.#synced) return;
    }
  }

  async feerates(): Promise<FeerateTable> {
    const estimates = await this.#client.feeEstimates();
    const targets = estimates.map(({ blocks, satPerVbyte }) => ({ blocks, feerate: fromVbyte(satPerVbyte) }));
    if (targets.length > 0) return { targets, minimum: relayMinimum };
    if (this.#network.name === "regtest")
      return { targets: [{ blocks: 1, feerate: relayMinimum }], minimum: relayMinimum };
    throw new ChainSourceError(
      "not-synced",
      `${this.name} has no fee estimates`,
      "wait until the server has seen enough blocks, or use another one beside it",
    );
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return this.#broadcaster.broadcast(transactions);
  }

  async utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    const { height, txIndex, outputIndex } = shortChannelIdParts(id);
    const [tip, block] = await Promise.all([this.#client.tip(), this.#client.blockHashAt(height)]);
    const isYoung = tip.height - height + 1 < leastConfirmations;
    const txid = block === undefined || isYoung ? undefined : await this.#client.txidAt(block, txIndex);
    if (txid === undefined) return { kind: "not-found" };
    const [transaction, spender] = await Promise.all([
      this.#client.transaction(txid),
      this.#client.spender(txid, outputIndex),
    ]);
    if (transaction === undefined || spender?.height !== undefined) return { kind: "not-found" };
    if (txidOf(transaction) !== txid) throw invalidAnswer(this.name, `transaction ${txid} is another one`);
    const output = transaction.outputs[outputIndex];
    return output === undefined ? { kind: "not-found" } : { kind: "found", ...output };
  }

  async stop(): Promise<void> {
    this.#http.stop();
  }

  #wrongNetwork(genesis: BlockHash): ChainSourceError {
    const other = networkOfGenesis(genesis);
    return new ChainSourceError(
      "wrong-network",
      `${this.name} is on ${other?.name ?? `an unknown network (${genesis})`}, not on ${this.#network.name}`,
      `use a server of ${this.#network.name}${other === undefined ? "" : `, or run the node on ${other.name}`}`,
    );
  }
}

function fromVbyte(satPerVbyte: number): FeeratePerKw {
  return feeratePerKw(Math.ceil(Math.min(satPerVbyte, 1_000_000) * perVbyte));
}

import type { BlockHeader } from "@fulmen/bitcoin/block";
import { networkOfGenesis, networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import type { BlockHash, BlockHeight, ShortChannelId } from "@fulmen/lightning/util";
import { BlockSync } from "../blocks/index.ts";
import type {
  BroadcastOutcome,
  ChainClients,
  ChainSource,
  ChainTip,
  FeerateTable,
  SyncProgress,
} from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { hashOf } from "./answers.ts";
import { BitcoindClient, unexpected } from "./bitcoindClient.ts";
import { broadcastBy } from "./broadcast.ts";
import { feeratesOf } from "./feerates.ts";
import { HttpClient, stoppedError } from "./httpClient.ts";
import { MempoolTeller } from "./mempoolTeller.ts";
import { News } from "./news.ts";
import { type BitcoindOptions, rpcPorts } from "./options.ts";
import { PrunedBlocks } from "./prunedBlocks.ts";
import { fieldOf, RpcClient, RpcRefusal } from "./rpcClient.ts";
import { UnspentOutputs } from "./unspentOutputs.ts";

/** Headers of one answer. */
const mostHeaders = 500;
/** Hashes of a `BlockLocator` besides its own. */
const ancestorsKept = 12;

/**
 * Bitcoin Core as a source of whole blocks, by JSON-RPC and, if wanted, REST and ZMQ. It needs version 24 or later and
 * no index of transactions; a pruned node will do while it has the blocks that are needed. What it says of blocks is
 * checked (`CheckedHeaders`); that an output is unspent, and what feerates are, is believed.
 */
export class BitcoindSource implements ChainSource {
  readonly name: string;
  readonly #options: BitcoindOptions;
  readonly #http: HttpClient;
  readonly #rpc: RpcClient;
  readonly #client: BitcoindClient;
  readonly #sync: BlockSync;
  readonly #mempool: MempoolTeller;
  readonly #news: News;
  readonly #outputs: UnspentOutputs;
  #isStopped = false;

  /** Does nothing yet; throws `TypeError` for a URL that is none. */
  constructor(options: BitcoindOptions) {
    const url = new URL(options.url ?? `http://127.0.0.1:${rpcPorts[options.network]}`);
    const { timeoutSeconds = 30, pruneWaitSeconds = 30, fetchAhead } = options;
    this.name = `bitcoind at ${url.host}`;
    this.#options = options;
    this.#http = new HttpClient(url);
    this.#rpc = new RpcClient(this.#http, options.authentication, timeoutSeconds * 1_000);
    const pruned = new PrunedBlocks(this.#rpc, pruneWaitSeconds);
    const client = new BitcoindClient({
      rpc: this.#rpc,
      http: this.#http,
      hasRest: options.rest ?? false,
      pruned,
    });
    const network = networks[options.network];
    this.#client = client;
    this.#sync = new BlockSync({ client, network, ...(fetchAhead !== undefined && { fetchAhead }) });
    this.#mempool = new MempoolTeller(this.#rpc);
    this.#outputs = new UnspentOutputs(this.#rpc);
    this.#news = new News(this.#rpc, options);
  }

  start(): Promise<ChainTip> {
    return this.#answering(async () => {
      await this.#expectNetwork();
      const info = await this.#rpc.call("getblockchaininfo");
      // A network of one's own, which nobody mines on for a day, counts as far behind for Bitcoin Core.
      if (this.#options.network !== "regtest" && fieldOf(info, "initialblockdownload") === true) {
        const { blocks, headers } = { blocks: fieldOf(info, "blocks"), headers: fieldOf(info, "headers") };
        throw new ChainSourceError(
          "not-synced",
          `bitcoind is still downloading the chain: it has ${Number(blocks)} of ${Number(headers)} blocks`,
          "wait until bitcoin-cli getblockchaininfo says initialblockdownload: false",
        );
      }
      await this.#news.start();
      return this.#client.tip();
    });
  }

  locate(height: BlockHeight): Promise<BlockLocator> {
    return this.#answering(async () => {
      const from = Math.max(0, height - ancestorsKept);
      const hashes = await this.#client.hashes(from, height - from + 1);
      const hash = hashes[height - from];
      if (hash === undefined) {
        throw new ChainSourceError(
          "not-synced",
          `there is no block ${height} yet`,
          "wait, or begin at a lower block",
        );
      }
      return { hash, height, ancestors: hashes.slice(0, height - from).reverse() };
    });
  }

  oldestBlock(): Promise<number | undefined> {
    return this.#answering(async () => {
      const lowest = fieldOf(await this.#rpc.call("getblockchaininfo"), "pruneheight");
      return typeof lowest === "number" ? lowest : undefined;
    });
  }

  headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    return this.#answering(async () =>
      this.#client.headers(await this.#client.hashes(from, Math.min(count, mostHeaders))),
    );
  }

  sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    return this.#answering(async () => {
      const paced = async (): Promise<void> => {
        await clients.paced?.();
        if (this.#isStopped) throw stoppedError();
      };
      const tip = await this.#sync.sync({ ...clients, paced }, progress);
      const hasMore = await this.#mempool.tell(clients.mempool);
      this.#outputs.chainMoved();
      this.#news.synced(tip, { wantsMempool: clients.mempool.length > 0, hasMore });
      return tip;
    });
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#answering(() => this.#news.changed(signal));
  }

  feerates(): Promise<FeerateTable> {
    return this.#answering(() => feeratesOf(this.#rpc, this.#options.network));
  }

  broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return this.#answering(() => broadcastBy(this.#rpc, transactions));
  }

  utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    return this.#answering(() => this.#outputs.answer(id));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#news.stop();
    this.#http.stop();
  }

  async #expectNetwork(): Promise<void> {
    const network = networks[this.#options.network];
    const genesis: BlockHash = hashOf(await this.#rpc.call("getblockhash", [0]));
    if (genesis === network.genesisHash) return;
    const other = networkOfGenesis(genesis)?.name ?? `another network (its first block is ${genesis})`;
    throw new ChainSourceError(
      "wrong-network",
      `bitcoind is on ${other}, this node is on ${network.name}`,
      `connect to a bitcoind on ${network.name} (port ${rpcPorts[network.name]} unless rpcport says otherwise), or set this node's network to that of bitcoind`,
    );
  }

  /** Whatever Bitcoin Core refuses becomes an error that says what to do. */
  async #answering<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#isStopped) throw stoppedError();
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RpcRefusal) throw unexpected(error);
      throw error;
    }
  }
}

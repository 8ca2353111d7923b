import { encodeBlock, encodeHeader, merkleProof } from "@fulmen/bitcoin/block";
import { fromHex, reverseBytes, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import type { ChainBlock, FoundTransaction, TestChain } from "../chain/index.ts";
import { type ScriptHash, ScriptIndex } from "../lookup/index.ts";
import { type EsploraAnswer, EsploraRefusal, type EsploraRequest, jsonAnswer, textAnswer } from "./answer.ts";
import { broadcast, broadcastPackage } from "./broadcasts.ts";
import { blockValue, outspendValue, statusValue, transactionValue } from "./values.ts";

/** What a server tells of itself. */
export interface EsploraApiOptions {
  /** Satoshis per virtual byte by the number of blocks; nothing when absent, as on a young chain. */
  readonly feeEstimates?: Readonly<Record<string, number>>;
  /** Confirmed transactions on a page; 25 as Esplora has it, when not given. */
  readonly pageSize?: number;
  /** Whether packages are taken; some servers do not know them. */
  readonly takesPackages?: boolean;
}

/** Unconfirmed transactions of a script that are told of. */
const maxMempool = 50;
/** Blocks in one answer. */
const maxBlocks = 10;

type Route = (parts: readonly string[], request: EsploraRequest) => EsploraAnswer;

/**
 * Answers as Blockstream's electrs does by HTTP (the API of Esplora), with its plain texts, its page sizes and its
 * refusals. It opens no sockets.
 */
export class EsploraApi {
  readonly #chain: TestChain;
  readonly #index: ScriptIndex;
  readonly #options: EsploraApiOptions;
  readonly #routes: Readonly<Record<string, Route>> = {
    blocks: (parts) => this.#blocks(parts),
    "block-height": ([height = ""]) => textAnswer(this.#blockAt(height).hash),
    block: (parts) => this.#block(parts),
    scripthash: (parts) => this.#scriptHash(parts),
    tx: (parts, request) => this.#transaction(parts, request),
    txs: (parts, request) => this.#package(parts, request),
    "fee-estimates": () => jsonAnswer(this.#options.feeEstimates ?? {}),
  };

  constructor(chain: TestChain, options: EsploraApiOptions = {}) {
    this.#chain = chain;
    this.#index = new ScriptIndex(chain);
    this.#options = options;
  }

  answer(request: EsploraRequest): EsploraAnswer {
    const [, first = "", ...rest] = request.path.split("/");
    try {
      const route = Object.hasOwn(this.#routes, first) ? this.#routes[first] : undefined;
      if (route === undefined) throw noEndpoint(request.path);
      return route(rest, request);
    } catch (error) {
      if (error instanceof EsploraRefusal) return textAnswer(error.message, error.status);
      throw error;
    }
  }

  #blocks([first, second, ...rest]: readonly string[]): EsploraAnswer {
    const { tip } = this.#chain;
    if (rest.length > 0) throw noEndpoint("/blocks");
    if (first === "tip" && second === "hash") return textAnswer(tip.hash);
    if (first === "tip" && second === "height") return textAnswer(String(tip.height));
    if (second !== undefined) throw noEndpoint("/blocks");
    const start = first === undefined || !/^\d+$/.test(first) ? tip : this.#blockAt(first);
    const blocks: ChainBlock[] = [];
    for (let height = start.height; height >= 0 && blocks.length < maxBlocks; height--) {
      blocks.push(present(this.#chain.blockAt(height), "a block"));
    }
    return jsonAnswer(blocks.map(blockValue));
  }

  #block([hash = "", what, index]: readonly string[]): EsploraAnswer {
    const block = this.#blockOf(hash);
    switch (what) {
      case undefined:
        return jsonAnswer(blockValue(block));
      case "header":
        return textAnswer(toHex(encodeHeader(block.block.header)));
      case "raw":
        return { status: 200, contentType: "application/octet-stream", body: encodeBlock(block.block) };
      case "txids":
        return jsonAnswer(block.txids);
      case "status":
        return jsonAnswer({
          in_best_chain: true,
          height: block.height,
          next_best: this.#chain.blockAt(block.height + 1)?.hash ?? null,
        });
      case "txid": {
        const txid = block.txids[number(index)];
        if (txid === undefined) throw new EsploraRefusal(404, "tx index out of range");
        return textAnswer(txid);
      }
      default:
        throw noEndpoint(`/block/${hash}/${what}`);
    }
  }

  #scriptHash([hex = "", what, kind, lastSeen]: readonly string[]): EsploraAnswer {
    if (!/^[0-9a-f]{64}$/.test(hex)) throw new EsploraRefusal(400, "Invalid scripthash");
    if (what !== "txs") throw noEndpoint(`/scripthash/${hex}`);
    this.#index.update();
    // Esplora has the bytes of the hash in their order, Electrum reversed.
    const hash = toHex(reverseBytes(fromHex(hex))) as ScriptHash;
    const confirmed = this.#index.confirmed(hash).map(({ txid }) => txid);
    const newestFirst = [...confirmed].reverse();
    const unconfirmed = this.#index
      .unconfirmed(hash)
      .map(({ txid }) => txid)
      .slice(0, maxMempool);
    const page = (after: string | undefined): readonly Txid[] => {
      // An id that is not there begins at the beginning of what is left: at nothing.
      const start = after === undefined ? 0 : newestFirst.indexOf(after as Txid) + 1;
      if (after !== undefined && start === 0) return [];
      return newestFirst.slice(start, start + (this.#options.pageSize ?? 25));
    };
    if (kind === undefined) return this.#transactions([...unconfirmed, ...page(undefined)]);
    if (kind === "chain") return this.#transactions(page(lastSeen));
    if (kind === "mempool") return this.#transactions(unconfirmed);
    throw noEndpoint(`/scripthash/${hex}/txs/${kind}`);
  }

  #transactions(txids: readonly Txid[]): EsploraAnswer {
    return jsonAnswer(txids.map((txid) => transactionValue(this.#chain, this.#found(txid))));
  }

  #transaction(parts: readonly string[], { method, body }: EsploraRequest): EsploraAnswer {
    if (method === "POST") {
      if (parts.length > 0) throw noEndpoint("/tx");
      return textAnswer(broadcast(this.#chain, body));
    }
    const [hex = "", what, index] = parts;
    const txid = hashOf(hex) as Txid;
    switch (what) {
      case undefined:
        return jsonAnswer(transactionValue(this.#chain, this.#found(txid)));
      case "status":
        return jsonAnswer(statusValue(this.#chain.transaction(txid)?.block));
      case "hex":
        return textAnswer(toHex(encodeTransaction(this.#found(txid).transaction)));
      case "raw":
        return {
          status: 200,
          contentType: "application/octet-stream",
          body: encodeTransaction(this.#found(txid).transaction),
        };
      case "merkle-proof":
        return this.#merkleProof(txid);
      case "outspend":
        return jsonAnswer(outspendValue(this.#chain, txid, number(index)));
      case "outspends": {
        const { transaction } = this.#found(txid);
        return jsonAnswer([...transaction.outputs.keys()].map((i) => outspendValue(this.#chain, txid, i)));
      }
      default:
        throw noEndpoint(`/tx/${hex}/${what}`);
    }
  }

  #merkleProof(txid: Txid): EsploraAnswer {
    const block = this.#chain.transaction(txid)?.block;
    if (block === undefined) throw new EsploraRefusal(404, "Transaction not found or is unconfirmed");
    const { position, siblings } = merkleProof(block.txids, block.txids.indexOf(txid));
    return jsonAnswer({ block_height: block.height, merkle: siblings, pos: position });
  }

  #package(parts: readonly string[], { method, body, path }: EsploraRequest): EsploraAnswer {
    const { takesPackages = true } = this.#options;
    if (!takesPackages || method !== "POST" || parts.join("/") !== "package") throw noEndpoint(path);
    return jsonAnswer(broadcastPackage(this.#chain, body));
  }

  #found(txid: Txid): FoundTransaction {
    const found = this.#chain.transaction(txid);
    if (found === undefined) throw new EsploraRefusal(404, "Transaction not found");
    return found;
  }

  #blockAt(height: string): ChainBlock {
    const block = this.#chain.blockAt(number(height));
    if (block === undefined) throw new EsploraRefusal(404, "Block not found");
    return block;
  }

  #blockOf(hex: string): ChainBlock {
    const hash = hashOf(hex);
    for (let height: number = this.#chain.tip.height; height >= 0; height--) {
      const block = this.#chain.blockAt(height);
      if (block?.hash === hash) return block;
    }
    throw new EsploraRefusal(404, "Block not found");
  }
}

function hashOf(hex: string): string {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new EsploraRefusal(400, "Invalid hex string");
  return hex.toLowerCase();
}

function number(text: string | undefined): number {
  if (text === undefined || !/^\d{1,9}$/.test(text)) throw new EsploraRefusal(400, "Invalid number");
  return Number(text);
}

function noEndpoint(path: string): EsploraRefusal {
  return new EsploraRefusal(404, `endpoint does not exist "${path.slice(0, 100)}"`);
}

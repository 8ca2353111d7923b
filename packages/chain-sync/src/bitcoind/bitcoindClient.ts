import { type BlockHeader, decodeHeader } from "@fulmen/bitcoin/block";
import { BitcoinDecodeError } from "@fulmen/bitcoin/transaction";
import type { BlockHash, BlockHeight } from "@fulmen/lightning/util";
import type { BlockClient } from "../blocks/index.ts";
import type { ChainTip } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { bytesOf, hashOf, heightOf, invalidAnswer } from "./answers.ts";
import type { HttpClient } from "./httpClient.ts";
import type { PrunedBlocks } from "./prunedBlocks.ts";
import { fieldOf, type RpcClient, RpcRefusal, rpcCodes } from "./rpcClient.ts";

/** As many bytes as a block can have, in hexadecimal, and a little JSON. */
const mostBlockBytes = 8_100_000;
/** A block of 4 MB over a slow connection. */
const blockTimeout = 120_000;

/** Bitcoin Core as a `BlockClient`. */
export class BitcoindClient implements BlockClient {
  readonly #rpc: RpcClient;
  readonly #http: HttpClient;
  readonly #hasRest: boolean;
  readonly #pruned: PrunedBlocks;

  constructor(parts: {
    readonly rpc: RpcClient;
    readonly http: HttpClient;
    readonly hasRest: boolean;
    readonly pruned: PrunedBlocks;
  }) {
    this.#rpc = parts.rpc;
    this.#http = parts.http;
    this.#hasRest = parts.hasRest;
    this.#pruned = parts.pruned;
  }

  async tip(): Promise<ChainTip> {
    const hash = hashOf(await this.#rpc.call("getbestblockhash"));
    const height = heightOf(fieldOf(await this.#rpc.call("getblockheader", [hash]), "height"));
    return { hash, height: height as BlockHeight };
  }

  async hashes(from: number, count: number): Promise<readonly BlockHash[]> {
    const calls = Array.from({ length: count }, (_, i) => ({ method: "getblockhash", params: [from + i] }));
    const hashes: BlockHash[] = [];
    for (const answer of await this.#rpc.batch(calls)) {
      if (answer instanceof RpcRefusal) {
        if (answer.code === rpcCodes.invalidParameter) break;
        throw unexpected(answer);
      }
      hashes.push(hashOf(answer));
    }
    return hashes;
  }

  async header(hash: BlockHash): Promise<BlockHeader | undefined> {
    const [answer] = await this.#rpc.batch([{ method: "getblockheader", params: [hash, false] }]);
    if (answer instanceof RpcRefusal && answer.code === rpcCodes.invalidAddressOrKey) return undefined;
    return headerOf(answer);
  }

  async headers(hashes: readonly BlockHash[]): Promise<readonly BlockHeader[]> {
    const calls = hashes.map((hash) => ({ method: "getblockheader", params: [hash, false] }));
    return (await this.#rpc.batch(calls)).map(headerOf);
  }

  async block(hash: BlockHash, height: number): Promise<Uint8Array> {
    const bytes = await this.#blockIfThere(hash);
    if (bytes !== undefined) return bytes;
    return this.#pruned.recover(hash, height, () => this.#blockIfThere(hash));
  }

  /** `undefined` when it is pruned. */
  async #blockIfThere(hash: BlockHash): Promise<Uint8Array | undefined> {
    if (this.#hasRest) return this.#blockByRest(hash);
    try {
      const limits = { timeout: blockTimeout, mostBytes: mostBlockBytes };
      return bytesOf(await this.#rpc.call("getblock", [hash, 0], limits));
    } catch (error) {
      if (error instanceof RpcRefusal && isPruned(error.message)) return undefined;
      throw error instanceof RpcRefusal ? unexpected(error) : error;
    }
  }

  async #blockByRest(hash: BlockHash): Promise<Uint8Array | undefined> {
    const path = `/rest/block/${hash}.bin`;
    const limits = { timeout: blockTimeout, mostBytes: mostBlockBytes };
    const { status, body } = await this.#http.send({ method: "GET", path, ...limits });
    if (status === 200) return new Uint8Array(body.buffer, body.byteOffset, body.length);
    const text = body.subarray(0, 300).toString();
    if (isPruned(text)) return undefined;
    if (status === 404 && !text.includes(hash)) {
      throw new ChainSourceError(
        "unsupported",
        "bitcoind does not serve blocks by REST",
        "set rest=1 in bitcoin.conf and restart bitcoind, or do without: set rest to false here",
      );
    }
    throw invalidAnswer(`HTTP status ${status} for block ${hash}`);
  }
}

function isPruned(text: string): boolean {
  return text.includes("pruned data");
}

function headerOf(answer: unknown): BlockHeader {
  if (answer instanceof RpcRefusal) throw unexpected(answer);
  try {
    return decodeHeader(bytesOf(answer));
  } catch (error) {
    if (!(error instanceof BitcoinDecodeError)) throw error;
    throw invalidAnswer("a header that is none");
  }
}

/** The error for a refusal that should not be. */
export function unexpected({ method, message, code }: RpcRefusal): ChainSourceError {
  if (code === rpcCodes.methodNotFound) {
    return new ChainSourceError(
      "unsupported",
      `bitcoind does not know the method ${method}`,
      "update Bitcoin Core to version 24 or later; if rpcwhitelist is set in bitcoin.conf, add the method",
    );
  }
  if (/not fully downloaded|not found on disk/i.test(message)) {
    return new ChainSourceError(
      "not-synced",
      `bitcoind has not got a block yet: ${message}`,
      "wait until it has",
    );
  }
  return invalidAnswer(`${method} is refused: ${message} (${code})`);
}

import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import { type ShortChannelId, sat, shortChannelIdParts } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { bytesOf, hashOf, invalidAnswer, satoshisOf } from "./answers.ts";
import { unexpected } from "./bitcoindClient.ts";
import { fieldOf, type RpcClient, RpcRefusal, rpcCodes } from "./rpcClient.ts";

/** Blocks whose txids are remembered: announcements of one block come together. */
const rememberedBlocks = 32;
/** BOLT 7 asks for six; whoever announces may have heard of a block that we have not. */
const leastConfirmations = 5;
const notFound = { kind: "not-found" } as const;

/** Looks up outputs by their short channel ids. */
export class UnspentOutputs {
  readonly #rpc: RpcClient;
  readonly #txids = new Map<number, readonly unknown[]>();

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  /** Forgets what a reorganisation may have changed. */
  chainMoved(): void {
    this.#txids.clear();
  }

  async answer(id: ShortChannelId): Promise<UtxoAnswer> {
    const { height, txIndex, outputIndex } = shortChannelIdParts(id);
    const txid = (await this.#txidsAt(height))?.[txIndex];
    if (txid === undefined) return notFound;
    const output = await this.#rpc.call("gettxout", [hashOf(txid), outputIndex, false]);
    if (output === null) return notFound;
    const confirmations = fieldOf(output, "confirmations");
    if (typeof confirmations !== "number" || confirmations < leastConfirmations) return notFound;
    const value = satoshisOf(fieldOf(output, "value"));
    if (value === undefined) throw invalidAnswer("an output without a value");
    const script = bytesOf(fieldOf(fieldOf(output, "scriptPubKey"), "hex"));
    return { kind: "found", value: sat(value), script };
  }

  async #txidsAt(height: number): Promise<readonly unknown[] | undefined> {
    const known = this.#txids.get(height);
    if (known !== undefined) return known;
    const [hash] = await this.#rpc.batch([{ method: "getblockhash", params: [height] }]);
    if (hash instanceof RpcRefusal && hash.code === rpcCodes.invalidParameter) return undefined;
    if (hash instanceof RpcRefusal) throw unexpected(hash);
    const [block] = await this.#rpc.batch([{ method: "getblock", params: [hashOf(hash), 1] }]);
    if (block instanceof RpcRefusal) throw refusalOf(height, block);
    const txids = fieldOf(block, "tx");
    if (!Array.isArray(txids)) throw invalidAnswer("a block without transactions");
    this.#txids.set(height, txids);
    for (const oldest of this.#txids.keys()) {
      if (this.#txids.size <= rememberedBlocks) break;
      this.#txids.delete(oldest);
    }
    return txids;
  }
}

function refusalOf(height: number, refusal: RpcRefusal): ChainSourceError {
  if (!refusal.message.includes("pruned data")) return unexpected(refusal);
  return new ChainSourceError(
    "pruned",
    `whether an output of block ${height} is unspent cannot be said: bitcoind has pruned the block`,
    "verify gossip by a bitcoind that is not pruned, or take the graph from rapid gossip sync",
  );
}

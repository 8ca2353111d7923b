import { type BlockHeader, blockHash, workOfBits } from "@fulmen/bitcoin/block";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { BlockHash, BlockHeight } from "@fulmen/lightning/util";
import type { ChainTip } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { type CheckedHeaders, invalidChain, type KnownHeader } from "../headers/index.ts";
import type { BlockClient } from "./blockClient.ts";
import { ChainMoved } from "./chainMoved.ts";

/** The last block that a follower and the best chain have in common. */
export interface ForkPoint {
  readonly fork: KnownHeader;
  /** The work that the follower has seen above it, as far as it is known. */
  readonly abandonedWork: bigint;
  /** Blocks that it has seen above it. */
  readonly abandoned: number;
}

interface Parts {
  readonly client: BlockClient;
  readonly headers: CheckedHeaders;
  readonly tip: ChainTip;
}

/** Hashes that are asked for at once when a branch is walked back. */
const hashesAtOnce = 100;
/** The longest branch that is walked back: more than any network has ever seen. */
const longestBranch = 10_000;

/**
 * Finds where the best chain goes on from a position: by the hashes that the position names, and behind them by the
 * headers of the branch that was left, from our cache or from the source.
 */
export async function forkPointOf(position: BlockLocator, parts: Parts): Promise<ForkPoint> {
  const branch = [position.hash, ...position.ancestors];
  const active = new ActiveHashes(parts.client, position.height);
  const headers: (BlockHeader | undefined)[] = [];
  for (let back = 0; back <= longestBranch; back++) {
    const height = position.height - back;
    const hash = branch[back] ?? headers[back - 1]?.previous;
    if (hash === undefined || height < 0) break;
    if ((await active.at(height)) === hash) {
      const fork = await known(hash, height as BlockHeight, parts);
      return { fork, abandoned: back, abandonedWork: workOf(headers, fork.header.bits) };
    }
    headers.push(await headerOf(hash, parts));
  }
  throw unknownPosition(position, parts.tip);
}

/** Hashes of the best chain, asked for downwards. */
class ActiveHashes {
  readonly #client: BlockClient;
  readonly #hashes = new Map<number, BlockHash | undefined>();
  #lowest: number;

  constructor(client: BlockClient, from: number) {
    this.#client = client;
    this.#lowest = from + 1;
  }

  async at(height: number): Promise<BlockHash | undefined> {
    if (height < this.#lowest) {
      // A short branch, as nearly all are, takes one question of a few hashes.
      const count = Math.min(this.#hashes.size === 0 ? 13 : hashesAtOnce, this.#lowest);
      const from = this.#lowest - count;
      const hashes = await this.#client.hashes(from, count);
      for (let i = 0; i < count; i++) this.#hashes.set(from + i, hashes[i]);
      this.#lowest = from;
    }
    return this.#hashes.get(height);
  }
}

async function known(hash: BlockHash, height: BlockHeight, parts: Parts): Promise<KnownHeader> {
  const cached = parts.headers.get(hash);
  if (cached !== undefined) return cached;
  const header = await parts.client.header(hash);
  if (header === undefined) throw new ChainMoved(`block ${hash} has a height but no header`);
  return parts.headers.trust(header, hash, height);
}

/** Of a branch that was left; `undefined` where nobody knows it any more. */
async function headerOf(hash: BlockHash, { client, headers }: Parts): Promise<BlockHeader | undefined> {
  const header = headers.get(hash)?.header ?? (await client.header(hash));
  if (header !== undefined && blockHash(header) !== hash)
    throw invalidChain(`the header of block ${hash} is another one's`);
  return header;
}

/** Headers that nobody knows any more count as much as the fork point's. */
function workOf(headers: readonly (BlockHeader | undefined)[], bits: number): bigint {
  return headers.reduce((sum, header) => sum + workOfBits(header?.bits ?? bits), 0n);
}

function unknownPosition({ height, hash }: BlockLocator, tip: ChainTip): ChainSourceError {
  if (height > tip.height) return behind(height, tip);
  return new ChainSourceError(
    "invalid-chain",
    `it knows neither block ${height} (${hash}), up to which this node has followed the chain, nor the ${Math.min(height, 12)} before it`,
    "connect to the source that was used before; if that one is on this chain, too, the chain was reorganised more deeply than can be followed without its help",
  );
}

/** The error for a source whose chain has less work than what is known already. */
export function behind(height: number, tip: ChainTip): ChainSourceError {
  return new ChainSourceError(
    "not-synced",
    `the source is at block ${tip.height}, behind block ${height}, up to which this node has followed a chain with more work`,
    "wait until it has caught up",
  );
}

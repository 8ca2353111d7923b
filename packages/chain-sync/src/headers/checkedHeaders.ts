import { type BlockHeader, blockHash, workOfBits } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { BlockHash, BlockHeight } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { difficultyComplaint, hasWorkAt } from "./difficulty.ts";

/** A header that was checked, or that is known by its hash from before. */
export interface KnownHeader {
  readonly header: BlockHeader;
  readonly hash: BlockHash;
  readonly height: BlockHeight;
}

/** Two periods and what a branch needs besides; 80 bytes each as a source sends them, some 300 here. */
const defaultCapacity = 6_000;

/**
 * Headers, each checked against those before it: a source can make us believe in no block without the work that the
 * network asks for. Bounded: the oldest are forgotten.
 *
 * Checked are proof of work against the header's own target, that the target is the one that the rules of the network
 * ask for (mainnet, testnet, testnet4 with BIP 94, signet, regtest), the link to the header before, and that the time
 * is above the median of the eleven before. As far as the headers before are known: behind a position of which only the
 * hash is known, a first retarget is held to a factor of four only. Not checked: that the time is not far ahead of the
 * clock (a wrong clock would stop the node), version numbers, signet's signatures (the challenge is not known here),
 * and that no other chain has more work.
 */
export class CheckedHeaders {
  readonly #network: Network;
  readonly #capacity: number;
  readonly #headers = new Map<BlockHash, KnownHeader>();

  /** `capacity` counts headers, and is at least 2,100 so that retargets can be checked. */
  constructor(network: Network, capacity: number = defaultCapacity) {
    this.#network = network;
    this.#capacity = Math.max(capacity, 2_100);
  }

  /** How many headers are kept. */
  get size(): number {
    return this.#headers.size;
  }

  get(hash: BlockHash): KnownHeader | undefined {
    return this.#headers.get(hash);
  }

  /** Takes a header whose hash is known from before, without looking at more: the fork point of a follower. */
  trust(header: BlockHeader, hash: BlockHash, height: BlockHeight): KnownHeader {
    if (blockHash(header) !== hash) throw invalidChain(`the header of block ${hash} is another one's`);
    return this.#headers.get(hash) ?? this.#keep({ header, hash, height });
  }

  /** Takes the header that follows `previous`; throws `ChainSourceError` (`invalid-chain`) when it cannot. */
  extend(previous: KnownHeader, header: BlockHeader): KnownHeader {
    const height = (previous.height + 1) as BlockHeight;
    const hash = blockHash(header);
    const known = this.#headers.get(hash);
    if (known !== undefined && header.previous === previous.hash) return known;
    const next = { header, hash, height };
    const complaint = this.#complaint(previous, next);
    if (complaint !== undefined) throw invalidChain(`block ${height} (${hash}) is invalid: ${complaint}`);
    return this.#keep(next);
  }

  /** The header so many blocks before another one, as far as it is known. */
  before({ header, hash }: KnownHeader, back: number): KnownHeader | undefined {
    let at = back === 0 ? this.#headers.get(hash) : this.#headers.get(header.previous);
    for (let i = 1; i < back && at !== undefined; i++) at = this.#headers.get(at.header.previous);
    return at;
  }

  #complaint(previous: KnownHeader, { header, hash, height }: KnownHeader): string | undefined {
    if (header.previous !== previous.hash) return `it does not follow block ${previous.hash}`;
    if (!hasWorkAt(header, height, this.#network, hash)) return "it has no proof of work";
    const back = this.#lookingBackFrom(previous);
    const median = medianTime(back);
    if (median !== undefined && header.time <= median)
      return "its time is not above the median of those before";
    return difficultyComplaint(header, height, back, this.#network);
  }

  /** Remembers how far it has walked, so that looking ever further back costs one step each. */
  #lookingBackFrom(previous: KnownHeader): (back: number) => BlockHeader | undefined {
    const walked: (BlockHeader | undefined)[] = [undefined, previous.header];
    return (back) => {
      while (walked.length <= back) {
        const last = walked.at(-1);
        if (last === undefined) return undefined;
        walked.push(this.#headers.get(last.previous)?.header);
      }
      return walked[back];
    };
  }

  #keep(known: KnownHeader): KnownHeader {
    this.#headers.set(known.hash, known);
    for (const hash of this.#headers.keys()) {
      if (this.#headers.size <= this.#capacity) break;
      this.#headers.delete(hash);
    }
    return known;
  }
}

/** The work of headers together. */
export function workOf(headers: readonly BlockHeader[]): bigint {
  return headers.reduce((sum, { bits }) => sum + workOfBits(bits), 0n);
}

/** Of the eleven headers before, if all are known. */
function medianTime(back: (back: number) => BlockHeader | undefined): number | undefined {
  const times: number[] = [];
  for (let i = 1; i <= 11; i++) {
    const header = back(i);
    if (header === undefined) return undefined;
    times.push(header.time);
  }
  return times.sort((a, b) => a - b)[5];
}

/** The error for a chain that cannot be. */
export function invalidChain(message: string): ChainSourceError {
  return new ChainSourceError(
    "invalid-chain",
    message,
    "do not trust this source: connect to another one, best to a Bitcoin node of your own",
  );
}

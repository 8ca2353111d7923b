import { type BlockHeader, blockHash, workOfBits } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { blockHeight } from "@fulmen/lightning/util";
import type { ChainSource } from "../chainSource.ts";
import { CheckedHeaders, type KnownHeader } from "../headers/index.ts";

/** How a source's chain compares with the one up to a position. */
export type Standing =
  /** It goes on above the position, or branches off below it, with more work: there are blocks to hear of. */
  | "ahead"
  /** The position's block is its last. */
  | "level"
  /** It has not more work, or nothing in common with the blocks that the position names. */
  | "behind";

/**
 * Blocks above a position that are looked at: one is enough for it, some more where a branch has to outweigh another.
 */
const lookedAhead = 12;

/**
 * Compares by headers, each of which is checked as followers' are. Rejects with what the source says, and with a
 * `ChainSourceError` (`invalid-chain`) for headers that cannot be.
 */
export async function standingOf(
  source: ChainSource,
  position: BlockLocator,
  network: Network,
): Promise<Standing> {
  const { height, hash } = position;
  const above = await headersOf(source, height, 2);
  const [same] = above;
  if (same !== undefined && blockHash(same) === hash) {
    return workAbove(above, height, network) > 0n ? "ahead" : "level";
  }
  const lowest = Math.max(0, height - position.ancestors.length);
  const branch = await headersOf(source, lowest, height - lowest + 1 + lookedAhead);
  const fork = branch.findLastIndex((header, i) => {
    return lowest + i < height && position.ancestors[height - 1 - lowest - i] === blockHash(header);
  });
  const forked = branch[fork];
  if (forked === undefined) return "behind";
  // Of the blocks that would be left only the number is known; they count as the one below them does.
  const left = BigInt(height - lowest - fork) * workOfBits(forked.bits);
  return workAbove(branch.slice(fork), lowest + fork, network) > left ? "ahead" : "behind";
}

/** The work of a row of headers without that of its first, which is known by its hash and has this height. */
function workAbove(row: readonly BlockHeader[], height: number, network: Network): bigint {
  const checked = new CheckedHeaders(network);
  let last: KnownHeader | undefined;
  let work = 0n;
  for (const header of row) {
    if (last === undefined) last = checked.trust(header, blockHash(header), blockHeight(height));
    else {
      last = checked.extend(last, header);
      work += workOfBits(header.bits);
    }
  }
  return work;
}

/** As many as there are, in as many answers as it takes. */
export async function headersOf(
  source: ChainSource,
  from: number,
  count: number,
): Promise<readonly BlockHeader[]> {
  const headers: BlockHeader[] = [];
  while (headers.length < count) {
    const more = await source.headers?.(from + headers.length, count - headers.length);
    if (more === undefined || more.length === 0) break;
    headers.push(...more.slice(0, count - headers.length));
  }
  return headers;
}

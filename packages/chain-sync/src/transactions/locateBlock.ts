import { blockHash } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { hasWorkAt } from "../headers/index.ts";
import type { TransactionClient } from "./transactionClient.ts";

/** Hashes of blocks before one that a locator has. */
const ancestors = 12;

/** As `ChainSource.locate`: the block of this height with those before it, each with its proof of work. */
export async function locateBlock(
  client: TransactionClient,
  network: Network,
  height: BlockHeight,
): Promise<BlockLocator> {
  const first = Math.max(0, height - ancestors);
  const hashes: BlockLocator["hash"][] = [];
  for (let from = first; from <= height; ) {
    const headers = await client.headers(from, Math.min(client.maxHeaders, height - from + 1));
    if (headers.length === 0) {
      const message = `the server has no block at height ${height}`;
      throw new ChainSourceError("not-synced", message, "ask for a lower one, or wait until there is one");
    }
    for (const header of headers) {
      const previous = hashes.at(-1);
      const hasWork = hasWorkAt(header, first + hashes.length, network);
      if (!hasWork || (previous !== undefined && header.previous !== previous)) {
        const message = `the blocks below height ${height} are no chain with proof of work`;
        throw new ChainSourceError(
          "invalid-chain",
          message,
          "use another server: this one tells of a chain that cannot be",
        );
      }
      hashes.push(blockHash(header));
    }
    from += headers.length;
  }
  const [hash, ...before] = hashes.reverse();
  if (hash === undefined) throw new RangeError(`no block has height ${height}`);
  return { hash, height, ancestors: before };
}

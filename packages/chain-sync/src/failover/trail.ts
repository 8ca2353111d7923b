import { blockHash } from "@fulmen/bitcoin/block";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { ChainSource } from "../chainSource.ts";
import { headersOf } from "./standing.ts";

/** Hashes of a `BlockLocator` besides its own. */
const most = 12;

/**
 * The blocks below the last one that was told of. A source of transactions skips blocks, and who skipped them does not
 * know where the next source's chain may have branched off.
 */
export class Trail {
  #known: Pick<BlockLocator, "hash" | "ancestors"> | undefined;

  /** Asks the source that told of a position for what the position does not say. Never rejects. */
  async learn(source: ChainSource, position: BlockLocator | undefined): Promise<void> {
    if (position === undefined) return;
    const { hash, height } = position;
    const from = Math.max(0, height - most);
    if (position.ancestors.length >= height - from) return;
    try {
      const headers = await headersOf(source, from, height - from + 1);
      const ancestors: BlockLocator["hash"][] = [];
      for (const header of headers.toReversed()) {
        if (blockHash(header) !== (ancestors.at(-1) ?? hash)) break;
        ancestors.push(header.previous);
      }
      this.#known = { hash, ancestors };
    } catch {
      // The next block is another chance.
    }
  }

  /** The position with as many blocks below it as are known. */
  lengthened(position: BlockLocator): BlockLocator {
    const { hash, height, ancestors } = position;
    const told = [hash, ...ancestors];
    const joint = this.#known === undefined ? -1 : told.indexOf(this.#known.hash);
    if (joint === -1) return position;
    const longer = [...told.slice(1, joint + 1), ...(this.#known?.ancestors ?? [])];
    if (longer.length <= ancestors.length) return position;
    return { hash, height, ancestors: longer.slice(0, Math.min(most, height)) };
  }
}

import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { WatchedOutput } from "@fulmen/lightning/chain";
import type { ChainSource, ChainTip } from "../chainSource.ts";

/** Outputs that are asked for in one look, besides those that were shown to be spent in the last one. */
const atOnce = 5;

/** What one source says of outputs that are unspent as far as another one has told: of a few at a time, in turns. */
export class SecondOpinion {
  #next = 0;
  #isAsking = false;
  /** Those that it showed to be spent in the last look. */
  #spent: ReadonlySet<string> = new Set();

  /** The block of a spend that it shows for the second time in a row: in between, there was time to tell of it. */
  async look(source: ChainSource, unspent: readonly WatchedOutput[]): Promise<ChainTip | undefined> {
    if (this.#isAsking) return undefined;
    this.#isAsking = true;
    try {
      return await this.#look(source, unspent);
    } finally {
      this.#isAsking = false;
    }
  }

  async #look(source: ChainSource, unspent: readonly WatchedOutput[]): Promise<ChainTip | undefined> {
    const asked = new Set(unspent.filter(({ outPoint }) => this.#spent.has(outPointKey(outPoint))));
    for (let n = Math.min(atOnce, unspent.length); n > 0; n--) {
      const output = unspent[this.#next++ % unspent.length];
      if (output !== undefined) asked.add(output);
    }
    const spent = new Set<string>();
    let hidden: ChainTip | undefined;
    for (const output of asked) {
      const block = await source.blockOfSpend?.(output);
      if (block === undefined) continue;
      const key = outPointKey(output.outPoint);
      spent.add(key);
      if (this.#spent.has(key)) hidden ??= block;
    }
    this.#spent = spent;
    return hidden;
  }
}

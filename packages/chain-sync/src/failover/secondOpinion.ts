import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { WatchedOutput } from "@fulmen/lightning/chain";
import type { ChainSource, ChainTip } from "../chainSource.ts";

/** A spend that one source shows, and another one has told nothing of. */
interface HiddenSpend {
  readonly output: WatchedOutput;
  readonly block: ChainTip;
}

/** Milliseconds in which one is not heard out twice about an output: something else keeps it among the unspent ones. */
const settled = 3_600_000;
/** Outputs that are asked for in one look, besides those that were shown to be spent in the last one. */
const atOnce = 5;

/** What one source says of outputs that are unspent as far as another one has told: of a few at a time, in turns. */
export class SecondOpinion {
  #next = 0;
  #isAsking = false;
  /** Those that it showed to be spent in the last look. */
  #spent: ReadonlySet<string> = new Set();
  /** When it was heard out, by output. */
  readonly #heard = new Map<string, number>();

  /** It has its turn on account of this output. */
  heardOut({ outPoint }: WatchedOutput): void {
    this.#heard.set(outPointKey(outPoint), performance.now());
  }

  /** A spend that it shows for the second time in a row: in between, there was time to tell of it. */
  async look(source: ChainSource, unspent: readonly WatchedOutput[]): Promise<HiddenSpend | undefined> {
    if (this.#isAsking) return undefined;
    this.#isAsking = true;
    try {
      return await this.#look(source, unspent);
    } finally {
      this.#isAsking = false;
    }
  }

  async #look(source: ChainSource, unspent: readonly WatchedOutput[]): Promise<HiddenSpend | undefined> {
    const now = performance.now();
    for (const [key, at] of this.#heard) if (now - at >= settled) this.#heard.delete(key);
    const asked = new Set(unspent.filter(({ outPoint }) => this.#spent.has(outPointKey(outPoint))));
    for (let n = Math.min(atOnce, unspent.length); n > 0; n--) {
      const output = unspent[this.#next++ % unspent.length];
      if (output !== undefined) asked.add(output);
    }
    const spent = new Set<string>();
    let hidden: HiddenSpend | undefined;
    for (const output of asked) {
      const block = await source.blockOfSpend?.(output);
      if (block === undefined) continue;
      const key = outPointKey(output.outPoint);
      spent.add(key);
      if (this.#spent.has(key) && !this.#heard.has(key)) hidden ??= { output, block };
    }
    this.#spent = spent;
    return hidden;
  }
}

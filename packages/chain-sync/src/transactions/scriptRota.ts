import { toHex } from "@fulmen/bitcoin/primitives";
import type { ScriptSource } from "../chainSource.ts";
import type { Placed, ScriptUse } from "./round.ts";

interface Script {
  readonly script: Uint8Array;
  /** Number of the turn in which it was asked for; 0 before the first time. */
  askedIn: number;
  /** Whether something of its history may still change. */
  isMoving: boolean;
  /** Whether it has a history. */
  isUsed: boolean;
  /** Of its history, as far as it was read. */
  newest: Placed | undefined;
  /** Whether there is more of it than the server tells. */
  isHidden: boolean;
}

const unknown = { askedIn: 0, isMoving: false, isUsed: false, newest: undefined, isHidden: false } as const;
/** Used scripts that are asked for in each turn although nothing moves there, at the least; and unused ones. */
const leastPerTurn = { used: 100, unused: 200 };
/** Turns after which every script was asked for. */
const turns = 10;
/** The newest scripts are asked for in every turn: these are handed out. */
const newest = 100;

/**
 * Whose turn it is, of the scripts of wallets. Where asking costs a request each, those in whose history something may
 * still change are asked for each time, and so are new ones; of the others a part, so that a wallet with thousands of
 * scripts hears of each within ten blocks. Unused ones come sooner: they wait for a payment.
 */
export class ScriptRota {
  readonly #sources = new WeakSet<ScriptSource>();
  /** By their hex, in the order in which they came. */
  readonly #scripts = new Map<string, Script>();
  #turn = 0;

  /** Takes in scripts that came up since the last time; says whether there are any. */
  takeNew(sources: readonly ScriptSource[]): boolean {
    const before = this.#scripts.size;
    for (const source of sources) {
      if (!this.#sources.has(source)) {
        this.#sources.add(source);
        // Who is new may know less than others of the same scripts were told.
        for (const script of source.scripts()) this.#scripts.set(toHex(script), { script, ...unknown });
      }
      for (const script of source.takeScripts()) this.#add(script);
    }
    return this.#scripts.size > before;
  }

  /** Scripts that were never asked for. */
  unasked(): readonly Uint8Array[] {
    return [...this.#scripts.values()].filter(({ askedIn }) => askedIn === 0).map(({ script }) => script);
  }

  /** Scripts of a new turn: all of them, those whose turn it is, or only those that are asked for in each. */
  nextTurn(extent: "all" | "part" | "few"): readonly Uint8Array[] {
    this.#turn++;
    const all = [...this.#scripts.values()];
    if (extent === "all") return all.map(({ script }) => script);
    const always = all.filter(
      ({ askedIn, isMoving }, index) => askedIn === 0 || isMoving || index >= all.length - newest,
    );
    if (extent === "few") return always.map(({ script }) => script);
    const chosen = new Set(always);
    const others = all.filter((each) => !chosen.has(each)).sort((a, b) => a.askedIn - b.askedIn);
    const partOf = (some: readonly Script[], least: number) =>
      some.slice(0, Math.max(least, Math.ceil(some.length / turns)));
    const used = others.filter(({ isUsed }) => isUsed);
    const unused = others.filter(({ isUsed }) => !isUsed);
    return [...always, ...partOf(unused, leastPerTurn.unused), ...partOf(used, leastPerTurn.used)].map(
      ({ script }) => script,
    );
  }

  /** What a script's history showed. */
  asked({ script, isUsed, isMoving, isWhole, newest }: ScriptUse): void {
    const known = this.#scripts.get(toHex(script));
    if (known === undefined) return;
    known.askedIn = Math.max(1, this.#turn);
    known.isUsed = isUsed;
    known.isMoving = isMoving;
    known.newest = newest;
    if (isWhole !== undefined) known.isHidden = !isWhole;
  }

  /** The newest transaction of a script when it was asked for last. */
  newestOf(script: Uint8Array): Placed | undefined {
    return this.#scripts.get(toHex(script))?.newest;
  }

  /** Those of which the server does not tell all. */
  hidden(): readonly Uint8Array[] {
    return [...this.#scripts.values()].filter(({ isHidden }) => isHidden).map(({ script }) => script);
  }

  #add(script: Uint8Array): void {
    const key = toHex(script);
    if (!this.#scripts.has(key)) this.#scripts.set(key, { script, ...unknown });
  }
}

import type { LedgerEntry } from "./types.ts";

/** Points of a chart: times in seconds, and for each line its values in sat. */
export interface ChartData {
  readonly times: readonly number[];
  readonly lines: readonly (readonly number[])[];
}

/** To which line of a chart an account belongs, and with which sign. */
type LineOf = (account: string) => readonly [line: 0 | 1, sign: bigint] | undefined;

/** More points than a screen has room for. */
const defaultMaxPoints = 1_000;

/**
 * The sums of a ledger over time, from its entries page by page: however many there are, no more than `maxPoints`
 * points are kept, all sums are exact, and the newest point is always there.
 */
class RunningSums {
  readonly #lineOf: LineOf;
  readonly #maxPoints: number;
  readonly #sums = [0n, 0n];
  #times: number[] = [];
  #lines: number[][] = [[], []];

  constructor(lineOf: LineOf, maxPoints: number) {
    this.#lineOf = lineOf;
    this.#maxPoints = maxPoints;
  }

  add({ at, postings }: LedgerEntry): void {
    for (const { account, amountMsat } of postings) {
      const found = this.#lineOf(account);
      if (found === undefined) continue;
      const [line, sign] = found;
      this.#sums[line] = (this.#sums[line] ?? 0n) + sign * BigInt(amountMsat);
    }
    if (this.#times.at(-1) !== at) {
      if (this.#times.length >= this.#maxPoints) this.#thin();
      this.#times.push(at);
    }
    const place = this.#times.length - 1;
    for (const [index, line] of this.#lines.entries()) line[place] = Number(this.#sums[index] ?? 0n) / 1000;
  }

  get data(): ChartData {
    return { times: [...this.#times], lines: this.#lines.map((line) => [...line]) };
  }

  /** Drops every second point, and none of the ends. */
  #thin(): void {
    const last = this.#times.length - 1;
    const isKept = (_value: number, place: number): boolean => place % 2 === 0 || place === last;
    this.#times = this.#times.filter(isKept);
    this.#lines = this.#lines.map((line) => line.filter(isKept));
  }
}

/** What the charts show of a ledger. */
export interface Charts {
  /** In the wallet, and in channels and what closes. */
  readonly balance: ChartData;
  /** What was paid for routing and to miners, and what forwarding has earned. */
  readonly fees: ChartData;
}

/** Makes the charts from the ledger's entries in their order. */
export class LedgerCharts {
  readonly #balance: RunningSums;
  readonly #fees: RunningSums;

  constructor(maxPoints = defaultMaxPoints) {
    this.#balance = new RunningSums(
      (account) =>
        account === "wallet" ? [0, 1n] : /^(channel|closing)\//.test(account) ? [1, 1n] : undefined,
      maxPoints,
    );
    this.#fees = new RunningSums((account) => {
      if (account === "fees/routing-paid" || account === "fees/mining") return [0, 1n];
      // Where money comes from is below zero in a double-entry ledger.
      return account === "fees/routing-earned" ? [1, -1n] : undefined;
    }, maxPoints);
  }

  add(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      this.#balance.add(entry);
      this.#fees.add(entry);
    }
  }

  get charts(): Charts {
    return { balance: this.#balance.data, fees: this.#fees.data };
  }
}

import type { LedgerEntry } from "./types.ts";

/** Points of a chart: times in seconds, and for each line its values in sat. */
export interface ChartData {
  readonly times: readonly number[];
  readonly lines: readonly (readonly number[])[];
}

/** What was had after each entry: in the wallet, and in channels and what closes. One point for each second. */
export function balanceData(entries: readonly LedgerEntry[]): ChartData {
  return cumulated(entries, (account) =>
    account === "wallet" ? [0, 1n] : /^(channel|closing)\//.test(account) ? [1, 1n] : undefined,
  );
}

/** What was paid for routing and to miners, and what forwarding has earned, up to each entry. */
export function feeData(entries: readonly LedgerEntry[]): ChartData {
  return cumulated(entries, (account) => {
    if (account === "fees/routing-paid" || account === "fees/mining") return [0, 1n];
    // Where money comes from is below zero in a double-entry ledger.
    return account === "fees/routing-earned" ? [1, -1n] : undefined;
  });
}

function cumulated(
  entries: readonly LedgerEntry[],
  lineOf: (account: string) => readonly [line: 0 | 1, sign: bigint] | undefined,
): ChartData {
  const times: number[] = [];
  const lines: number[][] = [[], []];
  const sums = lines.map(() => 0n);
  for (const { at, postings } of entries) {
    for (const { account, amountMsat } of postings) {
      const found = lineOf(account);
      if (found === undefined) continue;
      const [line, sign] = found;
      sums[line] = (sums[line] ?? 0n) + sign * BigInt(amountMsat);
    }
    if (times.at(-1) !== at) times.push(at);
    for (const [index, line] of lines.entries()) line[times.length - 1] = Number(sums[index] ?? 0n) / 1000;
  }
  return { times, lines };
}

/** At most `limit` points, spread evenly, with the first and the last: a phone draws no more. */
export function thinned({ times, lines }: ChartData, limit: number): ChartData {
  if (times.length <= limit) return { times, lines };
  const places = Array.from({ length: limit }, (_, index) =>
    Math.round((index * (times.length - 1)) / (limit - 1)),
  );
  return {
    times: places.map((place) => times[place] ?? 0),
    lines: lines.map((line) => places.map((place) => line[place] ?? 0)),
  };
}

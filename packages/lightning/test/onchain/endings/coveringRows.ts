import { Dice } from "@fulmen/testkit/network";

/** The values that each factor of a test can have. */
type Factors = Readonly<Record<string, readonly unknown[]>>;
type Row<F extends Factors> = { readonly [K in keyof F]: F[K][number] };

/** Rows in which any two values of any two factors meet, greedily chosen: the same for the same seed. */
export function pairwiseRows<F extends Factors>(factors: F, seed: number): readonly Row<F>[] {
  const names = Object.keys(factors);
  const dice = new Dice(seed);
  const open = allPairs(factors);
  const rows: Row<F>[] = [];
  while (open.size > 0) {
    let best: Record<string, number> = {};
    let bestCount = -1;
    const [first] = open;
    for (let attempt = 0; attempt < 12; attempt++) {
      const row = candidate(factors, { names, dice, open, first: first ?? "" });
      const count = pairsOf(names, row).filter((pair) => open.has(pair)).length;
      if (count > bestCount) [best, bestCount] = [row, count];
    }
    for (const pair of pairsOf(names, best)) open.delete(pair);
    rows.push(rowOf(factors, names, best));
  }
  return rows;
}

/** Rows drawn at random from the product. */
export function sampledRows<F extends Factors>(factors: F, count: number, seed: number): readonly Row<F>[] {
  const names = Object.keys(factors);
  const dice = new Dice(seed);
  return Array.from({ length: count }, () => {
    const row = Object.fromEntries(names.map((name) => [name, dice.roll(factors[name]?.length ?? 1)]));
    return rowOf(factors, names, row);
  });
}

/** How many rows the product has, and how many of its pairs `rows` cover. */
export function coverage<F extends Factors>(
  factors: F,
  rows: readonly Row<F>[],
): {
  readonly product: number;
  readonly distinct: number;
  readonly pairs: number;
  readonly allPairs: number;
} {
  const names = Object.keys(factors);
  const seen = new Set<string>();
  const distinct = new Set<string>();
  for (const row of rows) {
    const indices = Object.fromEntries(
      names.map((name) => [name, factors[name]?.indexOf(row[name as keyof F]) ?? -1]),
    );
    distinct.add(names.map((name) => indices[name]).join());
    for (const pair of pairsOf(names, indices)) seen.add(pair);
  }
  const product = names.reduce((count, name) => count * (factors[name]?.length ?? 1), 1);
  return { product, distinct: distinct.size, pairs: seen.size, allPairs: allPairs(factors).size };
}

/** A row with the pair `first` in it, each other value chosen for the pairs that it makes with those before. */
function candidate<F extends Factors>(
  factors: F,
  by: {
    readonly names: readonly string[];
    readonly dice: Dice;
    readonly open: ReadonlySet<string>;
    readonly first: string;
  },
): Record<string, number> {
  const row: Record<string, number> = {};
  for (const part of by.first.split("|")) {
    const [name = "", index = "0"] = part.split("=");
    row[name] = Number(index);
  }
  const others = by.names.filter((name) => !(name in row));
  by.dice.shuffle(others);
  for (const name of others) {
    const count = factors[name]?.length ?? 1;
    const start = by.dice.roll(count);
    let [best, bestGain] = [start, -1];
    for (let i = 0; i < count; i++) {
      const index = (start + i) % count;
      const gain = Object.entries(row).filter(([other, at]) =>
        by.open.has(pairName(by.names, [name, index], [other, at])),
      ).length;
      if (gain > bestGain) [best, bestGain] = [index, gain];
    }
    row[name] = best;
  }
  return row;
}

function allPairs(factors: Factors): Set<string> {
  const names = Object.keys(factors);
  const pairs = new Set<string>();
  for (const [i, one] of names.entries()) {
    for (const other of names.slice(i + 1)) {
      for (const a of (factors[one] ?? []).keys()) {
        for (const b of (factors[other] ?? []).keys()) pairs.add(pairName(names, [one, a], [other, b]));
      }
    }
  }
  return pairs;
}

function pairsOf(names: readonly string[], row: Readonly<Record<string, number>>): readonly string[] {
  return names.flatMap((one, i) =>
    names.slice(i + 1).map((other) => pairName(names, [one, row[one] ?? -1], [other, row[other] ?? -1])),
  );
}

function pairName(
  names: readonly string[],
  a: readonly [string, number],
  b: readonly [string, number],
): string {
  const [x, y] = names.indexOf(a[0]) < names.indexOf(b[0]) ? [a, b] : [b, a];
  return `${x[0]}=${x[1]}|${y[0]}=${y[1]}`;
}

function rowOf<F extends Factors>(
  factors: F,
  names: readonly string[],
  row: Readonly<Record<string, number>>,
): Row<F> {
  return Object.fromEntries(names.map((name) => [name, factors[name]?.[row[name] ?? 0]])) as Row<F>;
}

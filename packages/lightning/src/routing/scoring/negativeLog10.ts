/** What `negativeLog10Times2048` is counted in: 2,048ths. */
export const logUnit = 2048;
/** A chance of 1 % is the least that counts. @ldk NEGATIVE_LOG10_UPPER_BOUND */
export const mostNegativeLog10 = 2 * logUnit;
/** The same as a chance. @ldk lightning::routing::scoring::PROB_LOWER_BOUND */
export const leastProbability = 0.01;

/** How many bits behind the first one count. */
const lowerBits = 6;
const lowerValues = 2 ** lowerBits;

/**
 * log10 of whole numbers in 2,048ths, by the place of their highest bit and the six bits behind it: what a search asks
 * tens of thousands of times needs no logarithm.
 */
export function log10Table(): Uint16Array {
  const table = new Uint16Array(64 * lowerValues);
  for (let highest = 0; highest < 64; highest++) {
    for (let lower = 0; lower < lowerValues; lower++) {
      const value = Math.floor((lowerValues + lower) * 2 ** (highest - lowerBits));
      table[highest * lowerValues + lower] = Math.round(Math.log10(value) * logUnit);
    }
  }
  return table;
}

/** log10 of `value`, a whole number from 1 to 2^53, in 2,048ths. */
export function log10Of(table: Uint16Array, value: number): number {
  if (value >= 2 ** 31) return log10OfLarge(table, value);
  const highest = 31 - Math.clz32(value);
  // Of numbers that have no six bits behind the first, that one counts again: as the table is LDK's, so is this.
  const lower = (highest > lowerBits ? value >>> (highest - lowerBits) : value) & (lowerValues - 1);
  return table[highest * lowerValues + lower] ?? 0;
}

function log10OfLarge(table: Uint16Array, value: number): number {
  let highest = 31;
  while (value >= 2 ** (highest + 1)) highest++;
  const lower = Math.floor(value / 2 ** (highest - lowerBits)) - lowerValues;
  return table[highest * lowerValues + lower] ?? 0;
}

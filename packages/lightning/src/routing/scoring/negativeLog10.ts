/** What `negativeLog10Times2048` is counted in: 2,048ths. */
export const logUnit = 2048;
/** A chance of 1 % is the least that counts. @ldk NEGATIVE_LOG10_UPPER_BOUND */
export const mostNegativeLog10 = 2 * logUnit;
/** The same as a chance. @ldk lightning::routing::scoring::PROB_LOWER_BOUND */
export const leastProbability = 0.01;

/** How many bits behind the first one count. */
const lowerBits = 6;
const lowerValues = 2 ** lowerBits;

/** The double 1.0 has this in its upper half: the exponent's bias, above 20 bits of the mantissa. */
const upperHalfOfOne = 0x3ff0_0000;
const biasInTable = upperHalfOfOne >>> (20 - lowerBits);

/**
 * log10 of whole numbers in 2,048ths, by the place of their highest bit and the six bits behind it: what a search asks
 * tens of thousands of times needs no logarithm. @ldk lightning::routing::log_approx
 */
export class Log10Table {
  readonly #table = log10Table();
  /** A double, and its two halves. */
  readonly #double = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#double.buffer);
  readonly #upper: 0 | 1;

  constructor() {
    this.#double[0] = 1;
    this.#upper = this.#halves[1] === upperHalfOfOne ? 1 : 0;
  }

  /** Of `value`, from 1 to 2^53; one that is not whole counts as what is below it. */
  of(value: number): number {
    // Of numbers without six bits behind the first, that one counts again: as the table is LDK's, so is this.
    if (value < lowerValues) {
      const whole = Math.floor(value);
      return this.#table[(31 - Math.clz32(whole)) * lowerValues + whole] ?? 0;
    }
    // A double has just that: the place of its highest bit, and then the bits behind it.
    this.#double[0] = value;
    return this.#table[((this.#halves[this.#upper] ?? 0) >>> (20 - lowerBits)) - biasInTable] ?? 0;
  }
}

function log10Table(): Uint16Array {
  const table = new Uint16Array(64 * lowerValues);
  for (let highest = 0; highest < 64; highest++) {
    for (let lower = 0; lower < lowerValues; lower++) {
      const value = Math.floor((lowerValues + lower) * 2 ** (highest - lowerBits));
      table[highest * lowerValues + lower] = Math.round(Math.log10(value) * logUnit);
    }
  }
  return table;
}

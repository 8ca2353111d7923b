import type { Dice } from "../network/index.ts";

/** Evenly from 0 to below 1. */
export function fraction(dice: Dice): number {
  return dice.roll(2 ** 32) / 2 ** 32;
}

/** Log-normal: half of the draws are below `median`; two thirds within a factor of e^`sigma`. */
export function logNormal(dice: Dice, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - fraction(dice)));
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * fraction(dice)));
}

/** Between the two bounds, each order of magnitude as likely as any other. */
export function logUniform(dice: Dice, least: number, most: number): number {
  return least * (most / least) ** fraction(dice);
}

/** One of `items`, each as likely as it is frequent. Throws when there are none. */
export function pick<T>(dice: Dice, items: ArrayLike<T>): T {
  const item = items[dice.roll(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

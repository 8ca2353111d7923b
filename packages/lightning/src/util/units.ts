import type { Brand, Sat } from "@fulmen/bitcoin/primitives";
import { InvariantError } from "./invariant.ts";

/** Thousandths of a satoshi, 0..2^64-1. */
export type Msat = Brand<bigint, "Msat">;
export type { Sat } from "@fulmen/bitcoin/primitives";
/** Satoshis per 1,000 weight units; 253 is the lowest that nodes relay. */
export type FeeratePerKw = Brand<bigint, "FeeratePerKw">;

type Amount = Msat | Sat | FeeratePerKw;

/** Largest value of the wire's u64. */
export const maxU64 = 0xffff_ffff_ffff_ffffn;

/** `value` as millisatoshis; an amount below zero or above the wire's u64 is a bug. */
export function msat(value: bigint | number): Msat {
  return checked(BigInt(value)) as Msat;
}

/** `value` as satoshis; an amount below zero or above the wire's u64 is a bug. */
export function sat(value: bigint | number): Sat {
  return checked(BigInt(value)) as Sat;
}

/** `value` as satoshis per 1,000 weight units. */
export function feeratePerKw(value: bigint | number): FeeratePerKw {
  return checked(BigInt(value)) as FeeratePerKw;
}

/** Zero of each unit. */
export const zeroMsat: Msat = 0n as Msat;
export const zeroSat: Sat = 0n as Sat;

export function satToMsat(amount: Sat): Msat {
  return (amount * 1000n) as Msat;
}

/** Whole satoshis in `amount`, rounded down as BOLT 3 asks for outputs. */
export function msatToSat(amount: Msat): Sat {
  return (amount / 1000n) as Sat;
}

/** Whole satoshis that cover `amount`. */
export function msatToSatCeil(amount: Msat): Sat {
  return ((amount + 999n) / 1000n) as Sat;
}

export function plus<A extends Amount>(a: A, b: NoInfer<A>): A {
  return ((a as bigint) + (b as bigint)) as A;
}

/** `a - b`; a result below zero is a bug: compare first, or use `minusOrZero`. */
export function minus<A extends Amount>(a: A, b: NoInfer<A>): A {
  if (b > a) throw new InvariantError(`amount below zero: ${a} - ${b}`);
  return ((a as bigint) - (b as bigint)) as A;
}

/** `a - b`, or zero when `b` is larger. */
export function minusOrZero<A extends Amount>(a: A, b: NoInfer<A>): A {
  return (b > a ? 0n : (a as bigint) - (b as bigint)) as A;
}

export function times<A extends Amount>(amount: A, factor: bigint | number): A {
  return ((amount as bigint) * BigInt(factor)) as A;
}

export function sum<A extends Amount>(amounts: Iterable<A>): A {
  let total: bigint = 0n;
  for (const amount of amounts) total = total + (amount as bigint);
  return total as A;
}

export function minOf<A extends Amount>(a: A, b: NoInfer<A>): A {
  return a < b ? a : b;
}

export function maxOf<A extends Amount>(a: A, b: NoInfer<A>): A {
  return a > b ? a : b;
}

/** Fee of `weight` units at `feerate`, rounded down (BOLT 3, "Fee Calculation"). */
export function feeOf(feerate: FeeratePerKw, weight: number): Sat {
  return ((feerate * BigInt(weight)) / 1000n) as Sat;
}

function checked(value: bigint): bigint {
  if (value < 0n || value > maxU64) throw new InvariantError(`amount out of range: ${value}`);
  return value;
}

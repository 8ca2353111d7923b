import type { Network } from "../network/index.ts";
import { type BlockHeader, blockHash } from "./header.ts";

/**
 * The target that a header's compact form stands for: a block's hash, as a number, is at most this. `undefined` when
 * it is negative, zero or over 256 bits, as no valid header has it.
 */
export function targetFromBits(bits: number): bigint | undefined {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7f_ffff);
  const shift = BigInt(8 * (exponent - 3));
  const target = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  if (target === 0n || (bits & 0x80_0000) !== 0 || target >> 256n !== 0n) return undefined;
  return target;
}

/** Hashes that it takes on average to find a block of this target: chains are compared by the sum. 0 when invalid. */
export function workOfBits(bits: number): bigint {
  const target = targetFromBits(bits);
  return target === undefined ? 0n : (1n << 256n) / (target + 1n);
}

/**
 * Whether a header's hash meets the target that it states, and that target is no easier than `network` permits.
 * Whether it is the target that the chain asks for at this height is for the caller. `hash` is the header's, where it is
 * known already.
 */
export function hasProofOfWork(header: BlockHeader, network: Network, hash = blockHash(header)): boolean {
  const target = targetFromBits(header.bits);
  const limit = targetFromBits(network.powLimitBits);
  if (target === undefined || limit === undefined || target > limit) return false;
  return BigInt(`0x${hash}`) <= target;
}

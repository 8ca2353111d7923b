import type { Sat } from "@fulmen/bitcoin/primitives";

/** What the simulated node relays. The defaults are those of most nodes. */
export interface MempoolPolicy {
  /** Satoshis per 1,000 virtual bytes below which nothing is relayed. */
  readonly minRelayFeerate: bigint;
  /** Satoshis per 1,000 virtual bytes that a replacement pays on top of what it replaces. */
  readonly incrementalFeerate: bigint;
  /** Whether everything can be replaced, signalled or not, as Bitcoin Core does since version 28. */
  readonly fullReplacement: boolean;
  /** Transactions of a chain of unconfirmed ones, the new one included. */
  readonly maxAncestors: number;
  readonly maxDescendants: number;
  /** Virtual bytes of such a chain. */
  readonly maxChainSize: number;
  /** Bytes of `OP_RETURN` scripts in a transaction, together. */
  readonly maxDataCarrierSize: number;
}

export const defaultPolicy: MempoolPolicy = {
  minRelayFeerate: 1000n,
  incrementalFeerate: 1000n,
  fullReplacement: true,
  maxAncestors: 25,
  maxDescendants: 25,
  maxChainSize: 101_000,
  maxDataCarrierSize: 83,
};

/** What `vsize` virtual bytes cost at a feerate per 1,000 of them, rounded up. */
export function feeAt(feerate: bigint, vsize: number): Sat {
  return ((feerate * BigInt(vsize) + 999n) / 1000n) as Sat;
}

/** Satoshis per 1,000 virtual bytes, rounded down. */
export function feerateOf(fee: bigint, vsize: number): bigint {
  return (fee * 1000n) / BigInt(vsize);
}

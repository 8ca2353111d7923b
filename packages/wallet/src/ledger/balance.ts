import type { Sat } from "@fulmen/lightning/util";
import type { Coin } from "./coins.ts";

/** What the wallet has, in satoshis; each coin counts in one of these. */
export interface WalletBalance {
  readonly confirmed: Sat;
  /** Unconfirmed change of the wallet's own transactions: may be spent. */
  readonly trustedPending: Sat;
  /** Unconfirmed and from others: may never come. */
  readonly untrustedPending: Sat;
  /** Mined, and not yet 100 blocks deep. */
  readonly immature: Sat;
  /** Held by claims and reservations. */
  readonly locked: Sat;
}

/** Blocks that must be on top of a coinbase before its coins are spent in the next one (consensus). */
const coinbaseMaturity = 100;

/** Whether a coin may be spent in the block after `height`, as far as its being a coinbase goes. */
export function isMature({ isCoinbase, position }: Coin, height: number): boolean {
  if (!isCoinbase) return true;
  return position.kind === "confirmed" && position.height + coinbaseMaturity <= height + 1;
}

/** Adds up coins at a height; `isLocked` says which are held. */
export function balanceOf(
  coins: Iterable<Coin>,
  height: number,
  isLocked: (coin: Coin) => boolean,
): WalletBalance {
  const totals = { confirmed: 0n, trustedPending: 0n, untrustedPending: 0n, immature: 0n, locked: 0n };
  for (const coin of coins) totals[categoryOf(coin, height, isLocked)] += coin.output.value;
  return {
    confirmed: totals.confirmed as Sat,
    trustedPending: totals.trustedPending as Sat,
    untrustedPending: totals.untrustedPending as Sat,
    immature: totals.immature as Sat,
    locked: totals.locked as Sat,
  };
}

function categoryOf(coin: Coin, height: number, isLocked: (coin: Coin) => boolean): keyof WalletBalance {
  if (isLocked(coin)) return "locked";
  if (!isMature(coin, height)) return "immature";
  if (coin.position.kind === "confirmed") return "confirmed";
  return coin.isTrusted ? "trustedPending" : "untrustedPending";
}

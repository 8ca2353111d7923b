import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { CoinSelectionRequest } from "@fulmen/lightning/chain";
import { type FeeratePerKw, feeratePerKw, maxOf, type OutPoint, sum } from "@fulmen/lightning/util";
import {
  type Bid,
  type Coin,
  type CoinView,
  isClaimLock,
  isMature,
  type Ledger,
  type Lock,
} from "../ledger/index.ts";
import type { Outbid, Selection } from "../selection/index.ts";

// Where claims compete for coins, their transactions bid for them: a coin goes to one that pays a quarter more, so that
// it changes hands a few dozen times at most between the lowest feerate and the highest, and never in a circle.

/** Another claim's coins are taken at a feerate that is higher by a quarter. */
const [step, whole] = [5n, 4n];
/** So many claims are asked for theirs, those that pay least. */
const mostAsked = 16;

/** A claim that pays so much less that another may take its coins. */
export interface PoorerClaim {
  readonly bid: Bid;
  readonly coins: readonly Coin[];
}

/** Coins of a lock that are confirmed and that nothing confirmed spends: unconfirmed spenders are to be replaced. */
export function heldCoins(ledger: Ledger, { outPoints }: Lock): readonly Coin[] {
  const found: Coin[] = [];
  for (const outPoint of outPoints) {
    const coin = ledger.output(outPoint);
    if (coin?.position.kind !== "confirmed" || isSpentForGood(ledger.view, outPoint)) continue;
    if (isMature(coin, ledger.height)) found.push(coin);
  }
  return found;
}

/** What the transaction of a claim is to be outbid by, once the coins are chosen. */
export function bidOf(
  { mustSpend, parent }: CoinSelectionRequest,
  { fee, weight }: Pick<Selection<Coin>, "fee" | "weight">,
): Bid {
  return { fee, weight, inputs: mustSpend.length, ...(parent && { parent }) };
}

/** The bid of a claim, unless its transaction can no longer confirm: an input of it is gone. */
export function standingBid(
  ledger: Ledger,
  lock: Lock,
  { mustSpend }: CoinSelectionRequest,
): Bid | undefined {
  const { bid, outPoints, lent = [] } = lock;
  if (bid === undefined || bid.inputs !== mustSpend.length) return undefined;
  return [...outPoints, ...lent.map(({ outPoint }) => outPoint)].some((one) =>
    isSpentForGood(ledger.view, one),
  )
    ? undefined
    : bid;
}

/** What the claims bid with some coins that were taken from them: of each claim its highest, they replace one another. */
export function lendersBids(ledger: Ledger, coins: readonly Coin[]): readonly Bid[] {
  const lenders = new Map<string, Bid>();
  for (const { outPoint } of coins) {
    const lender = ledger.lender(outPoint);
    if (lender === undefined) continue;
    const known = lenders.get(lender.lock.id);
    if (known === undefined || lender.bid.fee > known.fee) lenders.set(lender.lock.id, lender.bid);
  }
  return [...lenders.values()];
}

/** Claims from which `lock` may take coins at a feerate: one after another, and then more and more of them together. */
export function takings(
  ledger: Ledger,
  lock: Lock,
  feerate: FeeratePerKw,
): readonly (readonly PoorerClaim[])[] {
  const poorer: PoorerClaim[] = [];
  for (const other of ledger.locks()) {
    const { id, bid } = other;
    if (!isClaimLock(id) || id === lock.id || bid === undefined) continue;
    if (feerate * whole < feerateOf(bid) * step) continue;
    const coins = heldCoins(ledger, other).filter(({ outPoint }) => !isBuiltOn(ledger.view, outPoint));
    if (coins.length > 0) poorer.push({ bid, coins });
  }
  const asked = poorer.sort((a, b) => Number(feerateOf(a.bid) - feerateOf(b.bid))).slice(0, mostAsked);
  const alone = asked.map((one) => [one]);
  return [...alone, ...asked.slice(1).map((_, index) => asked.slice(0, index + 2))];
}

/** What a transaction has to pay that replaces those of bids. */
export function outbidding(bids: readonly Bid[]): Outbid | undefined {
  if (bids.length === 0) return undefined;
  const zero = feeratePerKw(0);
  return {
    fee: sum(bids.map(({ fee }) => fee)),
    // What a parent that pays itself would still be mined for must not make the mempool poorer.
    step: bids.reduce((most, { parent }) => maxOf(most, parent ? perWeight(parent) : zero), zero),
    // Signed it may weigh a little less than was reckoned with.
    feerate: bids.reduce((most, bid) => maxOf(most, feeratePerKw((perWeight(bid) * 33n) / 32n)), zero),
  };
}

/** What a claim's transaction and its parent pay together. */
function feerateOf({ fee, weight, parent }: Bid): FeeratePerKw {
  return parent === undefined
    ? perWeight({ fee, weight })
    : perWeight({ fee: fee + parent.fee, weight: weight + parent.weight });
}

function perWeight({ fee, weight }: { readonly fee: bigint; readonly weight: number }): FeeratePerKw {
  return feeratePerKw((fee * 1000n) / BigInt(weight) + 1n);
}

function isSpentForGood({ spenders }: CoinView, outPoint: OutPoint): boolean {
  return spenders.get(outPointKey(outPoint))?.position.kind === "confirmed";
}

/** Whether something spends an output of what spends the coin: that would have to be replaced, too. */
function isBuiltOn({ spenders }: CoinView, outPoint: OutPoint): boolean {
  const spender = spenders.get(outPointKey(outPoint));
  return (
    spender?.transaction.outputs.some((_, index) =>
      spenders.has(outPointKey({ txid: spender.txid, index })),
    ) ?? false
  );
}

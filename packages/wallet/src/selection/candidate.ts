import type { TxOut } from "@fulmen/bitcoin/transaction";
import type { FeeratePerKw, OutPoint } from "@fulmen/lightning/util";
import { inputWeight } from "./weights.ts";

/** What selection has to know of a coin. */
export interface SelectableCoin {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  /** Weight units of script and witness at most, each with its lengths. */
  readonly satisfactionWeight: number;
}

/** A coin that is worth its fee, with the figures that the search adds up: satoshis as numbers, below 2^53. */
export interface Candidate<C extends SelectableCoin> {
  readonly coin: C;
  readonly weight: number;
  /** The value less the fee of spending it; above zero. */
  readonly effective: number;
  /** What spending it now costs more than spending it some day: the waste metric of Bitcoin Core; may be negative. */
  readonly waste: number;
}

/** The coins whose value exceeds their fee, the most valuable first. */
export function candidates<C extends SelectableCoin>(
  coins: readonly C[],
  feerate: FeeratePerKw,
  longTermFeerate: FeeratePerKw,
): readonly Candidate<C>[] {
  const found: Candidate<C>[] = [];
  for (const coin of coins) {
    const weight = inputWeight(coin.satisfactionWeight);
    const fee = searchFee(feerate, weight);
    const effective = Number(coin.output.value) - fee;
    if (effective > 0)
      found.push({ coin, weight, effective, waste: fee - searchFee(longTermFeerate, weight) });
  }
  return found.sort((a, b) => b.effective - a.effective || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** The fee of a part of a transaction, rounded up, so that the parts together cost no less than the whole. */
export function searchFee(feerate: FeeratePerKw, weight: number): number {
  return Number((feerate * BigInt(weight) + 999n) / 1000n);
}

function nameOf({ coin }: Candidate<SelectableCoin>): string {
  return `${coin.outPoint.txid}:${coin.outPoint.index}`;
}

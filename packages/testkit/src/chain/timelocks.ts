import {
  locktimeThreshold,
  sequenceDisableFlag,
  sequenceMask,
  sequenceTypeFlag,
} from "@fulmen/bitcoin/interpreter";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Coin } from "./coins.ts";
import type { ConsensusRefusal } from "./refusal.ts";

const finalSequence = 0xffff_ffff;

/** Where a transaction is to be confirmed. */
export interface LockContext {
  /** Height of the block that would have it. */
  readonly height: number;
  /** Median time of the eleven blocks before that one. */
  readonly medianTime: number;
  /** Median time of the eleven blocks that end with the one of this height. */
  medianTimeAt(height: number): number;
}

/** Why a transaction is locked in that block, by its lock time (BIP 113) or by a relative lock (BIP 68). */
export function lockRefusal(
  tx: Transaction,
  coins: readonly Coin[],
  context: LockContext,
): ConsensusRefusal | undefined {
  if (!isFinal(tx, context)) return { kind: "non-final", locktime: tx.locktime };
  const { untilHeight, untilTime } = relativeLock(tx, coins, context);
  if (untilHeight <= context.height && untilTime <= context.medianTime) return undefined;
  return { kind: "sequence-locked", untilHeight, untilTime };
}

/** Whether the lock time has passed, or all sequences switch it off. */
export function isFinal(tx: Transaction, { height, medianTime }: LockContext): boolean {
  const reached = tx.locktime < locktimeThreshold ? height : medianTime;
  return tx.locktime < reached || tx.inputs.every(({ sequence }) => sequence === finalSequence);
}

/** The first height, and the least median time, at which all relative locks are open. */
function relativeLock(tx: Transaction, coins: readonly Coin[], context: LockContext) {
  let untilHeight = 0;
  let untilTime = 0;
  if (tx.version >>> 0 < 2) return { untilHeight, untilTime };
  for (const [i, { sequence }] of tx.inputs.entries()) {
    const coin = coins[i];
    if (coin === undefined || (sequence & sequenceDisableFlag) !== 0) continue;
    const length = sequence & sequenceMask;
    if ((sequence & sequenceTypeFlag) !== 0) {
      // Counted from the median time before the coin's block, in units of 512 seconds.
      const since = context.medianTimeAt(Math.max(coin.height - 1, 0));
      untilTime = Math.max(untilTime, since + length * 512);
    } else {
      untilHeight = Math.max(untilHeight, coin.height + length);
    }
  }
  return { untilHeight, untilTime };
}

import { type ChannelLiquidities, liquidityTime } from "./channelLiquidities.ts";

/** Where one direction of a channel stands among what is known. */
export interface DirectedEntry {
  readonly scores: ChannelLiquidities;
  /** Of its lower bound, as in `ChannelLiquidities.offsets`. */
  readonly bound: number;
  /** msat. */
  readonly capacity: number;
}

/** What is there at least and at most, msat. */
export function boundsOf({ scores, bound, capacity }: DirectedEntry): {
  readonly min: number;
  readonly max: number;
} {
  const min = scores.offsets[bound] ?? 0;
  return { min, max: Math.max(0, capacity - (scores.offsets[bound ^ 1] ?? 0)) };
}

/** `amount` did not pass: there is less. @ldk DirectedChannelLiquidity::failed_at_channel */
export function learnFailure(entry: DirectedEntry, amount: number, now: number): void {
  if (amount < boundsOf(entry).max) setMax(entry, amount, now);
  noteHistory(entry, 0, now);
}

/**
 * `amount` got farther than this channel, and came back: there is as much.
 *
 * @ldk DirectedChannelLiquidity::failed_downstream
 */
export function learnPassage(entry: DirectedEntry, amount: number, now: number): void {
  if (amount > boundsOf(entry).min) setMin(entry, amount, now);
  noteHistory(entry, 0, now);
}

/**
 * `amount` has gone: there is as much less. The history is of what was there before.
 *
 * @ldk DirectedChannelLiquidity::successful
 */
export function learnPayment(entry: DirectedEntry, amount: number, now: number): void {
  setMax(entry, Math.max(0, boundsOf(entry).max - amount), now);
  noteHistory(entry, amount, now);
}

function setMin({ scores, bound, capacity }: DirectedEntry, amount: number, now: number): void {
  scores.offsets[bound] = amount;
  if (amount > boundsOf({ scores, bound, capacity }).max) scores.offsets[bound ^ 1] = 0;
  scores.setTime(bound >>> 1, liquidityTime.bounds, now);
}

function setMax({ scores, bound, capacity }: DirectedEntry, amount: number, now: number): void {
  scores.offsets[bound ^ 1] = Math.max(0, capacity - amount);
  if (amount < (scores.offsets[bound] ?? 0)) scores.offsets[bound] = 0;
  scores.setTime(bound >>> 1, liquidityTime.bounds, now);
}

/** `gone` is what was there before, but is no more. */
function noteHistory({ scores, bound, capacity }: DirectedEntry, gone: number, now: number): void {
  const min = (scores.offsets[bound] ?? 0) + gone;
  const max = Math.max(0, (scores.offsets[bound ^ 1] ?? 0) - gone);
  scores.track(bound, { min, max, capacity });
  scores.setTime(bound >>> 1, liquidityTime.history, now);
  scores.setTime(bound >>> 1, liquidityTime.datapoint, now);
}

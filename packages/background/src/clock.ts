/** Time and timers, so that tests can bring their own. */
export interface Clock {
  /** Seconds since 1970. */
  now(): number;
  /** Calls `action` once, after `delay` milliseconds, unless the function that it gives is called before. */
  schedule(action: () => void, delay: number): () => void;
}

/** The machine's clock. Its timers keep a process alive until they are cancelled. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1_000),
  schedule(action, delay) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};

/**
 * Milliseconds that only rise, whatever is done to the machine's clock: `clock` of a `ChannelManager`, which tells
 * payers how long it held their payments.
 */
export const risingMilliseconds: { now(): number } = { now: () => performance.now() };

/**
 * How long to wait after the `failures`th failure in a row, from 1: doubled each time, at most `longest`; milliseconds.
 */
export function backOff(failures: number, shortest: number, longest: number): number {
  return Math.min(longest, shortest * 2 ** Math.min(failures - 1, 30));
}

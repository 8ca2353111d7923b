/** Time and timers of a lease, so that tests can bring their own. */
export interface LeaseClock {
  /**
   * Milliseconds that only rise, whatever is done to the machine's clock. Need not count the time that a machine
   * sleeps.
   */
  monotonic(): number;
  /** Milliseconds of the machine's clock, which counts the time that the machine sleeps, and may jump. */
  wall(): number;
  /** Calls `action` once, after `delay` milliseconds, unless the function that it gives is called before. */
  schedule(action: () => void, delay: number): () => void;
}

export const systemLeaseClock: LeaseClock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  schedule(action, delay) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};

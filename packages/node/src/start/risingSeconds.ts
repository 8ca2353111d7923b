/**
 * Seconds since 1970 that never go back and never stand still, whatever is done to the machine's clock. After that was set
 * back they pass at half their speed until it has caught up: time that stood still would hold feerates and expiries where
 * a clock that was wrong for a moment had brought them. `wall` and `rising` are in milliseconds.
 */
export function risingSeconds(
  wall: () => number = Date.now,
  rising: () => number = () => performance.now(),
): () => number {
  let last = wall();
  let lookedAt = rising();
  return () => {
    const now = rising();
    last = Math.max(wall(), last + (now - lookedAt) / 2);
    lookedAt = now;
    return Math.floor(last / 1_000);
  };
}

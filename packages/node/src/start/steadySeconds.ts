/** What the time is made of; all in milliseconds. */
export interface TimeSources {
  /** The machine's clock, since 1970. It may be wrong, and be set. */
  readonly wall?: () => number;
  /** Only rises; it may stand still while the machine is suspended. */
  readonly rising?: () => number;
  /** Before which it cannot be, since 1970, for whom the chain is right and a clock begins with 1970. */
  readonly least?: () => number;
}

/** A clock that moves by more than that against the other one was set, or the machine was suspended. */
const leap = 60_000;
/** For so long the machine's clock must keep to what it was set to. */
const trial = 60_000;

/**
 * Seconds since 1970 that pass evenly. Where the machine's clock leaps, forward or back, it is believed only when it
 * has kept to that for a minute: one that is a month ahead for a moment lets no invoice expire, forgets no channel of
 * the graph, and is forgotten itself. What it is off by less is made up for without going back.
 */
export function steadySeconds({
  wall = Date.now,
  rising = () => performance.now(),
  least = () => 0,
}: TimeSources = {}): () => number {
  let last = wall();
  let lookedAt = rising();
  /** By how much the clocks differ since the leap, and when that was first seen. */
  let leapt: { readonly by: number; readonly since: number } | undefined;
  return () => {
    const now = rising();
    const passed = now - lookedAt;
    const said = Math.max(wall(), least());
    lookedAt = now;
    if (Math.abs(said - (last + passed)) <= leap) {
      leapt = undefined;
      last = Math.max(said, last + passed / 2);
    } else {
      const by = said - now;
      if (leapt === undefined || Math.abs(by - leapt.by) > leap) leapt = { by, since: now };
      const isBelieved = now - leapt.since >= trial;
      last = isBelieved ? said : last + passed;
    }
    return Math.floor(last / 1_000);
  };
}

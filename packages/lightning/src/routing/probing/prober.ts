import type { UnixSeconds } from "../../util/ids.ts";
import { InvariantError } from "../../util/invariant.ts";
import { type Msat, msat, plus, sum } from "../../util/units.ts";
import type { Path } from "../route.ts";
import type { ProbeStrategy } from "./probeStrategies.ts";

export interface ProberOptions {
  readonly strategy: ProbeStrategy;
  /** `ChannelManager.sendProbe`; throws when the channel does not take it. */
  readonly sendProbe: (path: Path) => unknown;
  /** What probes under way bind now: `ChannelManager.probesInFlight`. */
  readonly probesInFlight: () => { readonly amount: Msat };
  /** Seconds between two probes, from 1. Default 10. */
  readonly interval?: number;
  /** What probes may bind at a time, fees included. Default 100,000,000 msat. */
  readonly maxInFlight?: Msat;
}

/** What became of a tick. */
export type ProbeAttempt =
  /** It is too early. */
  | { readonly kind: "waiting" }
  | { readonly kind: "sent"; readonly path: Path }
  /** There is no path, or it would bind too much, or our channel did not take it. */
  | { readonly kind: "skipped"; readonly text: string };

/**
 * Sends probes now and then, so that a scorer learns before payments need to know. What a probe tells comes back as
 * `probe-successful` and `probe-failed`, which `BackgroundProcessor` hands to the scorer. A probe is an HTLC: as long
 * as nobody answers, it binds our money, hours at worst. So what all of them bind is bounded.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #interval: number;
  readonly #maxInFlight: Msat;
  /** When the last one was due. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#interval = Math.max(1, options.interval ?? 10);
    this.#maxInFlight = options.maxInFlight ?? msat(100_000_000n);
  }

  /** To be called every few seconds at least. A clock that goes back makes the interval begin anew. */
  tick(now: UnixSeconds): ProbeAttempt {
    const isEarly = now < this.#last + this.#interval;
    if (now < this.#last || !isEarly) this.#last = now;
    if (isEarly) return { kind: "waiting" };
    const { strategy, sendProbe, probesInFlight } = this.#options;
    const found = strategy.nextProbe(now);
    if (!found.ok) return { kind: "skipped", text: found.error.text };
    const path = found.value;
    const bound = plus(probesInFlight().amount, sum(path.hops.map(({ fee }) => fee)));
    if (bound > this.#maxInFlight) {
      return {
        kind: "skipped",
        text: `probes would bind ${bound} msat, at most ${this.#maxInFlight} are allowed`,
      };
    }
    try {
      sendProbe(path);
    } catch (error) {
      if (error instanceof InvariantError || !(error instanceof Error)) throw error;
      return { kind: "skipped", text: error.message };
    }
    return { kind: "sent", path };
  }
}

import type { ManagerEnvironment } from "./environment.ts";

/** BOLT 4, "Initialization of attribution_data": hold times are told in these. */
const millisecondsPerUnit = 100;

/**
 * Since when we hold each incoming HTLC, in memory only: of those from before a restart, or without a clock, 0 is told,
 * as BOLT 4 allows those "that lack accurate timing information".
 */
export class HoldTimes {
  readonly #clock: ManagerEnvironment["clock"];
  /** Milliseconds by `refKey`. */
  readonly #began = new Map<string, number>();

  constructor(clock: ManagerEnvironment["clock"]) {
    this.#clock = clock;
  }

  /** The HTLC is ours to deal with. Of several times the first counts. */
  begin(key: string): void {
    if (this.#clock !== undefined && !this.#began.has(key)) this.#began.set(key, this.#clock.now());
  }

  /** How long the HTLC has been held, in units of 100 milliseconds, rounded down. */
  of(key: string): number {
    const began = this.#began.get(key);
    if (this.#clock === undefined || began === undefined) return 0;
    const units = Math.floor((this.#clock.now() - began) / millisecondsPerUnit);
    return Math.min(Math.max(units, 0), 0xffff_ffff);
  }

  forget(key: string): void {
    this.#began.delete(key);
  }
}

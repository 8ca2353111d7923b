/** Milliseconds from the start of a node until what it left is collected, and from then on. */
const soon = 2_000;
const interval = 30 * 60_000;
/** Part of the time that a daemon works in which nothing happens. */
const littleWork = 0.2;

/**
 * `last-resort` moves together what is left, and forgets code that was needed for the start alone: 15 MB less, for 130
 * ms. `regular` takes 60 ms.
 */
type Thoroughness = "last-resort" | "regular";

/** What a daemon is given by its process; tests play it. */
export interface CollectorParts {
  /** Collects what nobody uses any more. Absent where V8 does not let anybody ask for it. */
  readonly collect: ((thoroughness: Thoroughness) => void) | undefined;
  /** In milliseconds. */
  readonly now: () => number;
  /** Milliseconds in which the process had something to do. */
  readonly active: () => number;
}

const thisProcess: CollectorParts = {
  collect: globalThis.gc && ((flavor) => void globalThis.gc?.({ type: "major", execution: "sync", flavor })),
  now: () => performance.now(),
  active: () => performance.eventLoopUtilization().active,
};

/**
 * V8 collects when memory runs short, which for an idle daemon is never: what its start left behind, and the graph as
 * it is stored each hour, would stay for days. So V8 is asked to, soon after the start and every half hour, when
 * nothing happens.
 */
export class Leftovers {
  readonly #parts: CollectorParts;
  #due: number;
  #lookedAt: number;
  #active: number;
  #next: Thoroughness = "last-resort";

  constructor(parts: CollectorParts = thisProcess) {
    this.#parts = parts;
    this.#lookedAt = parts.now();
    this.#active = parts.active();
    this.#due = this.#lookedAt + soon;
  }

  /** To be called every second or so. */
  look(): void {
    const { collect, now, active } = this.#parts;
    const [at, busy] = [now(), active()];
    const isIdle = busy - this.#active < littleWork * (at - this.#lookedAt);
    [this.#lookedAt, this.#active] = [at, busy];
    if (!isIdle || at < this.#due) return;
    this.#due = at + interval;
    collect?.(this.#next);
    this.#next = "regular";
  }
}

/**
 * The open `OP_IF`s. Counts the branches that do not run, so that asking is as fast inside a million of them as inside
 * none: tapscript has no limit on opcodes.
 */
export class Branches {
  readonly #taken: boolean[] = [];
  #skipped = 0;

  /** Whether all open branches run. */
  get running(): boolean {
    return this.#skipped === 0;
  }

  get open(): number {
    return this.#taken.length;
  }

  enter(taken: boolean): void {
    this.#taken.push(taken);
    if (!taken) this.#skipped++;
  }

  /** Ends the innermost branch and tells whether it ran; `undefined` when none was open. */
  leave(): boolean | undefined {
    const taken = this.#taken.pop();
    if (taken === false) this.#skipped--;
    return taken;
  }
}

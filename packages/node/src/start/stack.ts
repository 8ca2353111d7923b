/** What was started, to be ended in the opposite order: by `stop`, or when the start fails. */
export class StartedParts {
  readonly #ends: (() => Promise<void> | void)[] = [];

  /** From now on `end` is to be called. */
  add(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  /** Ends all, the last one first. One that fails does not keep the others; the first error is thrown then. */
  async endAll(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}

/** Whether there is something that was not asked for yet, and who waits for it. */
export class News {
  #isThere = false;
  readonly #waiting = new Set<() => void>();

  /** There is something. */
  arrived(): void {
    this.#isThere = true;
    this.wake();
  }

  /** Who waits looks for himself. */
  wake(): void {
    for (const resume of [...this.#waiting]) resume();
  }

  /** What there was is asked for now. */
  taken(): void {
    this.#isThere = false;
  }

  /** Resolves when there is something, after `patience` milliseconds, or when `signal` is aborted. */
  next(signal: AbortSignal, patience: number): Promise<void> {
    if (this.#isThere || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", resume);
        this.#waiting.delete(resume);
        resolve();
      };
      const timer = setTimeout(resume, patience);
      signal.addEventListener("abort", resume);
      this.#waiting.add(resume);
    });
  }
}

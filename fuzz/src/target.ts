/** How long a fuzz target runs, and from where. */
export interface FuzzOptions {
  readonly seconds: number;
  /** Of the first run; the next ones follow. */
  readonly seed: number;
  /** At most that many runs. */
  readonly runs: number;
  readonly say: (line: string) => void;
}

/** Something that `npm run fuzz` can run. */
export interface FuzzTarget {
  /** One line about what it looks for. */
  readonly summary: string;
  /** Whether nothing was found. */
  run(options: FuzzOptions): boolean;
}

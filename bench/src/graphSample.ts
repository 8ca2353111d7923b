import type { UnixSeconds } from "@fulmen/lightning/util";

/** What a program tells of the graph that it loaded. */
export interface GraphSample {
  readonly channels: number;
  /** Milliseconds to tell an empty graph of all channels and terms, one call for each. */
  readonly loadMs: number;
  readonly writeMs: number;
  readonly readMs: number;
  readonly bytes: number;
}

/** What a program tells that only reads a graph. */
export interface GraphMemory {
  /** By how much the process grew, from before the graph was made to after it was read. */
  readonly addedBytes: number;
}

/** When everything is said to be announced; seconds since 1970. */
export const graphTime = 1_727_000_000 as UnixSeconds;

/**
 * The best of three runs, in milliseconds, and what it gave: what is short suffers most from whoever else is at work.
 */
export function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const runs = Array.from({ length: 3 }, () => {
    const started = performance.now();
    const result = work();
    return { ms: performance.now() - started, result };
  });
  return runs.reduce((best, run) => (run.ms < best.ms ? run : best));
}

/** Resident bytes, once all is collected that can be. The program must run with `--expose-gc`. */
export async function settledMemory(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage.rss();
}

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A side of a comparison: a program in a process of its own, which works when it is its turn and waits otherwise. */
export interface Side<S> {
  /** Works for so long and tells how it went. */
  readonly sample: (seconds: number) => Promise<S>;
  /** Ends the program. */
  readonly end: () => Promise<void>;
}

/**
 * Starts a program of this package that calls `takeTurns`. `path` is relative to `src/` and without its extension.
 * Apart from each other, no side inherits another's heap or compiled code; taking turns, both meet the same weather.
 */
export async function startSide<S>(path: string, ...parameters: readonly string[]): Promise<Side<S>> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const program = fileURLToPath(new URL(`./${path}.${extension}`, import.meta.url));
  const child = fork(program, parameters, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const answer = async (): Promise<unknown> => {
    const both = new AbortController();
    const { signal } = both;
    const [first] = await Promise.race([once(child, "message", { signal }), once(child, "exit", { signal })]);
    // Of what did not come, nobody waits any longer.
    both.abort();
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${path} ended before its time`);
    return first;
  };
  await answer();
  return {
    async sample(seconds) {
      child.send(seconds);
      return (await answer()) as S;
    },
    async end() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** In the program: says that it is ready, and takes a sample whenever it is asked to, until the asker is gone. */
export async function takeTurns<S>(sample: (seconds: number) => Promise<S>): Promise<void> {
  const gone = once(process, "disconnect");
  process.on("message", (seconds) => {
    void sample(Number(seconds)).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send?.("ready");
  await gone;
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromTower, ToTower } from "./protocol.ts";

/** What the tower says when it has taken what it was told. */
export type Watching = Extract<FromTower, { kind: "watching" }>;

/** A tower in a process of its own, as the one who feeds it sees it. */
export class TowerProcess {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("tower.ts", import.meta.url)), [], {
      execArgv: ["--conditions=@fulmen/source", "--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Says something and waits for the answer, one at a time. Throws when it is refused, or the tower dies. */
  async tell(message: ToTower): Promise<Watching> {
    const gone = new AbortController();
    const death = (): void => gone.abort(new Error("the tower has died"));
    this.#child.once("exit", death);
    try {
      const answered = once(this.#child, "message", { signal: gone.signal });
      this.#child.send(message);
      const [answer]: FromTower[] = await answered;
      if (answer?.kind !== "watching") throw new Error(`the tower refuses: ${answer?.text}`);
      return answer;
    } finally {
      this.#child.off("exit", death);
    }
  }

  /** Ends the process at once, whatever it is at. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const flags = [
  "--headless",
  "--no-sandbox",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--disable-extensions",
  "--disable-breakpad",
  "--disable-component-update",
  "--disable-background-networking",
  "--disable-dev-shm-usage",
  // It speaks to this machine and to nobody else.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/**
 * A Chromium without a window: the program that the environment variable `CHROMIUM` names, or `chromium`, in a profile
 * of its own, or in the folder `profile`, which stays. Nothing else is left of it once it was ended, or this process
 * has ended.
 */
export class Chromium {
  readonly profile: string;
  readonly child: ChildProcess;
  readonly #keepsProfile: boolean;
  readonly #clear = (): void => {
    this.#end();
    this.#removeProfile();
  };

  /** `parameters`: more flags, and the page's address. */
  constructor(parameters: readonly string[], profile?: string) {
    this.profile = profile ?? mkdtempSync(join(tmpdir(), "fulmen-chromium-"));
    this.#keepsProfile = profile !== undefined;
    // Chromium is many processes: they make a group, so that they can be ended together.
    this.child = spawn(
      process.env["CHROMIUM"] || "chromium",
      [...flags, `--user-data-dir=${this.profile}`, ...parameters],
      {
        detached: true,
        env: { ...process.env, HOME: this.profile },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    process.once("exit", this.#clear);
  }

  /** Rejects with how it ended by itself. */
  async ended(): Promise<never> {
    const [code, signal] = await once(this.child, "exit");
    throw new Error(`Chromium ended with ${code ?? signal}`);
  }

  async kill(): Promise<void> {
    process.off("exit", this.#clear);
    const isRunning = this.child.exitCode === null && this.child.signalCode === null;
    const exited = isRunning && this.child.pid !== undefined ? once(this.child, "close") : undefined;
    this.#end();
    await exited;
    this.#removeProfile();
  }

  #removeProfile(): void {
    if (this.#keepsProfile) return;
    // A process that is about to end may still write.
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #end(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      // A negative id is that of a group.
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      // Nobody of the group may be left.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

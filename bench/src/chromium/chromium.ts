import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { type Page, PageServer } from "./pageServer.ts";

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
  // It speaks to the page's server and to nobody else.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  // What a page writes to its console, or fails with, becomes a line of the standard error output.
  "--enable-logging=stderr",
];

/** A line of Chromium's log that repeats what is on a page's console. */
const consoleLine = /:CONSOLE[:(]\d+\)?\] (.*)$/;

/**
 * Opens the page in Chromium: the program that the environment variable `CHROMIUM` names, or `chromium`, in a profile of
 * its own, or in the folder `profile`, which stays. Resolves with what the page posts. Rejects as soon as anything is on the page's console, when the browser
 * ends, and when nothing is posted in time. Nothing is left of browser and profile then.
 */
export async function openPage(page: Page, timeoutSeconds: number, profile?: string): Promise<string> {
  const server = await PageServer.start(page);
  const browser = new Browser(server.url, profile);
  const inTime = new AbortController();
  const tooLate = delay(timeoutSeconds * 1_000, undefined, { signal: inTime.signal }).then(() => {
    throw new Error(`the page posts nothing within ${timeoutSeconds} s`);
  });
  try {
    return await Promise.race([server.result(), browser.trouble(), tooLate]);
  } finally {
    inTime.abort();
    await browser.kill();
    server.close();
  }
}

class Browser {
  readonly #profile: string;
  readonly #keepsProfile: boolean;
  readonly #child: ChildProcess;
  readonly #clear = () => {
    this.#end();
    this.#removeProfile();
  };

  constructor(url: string, profile: string | undefined) {
    this.#profile = profile ?? mkdtempSync(join(tmpdir(), "fulmen-chromium-"));
    this.#keepsProfile = profile !== undefined;
    // Chromium is many processes: they make a group, so that they can be ended together.
    this.#child = spawn(
      process.env["CHROMIUM"] || "chromium",
      [...flags, `--user-data-dir=${this.#profile}`, url],
      {
        detached: true,
        env: { ...process.env, HOME: this.#profile },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    process.once("exit", this.#clear);
  }

  /** Rejects with the first line on the page's console, or with how the browser ended. */
  trouble(): Promise<never> {
    return new Promise((_, reject) => {
      const { stderr } = this.#child;
      if (stderr !== null) {
        createInterface(stderr).on("line", (line) => {
          const message = consoleLine.exec(line)?.[1];
          if (message !== undefined) reject(new Error(`on the page's console: ${message}`));
        });
      }
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => reject(new Error(`Chromium ended with ${code ?? signal}`)));
    });
  }

  async kill(): Promise<void> {
    process.off("exit", this.#clear);
    const isRunning = this.#child.exitCode === null && this.#child.signalCode === null;
    const exited = isRunning && this.#child.pid !== undefined ? once(this.#child, "close") : undefined;
    this.#end();
    await exited;
    this.#removeProfile();
  }

  #removeProfile(): void {
    if (this.#keepsProfile) return;
    // A process that is about to end may still write.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #end(): void {
    const { pid } = this.#child;
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

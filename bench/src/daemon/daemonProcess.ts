import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Client, createClient } from "@fulmen/client";

const program = fileURLToPath(new URL("../../../packages/cli/bin/fulmen.js", import.meta.url));

/** What a process has used. */
export interface Usage {
  /** On the processor, since its start. */
  readonly cpuSeconds: number;
  /** Resident now. */
  readonly bytes: number;
}

/** `fulmen start` of a folder, as users run it: the built command in a process of its own. */
export class DaemonProcess {
  /** From the start of the process until it said that it is ready. */
  readonly readyMs: number;
  readonly url: string;
  readonly token: string;
  readonly client: Client;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, readyMs: number, { url, token }: { url: string; token: string }) {
    this.#child = child;
    this.readyMs = readyMs;
    this.url = url;
    this.token = token;
    this.client = createClient({ url, token });
  }

  /** A new node in `folder`. */
  static async init(folder: string, config: object): Promise<void> {
    await promisify(execFile)(process.execPath, [
      program,
      "init",
      "--data-dir",
      folder,
      "--network",
      "regtest",
    ]);
    writeFileSync(join(folder, "fulmen.json"), JSON.stringify(config));
  }

  static async start(folder: string): Promise<DaemonProcess> {
    const begun = performance.now();
    const child = spawn(process.execPath, [program, "start", "--data-dir", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let url = "";
    for await (const line of createInterface({ input: child.stdout })) {
      url = /^API at (.+)$/.exec(line)?.[1] ?? url;
      if (line !== "Ready.") continue;
      const token = readFileSync(join(folder, "cli.token"), "utf8").trim();
      return new DaemonProcess(child, performance.now() - begun, { url, token });
    }
    throw new Error("the daemon ended before it was ready");
  }

  /** As it tells Prometheus. */
  async usage(): Promise<Usage> {
    const text = await this.client.metrics();
    const figure = (name: string): number => Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
    return {
      cpuSeconds: figure("process_cpu_seconds_total"),
      bytes: figure("process_resident_memory_bytes"),
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

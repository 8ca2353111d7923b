import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const startSeconds = 60;
const stopSeconds = 20;
const user = "fulmen";
/** Of a server that this machine alone can reach, for minutes. */
const password = "fulmen";

/** Why Electrum refused a command. */
class ElectrumCommandError extends Error {
  override readonly name = "ElectrumCommandError";
}

export interface ElectrumProcessOptions {
  /** Where it keeps everything; one folder for one process at a time. */
  readonly folder: string;
  /** Port of its Electrum server on this machine. */
  readonly serverPort: number;
  /** Port at which it takes connections of Lightning nodes. */
  readonly lightningPort: number;
  /** Whether it gathers gossip and finds routes itself; it leaves that to trampoline nodes otherwise. */
  readonly usesGossip: boolean;
}

/** A daemon of Electrum's on regtest: the program that the environment variable `ELECTRUM` names, or `electrum`. */
export class ElectrumProcess {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #log: readonly string[];
  readonly #exited: Promise<string>;
  readonly #kill: () => void;
  #calls = 0;

  /** Resolves when the daemon takes commands; rejects with what it complained about. */
  static async start(options: ElectrumProcessOptions): Promise<ElectrumProcess> {
    writeConfig(options);
    const program = process.env["ELECTRUM"] || "electrum";
    const child = spawn(program, ["--regtest", "-D", options.folder, "-v", "daemon"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const log: string[] = [];
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log.push(text);
      if (log.length > 2_000) log.shift();
    });
    const exited = exitOf(child);
    const url = await addressOf(join(options.folder, "regtest", "daemon"), exited, log);
    return new ElectrumProcess({ url, child, log, exited });
  }

  private constructor(parts: {
    readonly url: string;
    readonly child: ChildProcess;
    readonly log: readonly string[];
    readonly exited: Promise<string>;
  }) {
    this.#url = parts.url;
    this.#child = parts.child;
    this.#log = parts.log;
    this.#exited = parts.exited;
    this.#kill = () => parts.child.kill("SIGKILL");
    process.once("exit", this.#kill);
  }

  /** What it wrote to its log lately. */
  get log(): string {
    return this.#log.join("");
  }

  /** Runs a command of Electrum's, with parameters by their names. */
  async command(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` },
      body: JSON.stringify({ id: this.#calls++, method, params }),
    });
    const { result, error } = (await response.json()) as {
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    if (error !== undefined && error !== null) throw new ElectrumCommandError(`${method}: ${error.message}`);
    return result;
  }

  /** Ends it as its users do, or by force when it does not end. */
  async stop(): Promise<void> {
    const force = setTimeout(this.#kill, stopSeconds * 1_000);
    // One that is gone already cannot be reached; one that hangs is what `force` is for.
    await this.command("stop").catch(() => {});
    await this.#exited;
    clearTimeout(force);
    process.off("exit", this.#kill);
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    process.off("exit", this.#kill);
  }
}

function writeConfig({ folder, serverPort, lightningPort, usesGossip }: ElectrumProcessOptions): void {
  mkdirSync(join(folder, "regtest"), { recursive: true });
  const config = {
    config_version: 3,
    check_updates: false,
    dont_show_testnet_warning: true,
    auto_connect: false,
    oneserver: true,
    server: `127.0.0.1:${serverPort}:t`,
    rpcsock: "tcp",
    rpcuser: user,
    rpcpassword: password,
    lightning_listen: `127.0.0.1:${lightningPort}`,
    use_gossip: usesGossip,
    lightning_to_self_delay: 144,
  };
  writeFileSync(join(folder, "regtest", "config"), JSON.stringify(config));
}

/** Resolves, when the process is over, with how it ended. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
}

/** The daemon writes where it listens into a file: `('tcp', ('127.0.0.1', 40000), 1700000000.0)`. */
async function addressOf(file: string, exited: Promise<string>, log: readonly string[]): Promise<string> {
  let ended: string | undefined;
  void exited.then((how) => {
    ended = how;
  });
  for (const deadline = performance.now() + startSeconds * 1_000; performance.now() < deadline; ) {
    if (ended !== undefined) throw new Error(`Electrum does not start: ${ended}\n${log.join("")}`);
    const port = /'127\.0\.0\.1', (\d+)\)/.exec(readIfThere(file))?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}/`;
    await delay(20);
  }
  throw new Error(`Electrum does not answer within ${startSeconds} s\n${log.join("")}`);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

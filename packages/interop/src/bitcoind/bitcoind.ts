import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bitcoindSwitches } from "./nodePolicy.ts";
import { RpcClient, RpcError, rpcInWarmup } from "./rpcClient.ts";

const startSeconds = 60;
const stopSeconds = 30;

/**
 * A Bitcoin Core of its own on regtest, in a temporary folder: the program that the environment variable `BITCOIND`
 * names. Nobody but callers of `rpc` makes it do anything.
 */
export class Bitcoind {
  readonly rpc: RpcClient;
  readonly pid: number;
  readonly folder: string;
  readonly rpcPort: number;
  readonly #exited: Promise<string>;
  readonly #kill: () => void;

  /**
   * Resolves when the node answers; rejects when there is none, or with what it complained about. `switches` are added
   * to its command line.
   */
  static async start(named = process.env["BITCOIND"], switches: readonly string[] = []): Promise<Bitcoind> {
    const program = programNamed(named);
    const folder = await mkdtemp(join(tmpdir(), "fulmen-bitcoind-"));
    const port = await freePort();
    const child = spawn(
      program,
      [...bitcoindSwitches, `-datadir=${folder}`, `-rpcport=${port}`, ...switches],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const exited = exitOf(child);
    try {
      const rpc = await answering(port, join(folder, "regtest", ".cookie"), exited);
      return new Bitcoind({ rpc, child, folder, rpcPort: port, exited });
    } catch (error) {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(parts: {
    readonly rpc: RpcClient;
    readonly child: ChildProcess;
    readonly folder: string;
    readonly rpcPort: number;
    readonly exited: Promise<string>;
  }) {
    const { rpc, child, folder, rpcPort, exited } = parts;
    this.rpc = rpc;
    this.pid = child.pid ?? 0;
    this.folder = folder;
    this.rpcPort = rpcPort;
    this.#exited = exited;
    this.#kill = () => child.kill("SIGKILL");
    process.once("exit", this.#kill);
  }

  /** Ends the node as its users do, or by force if it does not end, and removes its folder. */
  async stop(): Promise<void> {
    const force = setTimeout(this.#kill, stopSeconds * 1_000);
    // A node that is gone already cannot be reached; one that hangs is what `force` is for.
    await this.rpc.call("stop").catch(() => {});
    await this.#exited;
    clearTimeout(force);
    process.off("exit", this.#kill);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Throws when the environment names no such program: these tests are never left out silently. */
function programNamed(program: string | undefined): string {
  if (program === undefined || program === "") {
    throw new Error("BITCOIND is not set: it must name Bitcoin Core's bitcoind (version 30 or later)");
  }
  if (!existsSync(program)) throw new Error(`BITCOIND names a file that does not exist: ${program}`);
  return program;
}

/** Resolves, when the process is over, with how it ended and what it said last. */
function exitOf(child: ChildProcess): Promise<string> {
  let complaints = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints = (complaints + text).slice(-4_000);
  });
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(`ended with ${code ?? signal}\n${complaints}`));
  });
}

/** Waits until the node has written its cookie and is through with starting. */
async function answering(port: number, cookieFile: string, exited: Promise<string>): Promise<RpcClient> {
  let ended: string | undefined;
  void exited.then((how) => {
    ended = how;
  });
  for (const deadline = performance.now() + startSeconds * 1_000; performance.now() < deadline; ) {
    if (ended !== undefined) throw new Error(`bitcoind does not start: ${ended}`);
    const rpc = existsSync(cookieFile) ? new RpcClient(port, readFileSync(cookieFile, "utf8")) : undefined;
    if (rpc !== undefined && (await isReady(rpc))) return rpc;
    await delay(10);
  }
  throw new Error(`bitcoind does not answer within ${startSeconds} s`);
}

async function isReady(rpc: RpcClient): Promise<boolean> {
  try {
    await rpc.call("getblockchaininfo");
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.code !== rpcInWarmup) throw error;
    return false;
  }
}

/** A port of this machine that nobody listened on a moment ago: Core cannot choose one by itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

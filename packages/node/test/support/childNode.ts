import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Node, NodeOptions } from "@fulmen/node";
import { parseCall, textOfCall } from "./calls.ts";

const sourceScript = fileURLToPath(new URL("nodeProcess.ts", import.meta.url));

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** How the process of a node is started. */
export interface ChildNodeProcess {
  /** The module that it runs; the one of the sources when absent. */
  readonly script?: string;
  /** Modules that are loaded before the node. */
  readonly preload?: readonly string[];
  /** Whether its memory can be asked for. */
  readonly gc?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Kills it, before it is ready, too. */
  readonly signal?: AbortSignal;
}

/** What a node's call was refused with. */
export class CallError extends Error {
  readonly code: string | undefined;
  readonly remedy: string | undefined;

  constructor({ code, message, remedy }: CallFailure) {
    super(`${code}: ${message}`);
    this.code = code;
    this.remedy = remedy;
  }
}

interface CallFailure {
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
}

/** A node in a process of its own. */
export class ChildNode {
  readonly uri: string;
  /** Of its wallet. */
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  private constructor(process: ChildProcess, said: { readonly uri: string; readonly address: string }) {
    this.#process = process;
    this.uri = said.uri;
    this.address = said.address;
  }

  static start(
    options: NodeOptions,
    { script = sourceScript, preload = [], env = {}, gc = false, signal }: ChildNodeProcess = {},
  ): Promise<ChildNode> {
    const child = spawn(
      process.execPath,
      [
        ...process.execArgv.filter((one) => one.startsWith("--conditions")),
        ...(gc ? ["--expose-gc"] : []),
        ...preload.map((path) => `--import=${path}`),
        script,
        textOfCall(options),
      ],
      {
        env: { ...process.env, ...env },
        killSignal: "SIGKILL",
        ...(signal && { signal }),
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    return new Promise((resolve, reject) => {
      let node: ChildNode | undefined;
      child.on("error", reject);
      child.on("exit", (code) => {
        const ended = new Error(`the node's process ended with ${code}`);
        reject(ended);
        node?.ended(ended);
      });
      createInterface({ input: child.stdout }).on("line", (line) => {
        // A process that is killed leaves half a line.
        if (!isWhole(line)) return;
        const said = parseCall<{
          uri: string;
          address: string;
          id: number;
          result?: unknown;
          error?: CallFailure;
        }>(line);
        if (node === undefined) {
          if (said.error !== undefined) return reject(new CallError(said.error));
          node = new ChildNode(child, said);
          resolve(node);
        } else node.answered(said);
      });
    });
  }

  /** What memory it needs once all that is not needed was collected. */
  call(method: "memory"): Promise<NodeJS.MemoryUsage>;
  /** Calls a method of the node's. */
  call<
    M extends
      | "receive"
      | "pay"
      | "status"
      | "balances"
      | "ledgerAccounts"
      | "payments"
      | "payment"
      | "closeChannel"
      | "openChannel"
      | "channels"
      | "stop",
  >(method: M, ...args: Parameters<Node[M]>): Promise<Awaited<ReturnType<Node[M]>>>;
  call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = this.#calls++;
    this.#process.stdin?.write(`${textOfCall({ id, method, args })}\n`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** No graceful stop. */
  kill(): Promise<void> {
    const ended = new Promise<void>((resolve) => void this.#process.once("exit", () => resolve()));
    if (!this.isAlive) return Promise.resolve();
    this.#process.kill("SIGKILL");
    return ended;
  }

  answered({ id, result, error }: { id: number; result?: unknown; error?: CallFailure }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new CallError(error));
  }

  ended(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

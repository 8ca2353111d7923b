import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Answer, Caller, type Frame, type Methods } from "./call.ts";

/** Output of a child that is kept to explain its death. */
const keptOutput = 4_000;

/** What Node has compiled of our modules, for the next process and the next run: most of a node's start is that. */
const compileCache = fileURLToPath(new URL("../../../../node_modules/.cache/compiled", import.meta.url));

export interface ChildOptions {
  readonly name: string;
  /** The module that the child runs. */
  readonly module: URL;
  readonly args: readonly string[];
  readonly onNotice: (value: unknown) => void;
  /** It ended without `stop` or `kill`. */
  readonly onDeath: (text: string) => void;
}

/** A process of ours, with the service in it. */
export class Child<S extends Methods<S>> {
  readonly #process: ChildProcess;
  readonly #caller: Caller<S>;
  readonly #exited: Promise<void>;
  #expected = false;
  #output = "";

  constructor({ name, module, args, onNotice, onDeath }: ChildOptions) {
    this.#process = fork(fileURLToPath(module), [...args], {
      // `--conditions` is not inherited otherwise; a test's children are no tests. `node:sqlite` calls itself
      // experimental.
      execArgv: [
        ...process.execArgv.filter((argument) => !argument.startsWith("--test")),
        "--disable-warning=ExperimentalWarning",
      ],
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#caller = new Caller<S>((frame) => {
      this.#process.send(frame, (error) => {
        if (error !== null) this.#caller.ended(error);
      });
    });
    this.#process.on("message", (message) => {
      const frame = message as Frame;
      if (frame.kind === "notice") onNotice(frame.value);
      else this.#caller.receive(frame);
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-keptOutput);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        this.#output += error.message;
        resolve();
      });
      // Not `close`: that waits for the pipes, which may stay open when the process was killed.
      this.#process.once("exit", (code, signal) => {
        const text = `${name} ended: ${signal ?? `exit code ${code}`}\n${this.#output}`.trimEnd();
        this.#caller.ended(new Error(text));
        resolve();
        if (!this.#expected) onDeath(text);
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Rejects with `RemoteError` when the method throws, and with its last words when the process has ended. */
  call<K extends keyof S & string>(method: K, ...args: Parameters<S[K]>): Answer<S, K> {
    return this.#caller.call(method, ...args);
  }

  /** Ends the process at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  /** Closes its line, upon which it ends by itself; kills it when that takes longer than a second. */
  async stop(): Promise<void> {
    this.#expected = true;
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 1_000);
    await this.#exited;
    clearTimeout(timer);
  }

  /** For the last moment of this process: nothing is waited for. */
  abandon(): void {
    this.#expected = true;
    this.#process.kill("SIGKILL");
  }
}

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { LdkOptions } from "./ldkOptions.ts";
import {
  decodeLine,
  encodeLine,
  type LdkCommandName,
  type LdkCommands,
  type LdkEvent,
  type LdkEventOf,
  type LdkEventType,
  type LdkLine,
} from "./ldkProtocol.ts";

/** How long `waitFor` waits, and from which event on it looks. */
export interface WaitOptions {
  /** Milliseconds; 20,000 when absent. */
  readonly ms?: number;
  /** A mark of `eventCount` taken earlier: events before it do not count. All count when absent. */
  readonly since?: number;
}

/** The arguments of a command; none need be given when all are optional. */
type ArgsOf<C extends LdkCommandName> =
  Record<never, never> extends LdkCommands[C]["args"]
    ? [args?: LdkCommands[C]["args"]]
    : [args: LdkCommands[C]["args"]];

/** Commands that only look. */
type StateCommand = "peers" | "info" | "channels" | "payments" | "balances" | "graph" | "relevant";

interface Waiter {
  readonly offer: (event: LdkEvent) => boolean;
  readonly abort: (reason: Error) => void;
}

interface PendingCommand {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A foreign Lightning node for tests: LDK in a child process. The child dies with the test's process, whatever way
 * that ends; failures carry the end of its stderr.
 */
export class LdkPeer {
  readonly name: string;
  /** Everything that happened, oldest first. */
  readonly events: LdkEvent[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #pending = new Map<number, PendingCommand>();
  readonly #exited: Promise<void>;
  readonly #kill = (): void => {
    this.#child.kill("SIGKILL");
  };
  #waiters: readonly Waiter[] = [];
  #nextId = 1;
  #stderr = "";
  #ended: Error | undefined;
  #nodeId = "";

  /** Resolves when the node is ready for commands. `name` shows in errors. */
  static async start(name: string, options: LdkOptions): Promise<LdkPeer> {
    const peer = new LdkPeer(name, options);
    const ready = await peer.waitFor("ready", () => true, { ms: 60_000 });
    peer.#nodeId = ready.nodeId;
    return peer;
  }

  private constructor(name: string, options: LdkOptions) {
    this.name = name;
    this.#child = spawn(process.execPath, [...conditions(), childPath(), JSON.stringify(options)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    process.once("exit", this.#kill);
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(decodeLine(line)));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-8_000);
    });
    // A command written after the child's death fails through its exit, below.
    this.#child.stdin.on("error", () => {});
    this.#exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        process.off("exit", this.#kill);
        this.#end(this.#failure(`the process ended (${code ?? signal})`));
        resolve();
      });
    });
  }

  /** The node's public key. */
  get nodeId(): string {
    return this.#nodeId;
  }

  /** How many events there were: a mark for `waitFor`. */
  get eventCount(): number {
    return this.events.length;
  }

  /** Runs a command; rejects when LDK refuses it. Events that it causes at once are in `events` when it resolves. */
  cmd<C extends LdkCommandName>(command: C, ...[args]: ArgsOf<C>): Promise<LdkCommands[C]["result"]> {
    return this.#send(command, args ?? {});
  }

  /** The first event of `type` that `accepts` takes, past or future; rejects when there is none in time. */
  waitFor<T extends LdkEventType>(
    type: T,
    accepts: (event: LdkEventOf<T>) => boolean = () => true,
    { ms = 20_000, since = 0 }: WaitOptions = {},
  ): Promise<LdkEventOf<T>> {
    const fits = (event: LdkEvent): event is LdkEventOf<T> => isOfType(event, type) && accepts(event);
    const past = this.events.slice(since).find(fits);
    if (past !== undefined) return Promise.resolve(past);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        offer: (event) => {
          if (!fits(event)) return false;
          settle();
          resolve(event);
          return true;
        },
        abort: (reason) => {
          settle();
          reject(reason);
        },
      };
      const timer = setTimeout(() => waiter.abort(this.#failure(`no ${type} within ${ms} ms`)), ms);
      this.#waiters = [...this.#waiters, waiter];
    });
  }

  /** Asks `command` again and again until `accepts` takes the answer; rejects after `ms` (20,000 when absent). */
  async until<C extends StateCommand>(
    command: C,
    accepts: (result: LdkCommands[C]["result"]) => boolean,
    ms = 20_000,
  ): Promise<LdkCommands[C]["result"]> {
    const deadline = performance.now() + ms;
    for (;;) {
      const result = await this.#send(command, {});
      if (accepts(result)) return result;
      if (performance.now() > deadline) throw this.#failure(`${command} never came to what was awaited`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends the node; safe to call twice, and after the child has died. */
  async stop(): Promise<void> {
    if (this.#ended === undefined) {
      const impatient = setTimeout(this.#kill, 2_000);
      this.cmd("stop").catch(() => {});
      this.#child.stdin.end();
      await this.#exited;
      clearTimeout(impatient);
    }
    await this.#exited;
  }

  #send<C extends LdkCommandName>(
    command: C,
    args: LdkCommands[C]["args"] | Record<never, never>,
  ): Promise<LdkCommands[C]["result"]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise<LdkCommands[C]["result"]>((resolve, reject) => {
      this.#pending.set(id, { resolve: (result) => resolve(result as LdkCommands[C]["result"]), reject });
      this.#child.stdin.write(`${encodeLine({ id, command, args })}\n`);
    });
  }

  #take(line: LdkLine): void {
    switch (line.type) {
      case "event":
        this.events.push(line.event);
        for (const waiter of this.#waiters) waiter.offer(line.event);
        return;
      case "result":
        this.#pendingCommand(line.id).resolve(line.result);
        return;
      case "refused":
        this.#pendingCommand(line.id).reject(this.#failure(line.text));
        return;
    }
  }

  #pendingCommand(id: number): PendingCommand {
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new Error(`${this.name}: an answer to no command: ${id}`);
    this.#pending.delete(id);
    return pending;
  }

  #end(reason: Error): void {
    this.#ended = reason;
    for (const pending of this.#pending.values()) pending.reject(reason);
    this.#pending.clear();
    for (const waiter of this.#waiters) waiter.abort(reason);
  }

  #failure(what: string): Error {
    const fatal = this.events.find((event) => event.type === "fatal");
    const recent = this.events.slice(-12).map((event) => event.type);
    const lines = [`${this.name}: ${what}`, `last events: ${recent.join(", ")}`];
    if (fatal !== undefined) lines.push(fatal.text);
    if (this.#stderr !== "") lines.push("stderr:", this.#stderr.trimEnd());
    return new Error(lines.join("\n"));
  }
}

function isOfType<T extends LdkEventType>(event: LdkEvent, type: T): event is LdkEventOf<T> {
  return event.type === type;
}

/** `spawn` does not inherit the conditions that this process resolves packages with. */
function conditions(): readonly string[] {
  return process.execArgv.filter((argument) => argument.startsWith("--conditions="));
}

/** The child's module, beside this one: `.ts` in the sources, `.js` when built. */
function childPath(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`./ldkPeerProcess.${extension}`, import.meta.url));
}

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NodeOptions } from "@fulmen/node";
import { CallError, ChildNode, type ChildNodeProcess } from "./childNode.ts";
import { rest } from "./playfield.ts";

const clockScript = fileURLToPath(new URL("shiftedClock.mjs", import.meta.url));

/** A node in a process, which is started anew whenever it is killed. */
export class KeptNode {
  child: ChildNode | undefined;
  #uri = "";
  #startTook = 0;
  /** The database that it is stored in. */
  readonly store: string;
  readonly #options: NodeOptions;
  readonly #clock: string;
  readonly #how: ChildNodeProcess;

  constructor(options: Omit<NodeOptions, "storage">, store: string, how: ChildNodeProcess) {
    this.store = store;
    this.#options = { ...options, storage: { sqlite: store } };
    const clock = `${store}.clock`;
    this.#clock = clock;
    this.#how = { preload: [clockScript], ...how, env: { FULMEN_TEST_CLOCK: clock } };
    this.shiftClock(0);
  }

  /** Sets the clock of its machine forward by so many seconds; back when they are below zero. */
  shiftClock(seconds: number): void {
    writeFileSync(this.#clock, String(seconds * 1_000));
  }

  get uri(): string {
    return this.#uri;
  }

  async start(): Promise<ChildNode> {
    const began = performance.now();
    this.child = await ChildNode.start(this.#options, this.#how);
    this.#startTook = performance.now() - began;
    this.#uri = this.child.uri;
    return this.child;
  }

  /** Kills it in the middle of its start, after such a part of the time that the last one took. */
  async startAndKill(part: number): Promise<void> {
    const controller = new AbortController();
    const started = ChildNode.start(this.#options, { ...this.#how, signal: controller.signal });
    const timer = setTimeout(() => controller.abort(), part * this.#startTook);
    await started.then(
      (child) => child.kill(),
      () => undefined,
    );
    clearTimeout(timer);
    // The system has to take the port and the store's lock back.
    await rest(20);
  }

  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    await child?.kill();
  }

  /** Starts another process with its store, and gives why that cannot be. */
  async refusalOfSecond(): Promise<CallError> {
    const second = ChildNode.start({ ...this.#options, listen: { port: 0 } }, this.#how);
    const refusal = await second.then(
      (child) => child.kill(),
      (error: unknown) => error,
    );
    if (refusal instanceof CallError) return refusal;
    throw new Error("two processes have one store", { cause: refusal });
  }

  /** Stops its process where it is, or lets it go on. */
  hang(isHanging: boolean): void {
    process.kill(this.child?.pid ?? 0, isHanging ? "SIGSTOP" : "SIGCONT");
  }

  /** Bytes that its files may have; nothing for no limit. */
  limitFiles(bytes: number | undefined): void {
    const limit = `--fsize=${bytes ?? "unlimited"}:unlimited`;
    execFileSync("prlimit", ["--pid", String(this.child?.pid), limit]);
  }
}

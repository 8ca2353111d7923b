import { Worker } from "node:worker_threads";
import type { KvWrite } from "@fulmen/lightning/chain";
import { messageOf } from "@fulmen/lightning/util";
import { StoreError } from "../storeError.ts";
import type { OpenedDatabase } from "./writer/openedDatabase.ts";
import type { WriterAnswer, WriterOrder } from "./writer/serveCommits.ts";

/** Values with more bytes are given to the thread instead of copied for it, which would hold up the event loop. */
const copiedBytes = 2 ** 16;

/**
 * Commits to a database on a thread of its own, so that the event loop waits for no disk. The thread starts with the first
 * commit, and keeps no process alive that has nothing to commit.
 */
export class WriterThread {
  readonly #opened: OpenedDatabase;
  readonly #program: URL;
  #worker: Worker | undefined;
  #underWay: { readonly fulfil: () => void; readonly reject: (error: StoreError) => void } | undefined;
  /** Why nothing more can be committed here. */
  #end: StoreError | undefined;

  /** `program` is what the thread runs. */
  constructor(opened: OpenedDatabase, program: URL = threadProgram()) {
    this.#opened = opened;
    this.#program = program;
  }

  /**
   * Makes `writes` durable and visible, all of them or none. To be called when the last commit has its answer. Rejects with
   * `StoreError`; `closed` when the thread has died, whatever became of the writes. Their values are no longer their
   * caller's: large ones are empty from then on.
   */
  commit(writes: readonly KvWrite[]): Promise<void> {
    return new Promise((fulfil, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      this.#underWay = { fulfil, reject };
      this.#worker ??= this.#start();
      this.#worker.ref();
      tell(this.#worker, writes, largeValues(writes));
    });
  }

  /** Ends the thread. To be called when the last commit has its answer. */
  async close(): Promise<void> {
    this.#end ??= new StoreError("closed", `the store ${this.#opened.path} is closed`);
    const worker = this.#worker;
    if (worker === undefined) return;
    await new Promise((ended) => {
      worker.on("exit", ended);
      worker.ref();
      tell(worker, "close");
    });
  }

  #start(): Worker {
    const worker = this.#newWorker();
    worker.on("message", (answer: WriterAnswer) => this.#answered(answer));
    worker.on("error", (error) => this.#died(error));
    worker.on("exit", () => this.#died());
    return worker;
  }

  #newWorker(): Worker {
    // That SQLite's interface may change has been said by this thread.
    const execArgv = ["--disable-warning=ExperimentalWarning"];
    try {
      return new Worker(this.#program, { execArgv, workerData: this.#opened });
    } catch (error) {
      throw new StoreError(
        "commit-failed",
        `the store ${this.#opened.path}: no thread can be started to commit on (${messageOf(error)}): let the node have more threads`,
        error,
      );
    }
  }

  #answered(answer: WriterAnswer): void {
    this.#worker?.unref();
    const asked = this.#underWay;
    this.#underWay = undefined;
    if (answer === "committed") asked?.fulfil();
    else asked?.reject(new StoreError(answer.code, answer.message));
  }

  #died(error?: Error): void {
    this.#worker = undefined;
    this.#end ??= new StoreError(
      "closed",
      `what commits to the store ${this.#opened.path} has ended (${error?.message ?? "no reason was given"}): start the node again`,
      error,
    );
    this.#underWay?.reject(this.#end);
    this.#underWay = undefined;
  }
}

function tell(worker: Worker, order: WriterOrder, taken: readonly ArrayBuffer[] = []): void {
  worker.postMessage(order, taken);
}

function largeValues(writes: readonly KvWrite[]): readonly ArrayBuffer[] {
  return writes.flatMap(({ value }) =>
    value !== undefined && value.length > copiedBytes && value.buffer instanceof ArrayBuffer
      ? [value.buffer]
      : [],
  );
}

/**
 * A program that needs no file of its own, so that it is found wherever this package is. Throws `StoreError`
 * `unsupported-runtime` where it is not, as in a bundle.
 */
function threadProgram(): URL {
  const module = writerModule();
  const text = `import { serveCommits } from ${JSON.stringify(module)};\nserveCommits();\n`;
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

function writerModule(): string {
  try {
    return import.meta.resolve("@fulmen/persist/sqlite/writer");
  } catch (error) {
    throw new StoreError(
      "unsupported-runtime",
      "the store in SQLite commits on a thread, whose program is not found. If this is a bundle, leave the packages " +
        "@fulmen/* out of it (esbuild: --packages=external) and install them beside it",
      error,
    );
  }
}

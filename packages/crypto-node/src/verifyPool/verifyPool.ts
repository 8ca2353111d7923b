import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { crypto } from "@fulmen/bitcoin/crypto";
import { bytesOfChecks, type EcdsaCheck } from "./checkBytes.ts";

export interface VerifyPoolOptions {
  /** Default: one less than the machine's cores, and at least one. */
  readonly threads?: number;
  /**
   * Threads that have had nothing to do for so long end, and with them goes their memory; milliseconds. Default 10,000.
   */
  readonly idleTime?: number;
  /** Smaller batches are verified by the calling thread, at once. Default 1: none is. */
  readonly smallest?: number;
}

interface Job {
  readonly checks: readonly EcdsaCheck[];
  readonly resolve: (verdicts: readonly boolean[]) => void;
  /** Threads that died over it. */
  deaths: number;
}

interface Thread {
  readonly worker: Worker;
  /** Sent to it and not answered, oldest first. */
  readonly jobs: Job[];
  /** Ends it. */
  readonly timer: NodeJS.Timeout;
}

/** So many jobs are with a thread: it finds the next one when it is done with one. */
const jobsPerThread = 2;
/** Threads that may die over a job before this thread does it: whatever kills them, it is not the signatures. */
const maxDeaths = 3;

/**
 * Verifies ECDSA signatures on threads of its own. They start when there is work and end when there was none for a
 * while, and keep no process alive that has nothing else to do. A thread that dies is replaced, and what it had is
 * verified again; where none can be had, the calling thread verifies.
 */
export class VerifyPool {
  /** Most threads at a time. */
  readonly threads: number;
  readonly #program: URL;
  readonly #idleTime: number;
  readonly #smallest: number;
  readonly #running = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #isClosed = false;
  #underWay = 0;
  #drained: (() => void) | undefined;

  /** `program` is what a thread runs. */
  constructor(
    { threads, idleTime = 10_000, smallest = 1 }: VerifyPoolOptions = {},
    program: URL = threadProgram(),
  ) {
    this.#program = program;
    this.#idleTime = idleTime;
    this.#smallest = smallest;
    this.threads = Math.max(1, threads ?? availableParallelism() - 1);
  }

  /**
   * Whether each of these signatures is valid, in their order. Wrong lengths and points that are none are not. Never
   * rejects but after `close`.
   */
  verifyBatch(checks: readonly EcdsaCheck[]): Promise<readonly boolean[]> {
    if (this.#isClosed) return Promise.reject(new Error("the pool is closed"));
    if (checks.length < this.#smallest) return Promise.resolve(verifyHere(checks));
    if (checks.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.#underWay++;
      this.#waiting.push({ checks, resolve, deaths: 0 });
      this.#assign();
    });
  }

  /** Takes no more batches, waits for those that it has, and ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    const threads = [...this.#running];
    this.#running.clear();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  /** Gives what waits to the threads that have the least to do. */
  #assign(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      thread.jobs.push(job);
      thread.worker.ref();
      const bytes = bytesOfChecks(job.checks);
      thread.worker.postMessage(bytes, [bytes.buffer]);
    }
  }

  #freeThread(): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.#running) {
      if (best === undefined || thread.jobs.length < best.jobs.length) best = thread;
    }
    if ((best === undefined || best.jobs.length > 0) && this.#running.size < this.threads)
      return this.#start();
    return best !== undefined && best.jobs.length < jobsPerThread ? best : undefined;
  }

  #start(): Thread {
    const worker = new Worker(this.#program, { execArgv: conditions() });
    const timer = setTimeout(() => this.#endIfIdle(thread), this.#idleTime).unref();
    const thread: Thread = { worker, jobs: [], timer };
    const { jobs } = thread;
    worker.unref();
    worker.on("message", (verdicts: Uint8Array) => {
      const job = jobs.shift();
      timer.refresh();
      if (jobs.length === 0) worker.unref();
      if (job === undefined) return;
      this.#finish(
        job,
        job.checks.map((_, i) => verdicts[i] === 1),
      );
      this.#assign();
    });
    // The thread's end follows.
    worker.on("error", () => {});
    worker.on("exit", () => this.#died(thread));
    this.#running.add(thread);
    return thread;
  }

  #endIfIdle(thread: Thread): void {
    if (thread.jobs.length > 0) {
      thread.timer.refresh();
      return;
    }
    this.#running.delete(thread);
    void thread.worker.terminate();
  }

  #died(thread: Thread): void {
    clearTimeout(thread.timer);
    this.#running.delete(thread);
    for (const job of thread.jobs.splice(0).reverse()) {
      job.deaths++;
      if (job.deaths < maxDeaths) this.#waiting.unshift(job);
      else this.#finish(job, verifyHere(job.checks));
    }
    this.#assign();
  }

  #finish({ resolve }: Job, verdicts: readonly boolean[]): void {
    this.#underWay--;
    resolve(verdicts);
    if (this.#underWay === 0) this.#drained?.();
  }
}

function verifyHere(checks: readonly EcdsaCheck[]): readonly boolean[] {
  return checks.map(({ signature, hash, key }) => crypto().ecdsaVerify(signature, hash, key));
}

/** A program that needs no file of its own, so that bundles of this package have it, too. */
function threadProgram(): URL {
  const module = import.meta.resolve("@fulmen/crypto-node/verifyPool");
  const program = `import { serveChecks } from ${JSON.stringify(module)};\nserveChecks();\n`;
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`);
}

/** What this process resolves modules by; nothing else of how it was started is a thread's business. */
function conditions(): string[] {
  return process.execArgv.filter((argument) => /^(-C|--conditions)=/.test(argument));
}

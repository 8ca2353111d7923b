import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { BitcoindMethod, ParamsOf, ResultOf } from "./bitcoindCalls.ts";
import type { BlockingAnswer, BlockingRequest, BlockingWorkerData, StartedNode } from "./blockingProtocol.ts";
import { RpcError } from "./rpcClient.ts";

const patienceSeconds = 120;

/**
 * A `Bitcoind` whose calls return when they are done: tests of nodes without sockets and timers are synchronous, and so
 * must be the chain under them. The node belongs to another thread; this one sleeps meanwhile.
 */
export class BlockingBitcoind {
  readonly #port: MessagePort;
  readonly #flag: Int32Array;
  readonly #remove: () => void;

  readonly #node: StartedNode;

  /**
   * Resolves when the node answers; rejects when there is none, or with what it complained about. `switches` are added
   * to its command line.
   */
  static async start(switches: readonly string[] = []): Promise<BlockingBitcoind> {
    const { port1, port2 } = new MessageChannel();
    const signal = new SharedArrayBuffer(4);
    const workerData: BlockingWorkerData = { port: port2, signal, switches };
    // It writes nothing; joining its streams with ours would leave listeners behind for every node.
    const streams = { stdout: true, stderr: true };
    const worker = new Worker(workerUrl(), { workerData, transferList: [port2], ...streams });
    // Blocking calls come later: a thread that begins may need the one that it began in.
    const [node] = (await once(worker, "message")) as [StartedNode];
    // A test that forgets to stop it does not wait for ever.
    worker.unref();
    port1.unref();
    return new BlockingBitcoind(port1, signal, node);
  }

  private constructor(port: MessagePort, signal: SharedArrayBuffer, node: StartedNode) {
    this.#port = port;
    this.#flag = new Int32Array(signal);
    // The thread does not get to it when the whole process ends.
    this.#node = node;
    this.#remove = () => remove(node);
    process.once("exit", this.#remove);
  }

  get rpcPort(): number {
    return this.#node.rpcPort;
  }

  /** Where it writes user and password for its RPC. */
  get cookieFile(): string {
    return join(this.#node.folder, "regtest", ".cookie");
  }

  /** Throws `RpcError` when Bitcoin Core refuses. */
  call<M extends BitcoindMethod>(method: M, ...params: ParamsOf<M>): ResultOf<M> {
    return this.#request({ kind: "call", method, params }) as ResultOf<M>;
  }

  /** Ends the node and removes its folder. */
  stop(): void {
    this.#request({ kind: "stop" });
    process.off("exit", this.#remove);
    this.#port.close();
  }

  #request(request: BlockingRequest): unknown {
    Atomics.store(this.#flag, 0, 0);
    this.#port.postMessage(request);
    return this.#answer();
  }

  #answer(): unknown {
    Atomics.wait(this.#flag, 0, 0, patienceSeconds * 1_000);
    const received = receiveMessageOnPort(this.#port);
    if (received === undefined) throw new Error(`bitcoind does not answer within ${patienceSeconds} s`);
    const answer = received.message as BlockingAnswer;
    if (answer.kind === "value") return answer.value;
    throw answer.code === undefined ? new Error(answer.message) : new RpcError(answer.code, answer.message);
  }
}

/** Leaves nothing of a node, which may have ended already. */
function remove({ pid, folder }: StartedNode): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
  rmSync(folder, { recursive: true, force: true });
}

/** The thread's module, beside this one: `.ts` in the sources, `.js` when built. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./blockingWorker.${extension}`, import.meta.url);
}

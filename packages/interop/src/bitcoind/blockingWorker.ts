import { parentPort, workerData } from "node:worker_threads";
import { Bitcoind } from "./bitcoind.ts";
import type { BlockingAnswer, BlockingRequest, BlockingWorkerData, StartedNode } from "./blockingProtocol.ts";
import { RpcError } from "./rpcClient.ts";

// The thread behind a `BlockingBitcoind`: it has the node, and does one request after the other.

const { port, signal, switches } = workerData as BlockingWorkerData;
const flag = new Int32Array(signal);

function answer(message: BlockingAnswer): void {
  port.postMessage(message);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

function answerError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  answer({ kind: "error", message, code: error instanceof RpcError ? error.code : undefined });
}

async function serve(bitcoind: Bitcoind, request: BlockingRequest): Promise<unknown> {
  if (request.kind === "call") return bitcoind.rpc.call(request.method, ...(request.params as readonly []));
  return bitcoind.stop();
}

const bitcoind = await Bitcoind.start(undefined, switches);
port.on("message", (request: BlockingRequest) => {
  serve(bitcoind, request).then((value) => answer({ kind: "value", value }), answerError);
});
const { pid, folder, rpcPort } = bitcoind;
parentPort?.postMessage({ pid, folder, rpcPort } satisfies StartedNode);

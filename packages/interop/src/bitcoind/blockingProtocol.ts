import type { MessagePort } from "node:worker_threads";
import type { BitcoindMethod } from "./bitcoindCalls.ts";

/** What the thread of a `BlockingBitcoind` is given. */
export interface BlockingWorkerData {
  /** Where requests come from and answers go to. */
  readonly port: MessagePort;
  /** One `Int32`, set to 1 and notified with every answer. */
  readonly signal: SharedArrayBuffer;
  /** Added to the node's command line. */
  readonly switches: readonly string[];
}

export type BlockingRequest =
  | { readonly kind: "call"; readonly method: BitcoindMethod; readonly params: readonly unknown[] }
  | { readonly kind: "stop" };

/** What the thread posts to its parent when the node answers. */
export interface StartedNode {
  readonly pid: number;
  readonly folder: string;
  readonly rpcPort: number;
}

export type BlockingAnswer =
  | { readonly kind: "value"; readonly value: unknown }
  /** `code` where Bitcoin Core refused. */
  | { readonly kind: "error"; readonly message: string; readonly code: number | undefined };

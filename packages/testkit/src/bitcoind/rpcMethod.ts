import type { FeeratePerKw } from "@fulmen/lightning/util";
import type { Json } from "../electrum/json.ts";
import type { BlockView } from "./blockView.ts";
import type { ServedChain } from "./servedChain.ts";

export interface BitcoindServerOptions {
  /** `user:password` that clients must know; `fulmen:secret` when not given. */
  readonly credentials?: string;
  /** Whether blocks are served under `/rest`; they are not when not given. */
  readonly hasRest?: boolean;
  /** The answer to `estimatesmartfee`; none, as on a young node, when not given. */
  readonly feerate?: (blocks: number) => FeeratePerKw | undefined;
  /** Methods that this version does not have. */
  readonly without?: readonly string[];
  /** Answers as versions before 28 do: errors have the HTTP status 500. */
  readonly isOld?: boolean;
  /** What `getblockchaininfo` calls the network; `regtest` when not given. */
  readonly networkName?: string;
  /** Whether it says that it is still far behind. */
  readonly isInitialDownload?: boolean;
  /** Blocks below this height are pruned. */
  readonly pruneHeight?: number;
  /** Whether it knows nothing of branches that the chain left, as a node that started anew. */
  readonly forgetsBranches?: boolean;
  /** Whether a peer has the pruned blocks. */
  readonly hasArchivePeer?: boolean;
}

/** What methods answer from. */
export interface RpcContext {
  readonly chain: ServedChain;
  readonly view: BlockView;
  readonly options: BitcoindServerOptions;
  /** Pruned blocks that came back from a peer. */
  readonly fetched: Set<string>;
  /** Resolves at the next `update`, after so many milliseconds (0 for never), or when nobody waits any more. */
  changed(milliseconds: number, signal: AbortSignal): Promise<"changed" | "timeout">;
}

/** Parameters in their order. */
export type RpcMethod = (
  context: RpcContext,
  params: readonly (Json | undefined)[],
  signal: AbortSignal,
) => Json | Promise<Json>;

/** An error of Bitcoin Core's `RPCErrorCode`; what a method throws. */
export class RpcFailure extends Error {
  override readonly name = "RpcFailure";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const rpcCodes = {
  misc: -1,
  type: -3,
  invalidAddressOrKey: -5,
  invalidParameter: -8,
  deserialization: -22,
  verify: -25,
  verifyRejected: -26,
  alreadyInUtxoSet: -27,
  inWarmup: -28,
  methodNotFound: -32_601,
  parse: -32_700,
} as const;

export function text(value: Json | undefined): string {
  if (typeof value === "string") return value;
  throw new RpcFailure(rpcCodes.type, "JSON value of type other than string is not of expected type string");
}

export function integer(value: Json | undefined): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new RpcFailure(rpcCodes.type, "JSON value is not of expected type number");
}

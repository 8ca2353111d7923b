import { encodeHeader } from "@fulmen/bitcoin/block";
import { type BlockHash, toHex } from "@fulmen/bitcoin/primitives";
import { txid } from "@fulmen/bitcoin/transaction";
import type { Json } from "../electrum/json.ts";
import type { ViewedBlock } from "./blockView.ts";
import { integer, type RpcContext, RpcFailure, type RpcMethod, rpcCodes, text } from "./rpcMethod.ts";

/** What Bitcoin Core says of blocks. */
export const blockMethods: Readonly<Record<string, RpcMethod>> = {
  getbestblockhash: ({ view }) => view.tip.hash,

  getblockhash: ({ view }, [height]) => {
    const block = view.at(integer(height));
    if (block === undefined) throw new RpcFailure(rpcCodes.invalidParameter, "Block height out of range");
    return block.hash;
  },

  getblockheader: (context, [hash, verbose = true]) => {
    const found = blockOf(context, text(hash));
    const { header } = found.block;
    if (verbose === false) return toHex(encodeHeader(header));
    const { view } = context;
    return {
      hash: found.hash,
      confirmations: view.isActive(found) ? view.height - found.height + 1 : -1,
      height: found.height,
      version: header.version,
      merkleroot: header.merkleRoot,
      time: header.time,
      nonce: header.nonce,
      bits: header.bits.toString(16).padStart(8, "0"),
      ...(found.height > 0 && { previousblockhash: header.previous }),
    };
  },

  getblock: (context, [hash, verbosity = 1]) => {
    const found = availableBlock(context, text(hash));
    if (verbosity === 0) return hexOf(context.view.bytes(found));
    return { hash: found.hash, height: found.height, tx: found.block.transactions.map(txid) };
  },

  waitfornewblock: async (context, [timeout = 0, known], signal) => {
    const from = known === undefined ? context.view.tip.hash : (text(known) as BlockHash);
    await waitUntil(context, integer(timeout), signal, () => context.view.tip.hash !== from);
    return tipFact(context);
  },

  waitforblockheight: async (context, [height, timeout = 0], signal) => {
    const wanted = integer(height);
    await waitUntil(context, integer(timeout), signal, () => context.view.height >= wanted);
    return tipFact(context);
  },

  getpeerinfo: ({ options }) =>
    options.hasArchivePeer === true ? [{ id: 7, servicesnames: ["NETWORK", "WITNESS"] }] : [],

  getblockfrompeer: (context, [hash, peer]) => {
    if (integer(peer) !== 7 || context.options.hasArchivePeer !== true)
      throw new RpcFailure(rpcCodes.misc, "Peer does not exist");
    const found = blockOf(context, text(hash));
    if (!isPruned(context, found)) throw new RpcFailure(rpcCodes.misc, "Block already downloaded");
    // It arrives a little later.
    void context.changed(50, new AbortController().signal).then(() => context.fetched.add(found.hash));
    return {};
  },
};

/** Throws what Bitcoin Core does for a block that it does not have. */
export function availableBlock(context: RpcContext, hash: string): ViewedBlock {
  const found = blockOf(context, hash);
  if (isPruned(context, found)) throw new RpcFailure(rpcCodes.misc, "Block not available (pruned data)");
  return found;
}

function isPruned({ options, fetched }: RpcContext, { hash, height }: ViewedBlock): boolean {
  return height < (options.pruneHeight ?? 0) && !fetched.has(hash);
}

function blockOf({ view, options }: RpcContext, hash: string): ViewedBlock {
  const found = view.find(hash);
  if (found === undefined || (options.forgetsBranches === true && !view.isActive(found)))
    throw new RpcFailure(rpcCodes.invalidAddressOrKey, "Block not found");
  return found;
}

/** Of megabytes, which Node has a faster way for. */
function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

async function waitUntil(
  context: RpcContext,
  milliseconds: number,
  signal: AbortSignal,
  isDone: () => boolean,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!isDone() && !signal.aborted) {
    const left = milliseconds === 0 ? 0 : Math.max(1, deadline - performance.now());
    if ((await context.changed(left, signal)) === "timeout") return;
  }
}

function tipFact({ view }: RpcContext): Json {
  return { hash: view.tip.hash, height: view.height };
}

import type { RpcMethod } from "./rpcMethod.ts";

/** What Bitcoin Core says of itself. */
export const nodeMethods: Readonly<Record<string, RpcMethod>> = {
  getblockchaininfo: ({ view, options }) => ({
    chain: options.networkName ?? "regtest",
    blocks: view.height,
    headers: options.isInitialDownload === true ? view.height * 10 : view.height,
    bestblockhash: view.tip.hash,
    time: view.tip.block.header.time,
    verificationprogress: options.isInitialDownload === true ? 0.1 : 1,
    initialblockdownload: options.isInitialDownload ?? false,
    pruned: options.pruneHeight !== undefined,
    ...(options.pruneHeight !== undefined && { pruneheight: options.pruneHeight }),
  }),

  getnetworkinfo: ({ options }) => ({
    version: options.isOld === true ? 240_000 : 300_000,
    subversion: options.isOld === true ? "/Satoshi:24.0.0/" : "/Satoshi:30.0.0/",
  }),
};

export { Bitcoind } from "./bitcoind.ts";
export { createFundedBitcoindChain } from "./fundedBitcoindChain.ts";
export { RpcError } from "./rpcClient.ts";

export { Bitcoind } from "./bitcoind.ts";
export { BitcoindChain } from "./bitcoindChain.ts";
export { BlockingBitcoind } from "./blockingBitcoind.ts";
export { createFundedBitcoindChain } from "./fundedBitcoindChain.ts";
export { RpcError } from "./rpcClient.ts";

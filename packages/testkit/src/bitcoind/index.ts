export { BitcoindServer } from "./bitcoindServer.ts";
export type { BitcoindServerOptions } from "./rpcMethod.ts";
export type { ServedChain } from "./servedChain.ts";

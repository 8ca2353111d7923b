export { ChainFollowing, chainClients } from "./followChain.ts";
export { silentChain } from "./silentChain.ts";
export { sourcesOf } from "./sourceOf.ts";

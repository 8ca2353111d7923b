export { ChainFollowing, chainClients } from "./followChain.ts";
export { chainSourceOf } from "./sourceOf.ts";

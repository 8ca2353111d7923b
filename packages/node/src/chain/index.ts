export { chainGaps } from "./chainGaps.ts";
export { ChainFollowing, chainClients } from "./followChain.ts";
export { type ChainLook, lookAtChains } from "./lookAtChain.ts";
export { silentChain } from "./silentChain.ts";
export { sourcesOf } from "./sourceOf.ts";

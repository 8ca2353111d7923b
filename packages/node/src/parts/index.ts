export { liveChannels, phaseOf } from "./channelPhase.ts";
export type { NodeParts, StoredParts } from "./nodeParts.ts";

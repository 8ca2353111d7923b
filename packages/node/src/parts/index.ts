export { liveChannels, phaseOf } from "./channelPhase.ts";
export type { FurtherSource, NodeParts, StoredParts } from "./nodeParts.ts";

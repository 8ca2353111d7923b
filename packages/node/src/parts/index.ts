export { isClosing, isStateLost, liveChannels, phaseOf } from "./channelPhase.ts";
export type { NodeParts, SingleSource, StoredParts } from "./nodeParts.ts";

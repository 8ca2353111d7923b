import type { Channel } from "./types.ts";

/** Parts of a channel's bar in percent of its capacity: together 100. */
export interface ChannelBar {
  readonly local: number;
  /** What is under way. */
  readonly pending: number;
  readonly remote: number;
}

/** How a channel's capacity is shared out now. */
export function channelBar({
  capacitySat,
  localMsat,
  remoteMsat,
}: Pick<Channel, "capacitySat" | "localMsat" | "remoteMsat">): ChannelBar {
  const capacity = BigInt(capacitySat) * 1000n;
  if (capacity <= 0n) return { local: 0, pending: 0, remote: 0 };
  const percent = (value: bigint): number =>
    Math.min(100, Math.max(0, Number((value * 1000n) / capacity) / 10));
  const local = percent(BigInt(localMsat));
  // What rounds off is nobody's: it is not shown as being under way.
  const pending = percent(capacity - BigInt(localMsat) - BigInt(remoteMsat));
  return { local, pending, remote: Math.max(0, Math.round((100 - local - pending) * 10) / 10) };
}

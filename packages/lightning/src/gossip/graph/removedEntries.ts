import type { BlockHeight, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";

/** Seconds for which what was removed cannot come back. @ldk REMOVED_ENTRIES_TRACKING_AGE_LIMIT_SECS */
const trackingTime = 7 * 24 * 3600;
/** Entries of each kind, beyond which the oldest are forgotten: more channels than that close in no week. */
const maxTracked = 100_000;

/**
 * Channels that closed and nodes that failed for good, with the times. Peers who have not heard of it go on telling us
 * of them.
 */
export class RemovedEntries {
  /** In the order in which they were removed. */
  readonly channels: Map<ShortChannelId, UnixSeconds> = new Map();
  readonly nodes: Map<NodeId, UnixSeconds> = new Map();
  /** Channels that are still there, with the heights at which their funding outputs were spent. */
  readonly spent: Map<ShortChannelId, BlockHeight> = new Map();

  addChannel(id: ShortChannelId, now: UnixSeconds): void {
    track(this.channels, id, now);
  }

  addNode(id: NodeId, now: UnixSeconds): void {
    track(this.nodes, id, now);
  }

  /** Forgets what was removed a week ago. */
  expire(now: UnixSeconds): void {
    for (const [id, at] of this.channels) if (now - at >= trackingTime) this.channels.delete(id);
    for (const [id, at] of this.nodes) if (now - at >= trackingTime) this.nodes.delete(id);
  }
}

function track<K>(map: Map<K, UnixSeconds>, key: K, now: UnixSeconds): void {
  map.delete(key);
  map.set(key, now);
  if (map.size <= maxTracked) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

import type { UnixSeconds } from "../../util/ids.ts";
import type { ChannelUpdate, NodeAnnouncement } from "../../wire/index.ts";

/** Messages that may follow each other closely; so does who opens a channel or is looking for its terms. */
const burst = 10;
/** Seconds after which one more is taken in: an honest node says something new a few times in a day. */
const secondsEach = 60;

interface Bucket {
  /** Below `burst`. */
  readonly left: number;
  readonly at: UnixSeconds;
}

/**
 * How often each side of a channel, and each node, may change its word. Only what was signed by it counts, or others
 * could use up its share. Keeps who spoke in the last minutes: fewer than there are channels and nodes in the graph.
 */
export class GossipRates {
  readonly #buckets = new Map<string, Bucket>();

  /** Whether the sender of such a message has said too much already; it need not be verified then. */
  isExceeded(message: ChannelUpdate | NodeAnnouncement, now: UnixSeconds): boolean {
    return this.#left(speakerOf(message), now) < 1;
  }

  /** Such a message was verified and is new. */
  count(message: ChannelUpdate | NodeAnnouncement, now: UnixSeconds): void {
    const speaker = speakerOf(message);
    this.#buckets.set(speaker, { left: this.#left(speaker, now) - 1, at: now });
  }

  /** Forgets who has not spoken for a while. */
  tick(now: UnixSeconds): void {
    for (const speaker of this.#buckets.keys()) {
      if (this.#left(speaker, now) >= burst) this.#buckets.delete(speaker);
    }
  }

  #left(speaker: string, now: UnixSeconds): number {
    const bucket = this.#buckets.get(speaker);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + (now - bucket.at) / secondsEach);
  }
}

/** Whose word a message is: a node's, or that of one side of a channel. */
export function speakerOf(message: ChannelUpdate | NodeAnnouncement): string {
  if (message.type === "node_announcement") return message.nodeId;
  return `${message.shortChannelId} ${message.channelFlags & 1}`;
}

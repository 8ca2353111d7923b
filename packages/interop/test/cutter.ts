import type { ChannelMessage, ChannelMessageHandler, MessageSendEvent } from "@fulmen/lightning/handlers";
import type { PeerManager } from "@fulmen/lightning/peer";
import type { NodeId } from "@fulmen/lightning/util";

type MessageType = ChannelMessage["type"];

/** Before or after the message of one direction, seen from us, that comes after `index` others of those that count. */
export interface CutPoint {
  readonly direction: "in" | "out";
  readonly index: number;
  readonly when: "before" | "after";
}

/** The messages that move HTLCs. */
const danceMessages: ReadonlySet<MessageType> = new Set<MessageType>([
  "update_add_htlc",
  "update_fulfill_htlc",
  "update_fail_htlc",
  "update_fail_malformed_htlc",
  "update_fee",
  "commitment_signed",
  "revoke_and_ack",
]);

/** The messages of an opening. */
export const openingMessages: ReadonlySet<MessageType> = new Set<MessageType>([
  "open_channel",
  "accept_channel",
  "funding_created",
  "funding_signed",
  "channel_ready",
]);

/** The messages of a close in agreement. */
export const closingMessages: ReadonlySet<MessageType> = new Set<MessageType>(["shutdown", "closing_signed"]);

/** And those that bring two sides in step again. */
const allMessages: ReadonlySet<MessageType> = new Set<MessageType>([
  ...danceMessages,
  "channel_reestablish",
  "channel_ready",
]);

/**
 * Stands between our connections and our manager, and ends the connection at a chosen message. What was sent before
 * still reaches the peer; a message that is cut before does not, and none after it.
 */
export class Cutter {
  #points: readonly CutPoint[] = [];
  #counts = { in: 0, out: 0 };
  #counted: ReadonlySet<MessageType> = danceMessages;
  #cutAt: MessageType[] = [];
  #held: (() => void)[] | undefined;

  /** Cuts at each of these in turn. Counts the given messages from here on, and all of them from the first cut on. */
  arm(points: readonly CutPoint[], counted: ReadonlySet<MessageType> = danceMessages): void {
    this.#points = points;
    this.#counted = counted;
    this.#counts = { in: 0, out: 0 };
    this.#cutAt = [];
  }

  disarm(): void {
    this.#points = [];
  }

  /** The messages at which the connection was cut since `arm`. */
  get cutAt(): readonly MessageType[] {
    return this.#cutAt;
  }

  /** From here on what comes in waits, so that both sides' messages cross. */
  hold(): void {
    this.#held = [];
  }

  /** What has waited comes in, unless its connection is over. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const come of held) come();
  }

  /** For `OurNodeOptions.tap`. */
  readonly tap = (handler: ChannelMessageHandler, peers: () => PeerManager): ChannelMessageHandler => ({
    handleMessage: (nodeId, message) => {
      const epoch = peers().peer(nodeId)?.epoch;
      const come = (): void => {
        if (peers().peer(nodeId)?.epoch !== epoch) return;
        const when = this.#take("in", message.type);
        if (when !== "before") handler.handleMessage(nodeId, message);
        if (when !== undefined) peers().disconnect(nodeId);
      };
      if (this.#held === undefined) come();
      else this.#held.push(come);
    },
    takeMessageSendEvents: () => this.#sent(handler.takeMessageSendEvents()),
    peerConnected: (nodeId, connection) => handler.peerConnected(nodeId, connection),
    peerDisconnected: (nodeId) => handler.peerDisconnected(nodeId),
    providedInitFeatures: () => handler.providedInitFeatures(),
    wantsToPause: (nodeId) => handler.wantsToPause(nodeId),
    hasChannelWith: (nodeId) => handler.hasChannelWith(nodeId),
  });

  #sent(events: readonly MessageSendEvent[]): readonly MessageSendEvent[] {
    const passed: MessageSendEvent[] = [];
    let lost: NodeId | undefined;
    for (const event of events) {
      if (event.kind !== "broadcast" && event.nodeId === lost) continue;
      const when =
        event.kind === "send-message" ? this.#take("out", event.message.type as MessageType) : undefined;
      if (when !== "before") passed.push(event);
      if (when === undefined || event.kind === "broadcast") continue;
      lost = event.nodeId;
      passed.push({ kind: "handle-error", nodeId: lost, action: { kind: "disconnect" } });
    }
    return passed;
  }

  /** Counts a message; `before` or `after` when it is the one to cut at. */
  #take(direction: CutPoint["direction"], type: MessageType): CutPoint["when"] | undefined {
    if (!this.#counted.has(type)) return undefined;
    const index = this.#counts[direction]++;
    const [point, ...later] = this.#points;
    if (point?.direction !== direction || point.index !== index) return undefined;
    this.#points = later;
    this.#counted = allMessages;
    this.#counts = { in: 0, out: 0 };
    this.#cutAt.push(type);
    return point.when;
  }
}

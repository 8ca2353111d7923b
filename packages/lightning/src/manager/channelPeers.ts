import type { ChannelId, NodeId } from "../util/ids.ts";
import type { Features } from "../wire/index.ts";

/** A peer that is connected. */
export interface ConnectedPeer {
  /** Rises with every connection of any peer. */
  readonly epoch: number;
  readonly features: Features;
}

/** Who is connected, and who has which channels. */
export class ChannelPeers {
  readonly #connected = new Map<NodeId, ConnectedPeer>();
  readonly #channels = new Map<NodeId, Set<ChannelId>>();
  /** Peers with channels that were connected once since the start and went away. */
  readonly #left = new Set<NodeId>();

  /** The peer's connection; `undefined` when there is none. */
  connection(nodeId: NodeId): ConnectedPeer | undefined {
    return this.#connected.get(nodeId);
  }

  channelsOf(nodeId: NodeId): readonly ChannelId[] {
    return [...(this.#channels.get(nodeId) ?? [])];
  }

  /** Whether a peer with a channel has been connected since the start, and has gone away. */
  hasLeft(nodeId: NodeId): boolean {
    return this.#left.has(nodeId);
  }

  /** Everyone with whom there is a channel, connected or not. */
  counterparties(): readonly NodeId[] {
    return [...this.#channels.keys()];
  }

  connected(nodeId: NodeId, peer: ConnectedPeer): void {
    this.#connected.set(nodeId, peer);
  }

  /** Whether the peer was connected. */
  disconnected(nodeId: NodeId): boolean {
    return this.#connected.delete(nodeId);
  }

  /** A peer has gone away, and its channels know. Strangers come by the thousands, and leave nothing. */
  left(nodeId: NodeId): void {
    if (this.#channels.has(nodeId)) this.#left.add(nodeId);
  }

  addChannel(nodeId: NodeId, channelId: ChannelId): void {
    const ids = this.#channels.get(nodeId);
    if (ids === undefined) this.#channels.set(nodeId, new Set([channelId]));
    else ids.add(channelId);
  }

  /** The channel has another id. */
  renameChannel(nodeId: NodeId, from: ChannelId, to: ChannelId): void {
    this.#channels.get(nodeId)?.delete(from);
    this.addChannel(nodeId, to);
  }

  forgetChannel(nodeId: NodeId, channelId: ChannelId): void {
    const ids = this.#channels.get(nodeId);
    ids?.delete(channelId);
    if (ids?.size !== 0) return;
    this.#channels.delete(nodeId);
    this.#left.delete(nodeId);
  }
}

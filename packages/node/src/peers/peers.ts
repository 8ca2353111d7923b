import type { NodeId } from "@fulmen/lightning/util";
import type { PeerAddress } from "@fulmen/net";
import type { PeerView } from "../api/channels.ts";
import { NodeError } from "../api/nodeError.ts";
import { peerPrefix } from "../journal/index.ts";
import { type NodeParts, phaseOf } from "../parts/index.ts";
import { formatAddress, parsePeer } from "./addresses.ts";
import { dial, unreachable } from "./dial.ts";

/** Peers that the node keeps being connected to, and their addresses, over restarts. */
export class Peers {
  readonly #parts: NodeParts;
  readonly #kept = new Map<NodeId, PeerAddress>();

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  /** Connects to all that were kept when the node stopped. */
  async start(): Promise<void> {
    const { journal, reconnector } = this.#parts;
    for await (const address of journal.all<PeerAddress>(peerPrefix)) {
      this.#kept.set(address.nodeId, address);
      reconnector.add(address);
    }
  }

  /**
   * Connects, and keeps the connection. Of a peer that is connected already nobody knows whether it answers at the
   * address that is given: it is kept only where none is known, and never takes the place of one that worked.
   */
  async connect(text: string): Promise<NodeId> {
    const { nodeId, address: given } = parsePeer(text);
    const kept = this.#kept.get(nodeId);
    const address = given ?? kept;
    const { peerManager } = this.#parts;
    const wasConnected = peerManager.peer(nodeId) !== undefined;
    if (!wasConnected) {
      if (address === undefined) {
        throw unreachable(`no address of ${nodeId} is known`, "give nodeid@host:port");
      }
      await dial(this.#parts, address);
    }
    const isReached = !wasConnected && peerManager.peer(nodeId)?.inbound === false;
    if (address !== undefined && (isReached || kept === undefined)) await this.#keep(address);
    return nodeId;
  }

  async #keep(address: PeerAddress): Promise<void> {
    const { journal, reconnector } = this.#parts;
    const { nodeId } = address;
    this.#kept.set(nodeId, address);
    reconnector.add(address);
    await journal.call((transaction) => transaction.put(`${peerPrefix}${nodeId}`, address));
  }

  async disconnect(nodeId: NodeId): Promise<void> {
    const { peerManager, journal, reconnector, transport } = this.#parts;
    const isKnown = this.#kept.delete(nodeId) || peerManager.peer(nodeId) !== undefined;
    if (!isKnown) {
      const remedy = "list the peers, and use the id of one of them";
      throw new NodeError("unknown-peer", `${nodeId} is no peer of this node`, { remedy });
    }
    reconnector.remove(nodeId);
    peerManager.disconnect(nodeId);
    transport.flush();
    await journal.call((transaction) => transaction.put(`${peerPrefix}${nodeId}`, undefined));
  }

  /** `host:port` where the node looks for a peer. */
  addressesOf(nodeId: NodeId): readonly string[] {
    const address = this.#kept.get(nodeId);
    return address === undefined ? [] : [formatAddress(address)];
  }

  views(): readonly PeerView[] {
    const { peerManager, manager, transport } = this.#parts;
    const connected = peerManager.listPeers();
    const ids = new Set([...connected.map(({ nodeId }) => nodeId), ...this.#kept.keys()]);
    const channels = manager.listChannels().filter((one) => phaseOf(one) !== "closed");
    return [...ids].map((nodeId) => {
      const peer = connected.find((one) => one.nodeId === nodeId);
      const kept = this.#kept.get(nodeId);
      const address = kept ?? (peer?.inbound === true ? transport.remoteOf(peer.connectionId) : undefined);
      return {
        nodeId,
        isConnected: peer !== undefined,
        ...(address && { address: formatAddress(address) }),
        ...(peer && { isInbound: peer.inbound }),
        channels: channels.filter(({ counterparty }) => counterparty === nodeId).length,
        isKept: kept !== undefined,
      };
    });
  }
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { PeerManager, type PeerManagerOptions } from "@fulmen/lightning/peer";
import type { NodeId } from "@fulmen/lightning/util";
import { ChannelRecorder, features, signer } from "../../peer/nodes.ts";
import { chainHash, now } from "../signedGossip.ts";

/** A node that does nothing but gossip. */
export class Gossiper {
  readonly nodeId: NodeId;
  readonly graph = new NetworkGraph({ chainHash });
  readonly sync = new P2PGossipSync({ graph: this.graph, now, flushInterval: 0 });
  readonly manager: PeerManager;

  constructor(seed: number, options: Pick<PeerManagerOptions, "limits"> = {}) {
    const nodeSigner = signer(seed);
    const channel = new ChannelRecorder();
    channel.features = features.set("gossip_queries", undefined);
    this.nodeId = nodeSigner.nodeId;
    this.manager = new PeerManager({
      ...options,
      nodeSigner,
      handlers: { channel, routing: this.sync },
      chainHash,
      logger: { log: () => {} },
    });
  }
}

/** A connection between two of them, over which nothing goes by itself. */
export class Wire {
  readonly #from: Gossiper;
  readonly #to: Gossiper;
  readonly #id: string;

  constructor(from: Gossiper, to: Gossiper) {
    this.#from = from;
    this.#to = to;
    this.#id = `${from.nodeId} ${to.nodeId}`;
    const key = (side: string) => crypto().sha256(Buffer.from(side + this.#id));
    const [connectionId, nodeId] = [this.#id, to.nodeId];
    from.manager.newOutboundConnection({ nodeId, connectionId, ephemeralKey: key("from") });
    to.manager.newInboundConnection({ connectionId, ephemeralKey: key("to") });
  }

  /** Carries what there is, back only when `from` reads; gives the number of bytes. */
  carry({ fromReads = true } = {}): number {
    this.#from.manager.processEvents();
    const there = this.#deliver(this.#from, this.#to);
    this.#to.manager.processEvents();
    return there + (fromReads ? this.back() : 0);
  }

  /** Carries what waits for `from`; gives the number of bytes. */
  back(): number {
    return this.#deliver(this.#to, this.#from);
  }

  #deliver(source: Gossiper, target: Gossiper): number {
    const bytes = source.manager.takeOutgoing(this.#id);
    target.manager.readBytes(this.#id, bytes);
    return bytes.length;
  }
}

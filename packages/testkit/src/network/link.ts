import type { ConnectionId } from "@fulmen/lightning/peer";
import type { TestNode } from "../node/index.ts";

/** One way of a link. `chunks` are bytes that have left `from` and not reached `to`. */
export interface Wire {
  readonly from: TestNode;
  readonly to: TestNode;
  readonly chunks: Uint8Array[];
  /** Pieces of bytes that have left `from`, in all its connections here. */
  sent: number;
  /** `to` does not read for now. */
  paused: boolean;
  /** `from` has said its last. */
  closing: boolean;
}

/**
 * What joins two nodes: real handshake, encryption and messages over a pair of queues. A piece of bytes is as a rule
 * one message.
 */
export class TestLink {
  readonly a: TestNode;
  readonly b: TestNode;
  readonly wires: readonly [Wire, Wire];
  /** Absent while the nodes are not connected. */
  connectionId: ConnectionId | undefined;
  /** Whether the network connects the nodes again when the connection is lost. */
  reconnects = true;

  constructor(a: TestNode, b: TestNode) {
    this.a = a;
    this.b = b;
    this.wires = [wire(a, b), wire(b, a)];
  }

  joins(node: TestNode): boolean {
    return node === this.a || node === this.b;
  }

  /** `connectionId` must be new to both nodes. */
  connect(connectionId: ConnectionId): void {
    this.connectionId = connectionId;
    for (const one of this.wires) {
      one.chunks.length = 0;
      one.paused = false;
      one.closing = false;
    }
    const { a, b } = this;
    const outbound = { connectionId, nodeId: b.nodeId, ephemeralKey: a.entropy.randomBytes(32) };
    const started = a.peers.newOutboundConnection(outbound);
    if (!started.ok) throw new Error(`cannot connect: ${started.error.kind}`);
    b.peers.newInboundConnection({ connectionId, ephemeralKey: b.entropy.randomBytes(32) });
    this.flush();
  }

  /** Takes what the nodes want to write. */
  flush(): void {
    const { connectionId } = this;
    if (connectionId === undefined) return;
    for (const wire of this.wires) {
      const { from, chunks } = wire;
      from.peers.processEvents();
      for (;;) {
        const bytes = from.peers.takeOutgoing(connectionId);
        if (bytes.length === 0) break;
        chunks.push(bytes);
        wire.sent++;
      }
    }
  }

  /** Brings the next bytes to their receiver; `false` when there are none, or it does not read. */
  deliver(wire: Wire): boolean {
    const { connectionId } = this;
    if (connectionId === undefined || wire.paused) return false;
    const bytes = wire.chunks.shift();
    if (bytes === undefined) return false;
    wire.to.peers.readBytes(connectionId, bytes);
    return true;
  }

  /** Both nodes lose the connection; what is on its way is lost. */
  cut(): void {
    const { connectionId } = this;
    if (connectionId === undefined) return;
    this.connectionId = undefined;
    this.a.peers.connectionLost(connectionId);
    this.b.peers.connectionLost(connectionId);
  }
}

function wire(from: TestNode, to: TestNode): Wire {
  return { from, to, chunks: [], sent: 0, paused: false, closing: false };
}

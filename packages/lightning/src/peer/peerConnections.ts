import type { NodeId } from "../util/ids.ts";
import type { Result } from "../util/result.ts";

/** Names a connection for the transport that made it and for the `PeerManager`; never used twice. */
export type ConnectionId = string;

/** What a transport needs to know about a connection, as it is now. */
export interface ConnectionChange {
  readonly connectionId: ConnectionId;
  /** Nothing more shall be read for now. */
  readonly readsPaused: boolean;
  /** The connection is over: once `takeOutgoing` has nothing more, it shall be closed. */
  readonly closing: boolean;
}

/** A connection that stands but has not carried a byte yet. */
export interface InboundConnection {
  readonly connectionId: ConnectionId;
  /** A private key for the handshake: 32 random bytes that are used for nothing else. */
  readonly ephemeralKey: Uint8Array;
}

export interface OutboundConnection extends InboundConnection {
  readonly nodeId: NodeId;
}

/** A node that cannot be connected to. */
export interface ConnectRefusal {
  readonly kind: "not-a-node-id" | "own-node-id";
}

/**
 * What a transport drives: plain data both ways, so that any network fits, and a proxy in between. After calls that
 * may have caused something, `takeConnectionChanges` tells which connections to look at.
 */
export interface PeerConnections {
  /** A connection to a node stands; act one of the handshake waits in `takeOutgoing`. */
  newOutboundConnection(connection: OutboundConnection): Result<undefined, ConnectRefusal>;
  /** Somebody connected to us. */
  newInboundConnection(connection: InboundConnection): void;
  /**
   * Bytes from the network, in pieces of any size; they are not kept. Never throws on account of what they are. After
   * `pause`, no more is to be read until `takeConnectionChanges` says so.
   */
  readBytes(connectionId: ConnectionId, bytes: Uint8Array): "continue" | "pause";
  /**
   * The next bytes to write, about 64 KiB at most; none when nothing waits. To be called only while the transport has
   * room for them: what is not taken costs the peer, not us. Taken bytes must be written, in order.
   */
  takeOutgoing(connectionId: ConnectionId): Uint8Array;
  /** The transport has closed the connection or lost it. Must be called once for every connection. */
  connectionLost(connectionId: ConnectionId): void;
  /** Connections that have bytes to take, or whose state has changed, since the last call. */
  takeConnectionChanges(): readonly ConnectionChange[];
  /** Carries out what the message handlers want. */
  processEvents(): void;
}

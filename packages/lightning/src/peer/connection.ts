import type { NoiseConnection } from "../noise/index.ts";
import type { NodeId } from "../util/ids.ts";
import type { Features, Init } from "../wire/index.ts";
import { OutgoingQueue } from "./outgoingQueue.ts";
import type { ConnectionId } from "./peerConnections.ts";

/** How far a connection has come. */
export type Phase =
  | { readonly kind: "handshake" }
  /** The peer has proved who it is; our `init` is on its way, and the peer's must be its first message. */
  | { readonly kind: "awaits-init"; readonly nodeId: NodeId; readonly ours: Features }
  | { readonly kind: "open"; readonly nodeId: NodeId; readonly epoch: number; readonly init: Init }
  /** What is queued may still leave, nothing is read any more. Handlers have been told. */
  | { readonly kind: "closing" };

/** One connection's state, inside the `PeerManager`. */
export class Connection {
  readonly id: ConnectionId;
  readonly inbound: boolean;
  readonly noise: NoiseConnection;
  readonly queue: OutgoingQueue = new OutgoingQueue();
  phase: Phase = { kind: "handshake" };
  /** Ticks seen in the handshake and `init`, then ticks seen while open. */
  ticks = 0;
  /** Ticks since our ping went unanswered; 0 when none is out. */
  pingTicks = 0;
  /** Whether bytes moved, in either direction, since the last tick. */
  progressed = false;
  readsPaused = false;
  /** Pongs queued since the queue was last empty. */
  pongsQueued = 0;

  constructor(id: ConnectionId, inbound: boolean, noise: NoiseConnection) {
    this.id = id;
    this.inbound = inbound;
    this.noise = noise;
  }

  get isClosing(): boolean {
    return this.phase.kind === "closing";
  }
}

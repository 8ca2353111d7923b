import type { NodeId, Result } from "@fulmen/lightning/util";
import type { DialFailure, Dialled, PeerAddress } from "./tcpTransport.ts";

export interface ReconnectorOptions {
  /** `TcpTransport.connect`. */
  readonly connect: (address: PeerAddress) => Promise<Result<Dialled, DialFailure>>;
  /** Whether the node is a peer already, by whichever connection: `PeerManager.peer` knows. */
  readonly isConnected: (nodeId: NodeId) => boolean;
  /** The first delay, in milliseconds; it doubles with each attempt that leads to nothing. Default 1 s. */
  readonly minDelay?: number;
  /** Default 5 minutes. */
  readonly maxDelay?: number;
  /** A connection that lasts as long ends the doubling, in milliseconds. Default 1 minute. */
  readonly goodConnection?: number;
  /** Calls `action` after `delay` milliseconds unless the function that it gives is called before. */
  readonly schedule?: (action: () => void, delay: number) => () => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** 0 up to 1; spreads attempts, so that two nodes that lost each other do not always meet halfway. */
  readonly random?: () => number;
}

interface Wanted {
  address: PeerAddress;
  /** Attempts that led to nothing since the last good connection. */
  failures: number;
  cancel: (() => void) | undefined;
}

/** Keeps connections to chosen nodes: connects anew when one is lost, more and more slowly while that fails. */
export class Reconnector {
  readonly #connect: ReconnectorOptions["connect"];
  readonly #isConnected: ReconnectorOptions["isConnected"];
  readonly #minDelay: number;
  readonly #maxDelay: number;
  readonly #goodConnection: number;
  readonly #schedule: NonNullable<ReconnectorOptions["schedule"]>;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #wanted = new Map<NodeId, Wanted>();

  constructor(options: ReconnectorOptions) {
    this.#connect = options.connect;
    this.#isConnected = options.isConnected;
    this.#minDelay = options.minDelay ?? 1_000;
    this.#maxDelay = options.maxDelay ?? 300_000;
    this.#goodConnection = options.goodConnection ?? 60_000;
    this.#schedule = options.schedule ?? scheduleByTimer;
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  /** From now on this node is to be connected; tries at once. A second call replaces the address. */
  add(address: PeerAddress): void {
    const known = this.#wanted.get(address.nodeId);
    if (known !== undefined) {
      known.address = address;
      return;
    }
    const wanted: Wanted = { address, failures: 0, cancel: undefined };
    this.#wanted.set(address.nodeId, wanted);
    void this.#attempt(wanted);
  }

  /** A connection that stands stays. */
  remove(nodeId: NodeId): void {
    this.#wanted.get(nodeId)?.cancel?.();
    this.#wanted.delete(nodeId);
  }

  /** No more attempts. */
  stop(): void {
    for (const nodeId of this.#wanted.keys()) this.remove(nodeId);
  }

  async #attempt(wanted: Wanted): Promise<void> {
    wanted.cancel = undefined;
    if (this.#isConnected(wanted.address.nodeId)) {
      wanted.failures = 0;
    } else {
      const began = this.#now();
      const dialled = await this.#connect(wanted.address);
      if (dialled.ok) await dialled.value.closed;
      const lasted = dialled.ok && this.#now() - began >= this.#goodConnection;
      wanted.failures = lasted ? 0 : wanted.failures + 1;
    }
    if (this.#wanted.get(wanted.address.nodeId) !== wanted) return;
    wanted.cancel = this.#schedule(() => void this.#attempt(wanted), this.#delay(wanted.failures));
  }

  /** Between half of and the whole doubled delay. */
  #delay(failures: number): number {
    const doubled = Math.min(this.#maxDelay, this.#minDelay * 2 ** Math.max(0, failures - 1));
    return doubled * (0.5 + this.#random() / 2);
  }
}

function scheduleByTimer(action: () => void, delay: number): () => void {
  const timer = setTimeout(action, delay);
  return () => clearTimeout(timer);
}

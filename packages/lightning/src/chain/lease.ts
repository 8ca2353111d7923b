import type { KVStore } from "./kvStore.ts";

/**
 * The right of one process, of several that could, to act as a node. It is granted for a short time and renewed again
 * and again; who cannot renew it must be still when that time is over, since another process may take it then.
 */
export interface Lease {
  /**
   * Whether this process may act now: to be asked immediately before bytes go to a socket, before a broadcast, and
   * before an event is handled. Cheap. It may become `true` again after `false`, when the store could not be reached
   * for a while and nobody has taken over.
   */
  holdsLease(): boolean;
  /** Rises with each process that takes over. */
  readonly epoch: bigint;
  /**
   * Calls `listener` once, when the lease is lost for good: nothing may be done any more. At once when it is lost
   * already.
   */
  onLost(listener: (error: Error) => void): void;
}

/** A store that several processes can reach, of which only the holder of its lease can write. */
export interface LeasedStore extends KVStore, Lease {}

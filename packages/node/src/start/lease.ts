import type { KVStore, Lease } from "@fulmen/lightning/chain";

/** Whether this process may act, where several could be the node. */
export function leaseOf(store: KVStore & Partial<Lease>): (() => boolean) | undefined {
  return store.holdsLease && (() => store.holdsLease?.() ?? true);
}

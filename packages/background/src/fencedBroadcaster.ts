import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { BroadcasterInterface, Lease, TransactionType } from "@fulmen/lightning/chain";
import type { Logger } from "@fulmen/lightning/handlers";
import { type Clock, systemClock } from "./clock.ts";

export interface FencedBroadcasterOptions {
  readonly lease: Pick<Lease, "holdsLease" | "onLost">;
  readonly logger: Logger;
  readonly clock?: Clock;
}

interface Package {
  readonly transactions: readonly Transaction[];
  readonly type: TransactionType;
}

/** Milliseconds until the lease is looked at again while something waits for it. */
const lookInterval = 100;
/**
 * Packages that wait. What is forgotten beyond comes again: all that matters is broadcast again every half a minute.
 */
const mostWaiting = 1_000;

/**
 * `broadcaster` for a process that is the node only while it has a lease: what it is given without the lease waits
 * until it has it again, and is forgotten when it is lost, since then the other process broadcasts.
 */
export function fencedBroadcaster(
  broadcaster: BroadcasterInterface,
  { lease, logger, clock = systemClock }: FencedBroadcasterOptions,
): BroadcasterInterface {
  /** By their transactions; in order. */
  const waiting = new Map<string, Package>();
  let cancelLook: (() => void) | undefined;
  let isLost = false;
  const look = (): void => {
    cancelLook = undefined;
    for (const [name, { transactions, type }] of waiting) {
      // Each may take its time.
      if (!lease.holdsLease()) break;
      waiting.delete(name);
      broadcaster.broadcastTransactions(transactions, type);
    }
    if (waiting.size > 0) cancelLook ??= clock.schedule(look, lookInterval);
  };
  lease.onLost(() => {
    isLost = true;
    waiting.clear();
    cancelLook?.();
  });
  return {
    broadcastTransactions(transactions, type) {
      if (isLost) return;
      if (waiting.size === 0 && lease.holdsLease()) {
        broadcaster.broadcastTransactions(transactions, type);
        return;
      }
      const name = transactions.map(txid).join(" ");
      if (!waiting.has(name)) {
        const text = `${type} ${name} waits until this process has the node's lease`;
        logger.log({ level: "warn", module: "background", text });
      }
      waiting.delete(name);
      waiting.set(name, { transactions, type });
      for (const oldest of waiting.keys()) {
        if (waiting.size <= mostWaiting) break;
        waiting.delete(oldest);
      }
      cancelLook ??= clock.schedule(look, lookInterval);
    },
  };
}

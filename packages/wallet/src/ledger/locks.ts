import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { ClaimId } from "@fulmen/lightning/chain";
import { type BlockHeight, type OutPoint, present } from "@fulmen/lightning/util";
import type { Place } from "./keyring.ts";

/** Who holds coins: a claim of the node's, or a reservation, which has 32 lower-case hex digits. */
export type LockId = `claim/${string}` | `reservation/${string}`;

/** The lock of a claim. */
export function claimLock(claimId: ClaimId): `claim/${string}` {
  return `claim/${claimId}`;
}

export function isClaimLock(id: LockId): id is ReturnType<typeof claimLock> {
  return id.startsWith("claim/");
}

/** Coins that are kept for one purpose. */
export interface Lock {
  readonly id: LockId;
  readonly outPoints: readonly OutPoint[];
  /** The height from which the lock no longer holds; for good when there is none. */
  readonly expiresAt?: BlockHeight;
  /** The script that change goes to, kept with the lock so that attempts do not use up one each. */
  readonly change?: Place;
  /** Whether a transaction that pays to `change` was signed and may have left. */
  readonly isSigned: boolean;
  /** Whether the transaction may be replaced by `bumpFee`. */
  readonly isReplaceable: boolean;
}

/** All locks. A coin is in one at most. */
export class Locks {
  readonly #locks = new Map<LockId, Lock>();
  readonly #holders = new Map<string, LockId>();

  constructor(locks: readonly Lock[] = []) {
    for (const lock of locks) this.put(lock);
  }

  get(id: LockId): Lock | undefined {
    return this.#locks.get(id);
  }

  values(): readonly Lock[] {
    return [...this.#locks.values()];
  }

  /** Who holds a coin. */
  holder(outPoint: OutPoint): LockId | undefined {
    return this.#holders.get(outPointKey(outPoint));
  }

  /** Adds a lock or takes the place of the one with its id. */
  put(lock: Lock): void {
    this.remove(lock.id);
    this.#locks.set(lock.id, lock);
    for (const outPoint of lock.outPoints) this.#holders.set(outPointKey(outPoint), lock.id);
  }

  /** The lock that was there. */
  remove(id: LockId): Lock | undefined {
    const lock = this.#locks.get(id);
    if (lock === undefined) return undefined;
    this.#locks.delete(id);
    for (const outPoint of lock.outPoints) {
      if (this.holder(outPoint) === id) this.#holders.delete(outPointKey(outPoint));
    }
    return lock;
  }

  known(id: LockId): Lock {
    return present(this.#locks.get(id), `lock ${id}`);
  }
}

import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { ClaimId, PaidParent } from "@fulmen/lightning/chain";
import { type BlockHeight, type OutPoint, present, type Sat } from "@fulmen/lightning/util";
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

/** The transaction of a claim as it was last selected for: what another one has to outbid that takes its coins. */
export interface Bid {
  readonly fee: Sat;
  /** Weight units of the signed transaction at most. */
  readonly weight: number;
  /** Of the claim: how many the transaction has besides coins. */
  readonly inputs: number;
  /** What it pays for as well. */
  readonly parent?: PaidParent;
}

/** A coin of a claim that another claim holds now, which pays more. */
export interface Loan {
  readonly outPoint: OutPoint;
  /** What the lender's transactions that spend the coin have paid at most; later ones do not spend it. */
  readonly bid: Bid;
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
  /** Of a claim. */
  readonly bid?: Bid;
  /** They come back when whoever holds them lets them go. */
  readonly lent?: readonly Loan[];
}

/** Who has lent a coin, and what it paid with it. */
export interface Lender {
  readonly lock: Lock;
  readonly bid: Bid;
}

/** A lock that holds further coins, such as it may have lent. */
export function holding(lock: Lock, more: readonly OutPoint[]): Lock {
  const held = new Map([...lock.outPoints, ...more].map((outPoint) => [outPointKey(outPoint), outPoint]));
  const lent = (lock.lent ?? []).filter(({ outPoint }) => !held.has(outPointKey(outPoint)));
  return withLent({ ...lock, outPoints: [...held.values()] }, lent);
}

/** A lock that has lent one of its coins. */
export function lending(lock: Lock, outPoint: OutPoint): Lock {
  const bid = present(lock.bid, "bid of a claim that lends");
  return withLent(without(lock, outPoint), [...(lock.lent ?? []), { outPoint, bid }]);
}

/** A lock that has let one of its coins go. */
export function without(lock: Lock, gone: OutPoint): Lock {
  const key = outPointKey(gone);
  return { ...lock, outPoints: lock.outPoints.filter((outPoint) => outPointKey(outPoint) !== key) };
}

function withLent({ lent: _, ...lock }: Lock, lent: readonly Loan[]): Lock {
  return lent.length === 0 ? lock : { ...lock, lent };
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

  /** Of the locks that have lent a coin, the one that paid most with it. */
  lender(outPoint: OutPoint): Lender | undefined {
    const key = outPointKey(outPoint);
    let found: Lender | undefined;
    for (const lock of this.#locks.values()) {
      const loan = lock.lent?.find((each) => outPointKey(each.outPoint) === key);
      if (loan !== undefined && (found === undefined || loan.bid.fee > found.bid.fee)) {
        found = { lock, bid: loan.bid };
      }
    }
    return found;
  }

  known(id: LockId): Lock {
    return present(this.#locks.get(id), `lock ${id}`);
  }
}

import type { BlockLocator, Confirm, Listen } from "@fulmen/lightning/chain";
import type { ChainClients, ChainFollower, MempoolListener, ScriptSource } from "../chainSource.ts";
import { type Member, replaced } from "./member.ts";

/**
 * The time in which one member tells of the chain. What it tells is passed on until the turn is over, and never after:
 * it may still be at work then. To whom it tells looks new to it in each turn, so that it counts on nothing that it
 * told in an earlier one: what was told since then may have undone it.
 */
export class Turn {
  readonly member: Member;
  readonly since: number = performance.now();
  /** When somebody was told of a block, by the monotonic clock. */
  movedAt = 0;
  /** Whether a sync of this turn ended well. */
  hasServed = false;
  readonly #locate: (position: BlockLocator) => BlockLocator;
  readonly #guarded = new WeakMap<object, object>();
  /** Who waits for something in it. */
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  /** `locate` adds to a position what is known besides. */
  constructor(member: Member, locate: (position: BlockLocator) => BlockLocator) {
    this.member = member;
    this.#locate = locate;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    for (const stop of this.#waiting) stop();
  }

  /** What comes of a promise, unless the turn ends before: then it rejects. */
  within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(replaced());
      const done = (): void => void this.#waiting.delete(stop);
      this.#waiting.add(stop);
      if (this.#isOver) stop();
      void promise.then(resolve, reject).then(done);
    });
  }

  /** The same clients, as long as the turn lasts. */
  guard({ followers, mempool, scripts, paced }: ChainClients): ChainClients {
    return {
      followers: followers.map((one) => this.#once(one, () => this.#follower(one))),
      mempool: mempool.map((one) => this.#once(one, () => this.#mempool(one))),
      scripts: scripts.map((one) => this.#once(one, () => this.#scripts(one))),
      paced: async () => {
        await paced?.();
        this.#expectTurn();
      },
    };
  }

  #once<T extends object>(inner: T, make: () => T): T {
    const known = this.#guarded.get(inner) as T | undefined;
    const guarded = known ?? make();
    this.#guarded.set(inner, guarded);
    return guarded;
  }

  #expectTurn(): void {
    if (this.#isOver) throw replaced();
  }

  /** What `inner` answers, in the turn. */
  #in<T>(answer: () => T): T {
    this.#expectTurn();
    return answer();
  }

  #moving(tell: () => void): void {
    this.#in(tell);
    this.movedAt = performance.now();
  }

  #follower(inner: ChainFollower): ChainFollower {
    return {
      position: () => {
        const position = this.#in(() => inner.position());
        return position && this.#locate(position);
      },
      listeners: inner.listeners.map((one) => this.#listener(one)),
    };
  }

  #listener(inner: Listen & Confirm): Listen & Confirm {
    return {
      blockConnected: (...block) => this.#moving(() => inner.blockConnected(...block)),
      blocksDisconnected: (forkPoint) => this.#in(() => inner.blocksDisconnected(forkPoint)),
      transactionsConfirmed: (...block) => this.#in(() => inner.transactionsConfirmed(...block)),
      transactionUnconfirmed: (txid) => this.#in(() => inner.transactionUnconfirmed(txid)),
      bestBlockUpdated: (...block) => this.#moving(() => inner.bestBlockUpdated(...block)),
      relevantTxids: () => this.#in(() => inner.relevantTxids()),
    };
  }

  #mempool(inner: MempoolListener): MempoolListener {
    return { transactionSeen: (transaction) => this.#in(() => inner.transactionSeen(transaction)) };
  }

  #scripts(inner: ScriptSource): ScriptSource {
    return {
      scripts: () => this.#in(() => inner.scripts()),
      takeScripts: () => this.#in(() => inner.takeScripts()),
      blockOf: (txid) => this.#in(() => inner.blockOf?.(txid)),
    };
  }
}

import type { Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Filter, WatchedOutput } from "@fulmen/lightning/chain";

/** Confirmations after which what became of an output counts as final. */
export const finalDepth = 100;

interface Watched {
  readonly output: WatchedOutput;
  /** Height of the block with the spender that was told of. */
  spentAt: number | undefined;
}

/** Outputs of one transaction of which something is wanted. */
export interface WatchedTransaction {
  readonly txid: Txid;
  /** Empty where only its confirmation is wanted. */
  readonly outputs: readonly WatchedOutput[];
  /** The script by which the transaction can be found. */
  readonly script: Uint8Array;
}

/**
 * What listeners registered: outputs, whose creation and whose spender are wanted, and transactions. They go when the
 * chain has spent (or confirmed) them `finalDepth` blocks ago, so that there are never more than the node itself has
 * registered and still waits for.
 */
export class WatchList implements Filter {
  /** By transaction, then by index. */
  readonly #outputs = new Map<Txid, Map<number, Watched>>();
  readonly #transactions = new Map<Txid, { readonly script: Uint8Array; confirmedAt: number | undefined }>();
  /** Registered since `takeNew`. */
  readonly #new = new Set<Txid>();

  registerTransaction(txid: Txid, script: Uint8Array): void {
    if (this.#transactions.has(txid)) return;
    this.#transactions.set(txid, { script, confirmedAt: undefined });
    this.#new.add(txid);
  }

  registerOutput(output: WatchedOutput): void {
    const { txid, index } = output.outPoint;
    const siblings = this.#outputs.get(txid) ?? new Map<number, Watched>();
    this.#outputs.set(txid, siblings);
    if (siblings.has(index)) return;
    siblings.set(index, { output, spentAt: undefined });
    this.#new.add(txid);
  }

  /** Whether there is something that `takeNew` would give. */
  get hasNew(): boolean {
    return this.#new.size > 0;
  }

  /** Everything that is watched. */
  all(): readonly WatchedTransaction[] {
    const ids = new Set([...this.#outputs.keys(), ...this.#transactions.keys()]);
    return [...ids].flatMap((txid) => this.#of(txid));
  }

  /** What was registered since the last call. */
  takeNew(): readonly WatchedTransaction[] {
    const ids = [...this.#new];
    this.#new.clear();
    return ids.flatMap((txid) => this.#of(txid));
  }

  /** Whether a transaction spends a watched output. */
  isSpentBy({ inputs }: Transaction): boolean {
    return inputs.some(({ outPoint }) => this.#outputs.get(outPoint.txid)?.has(outPoint.index) === true);
  }

  /** A block has the transaction. */
  confirmed(txid: Txid, { inputs }: Transaction, height: number): void {
    const registered = this.#transactions.get(txid);
    if (registered !== undefined) registered.confirmedAt = height;
    for (const { outPoint } of inputs) {
      const watched = this.#outputs.get(outPoint.txid)?.get(outPoint.index);
      if (watched !== undefined) watched.spentAt = height;
    }
  }

  /** Nothing above this height is confirmed any more. */
  disconnectedAbove(height: number): void {
    for (const registered of this.#transactions.values()) {
      if ((registered.confirmedAt ?? 0) > height) registered.confirmedAt = undefined;
    }
    for (const siblings of this.#outputs.values()) {
      for (const watched of siblings.values()) {
        if ((watched.spentAt ?? 0) > height) watched.spentAt = undefined;
      }
    }
  }

  /** Forgets what is final at this height. */
  prune(height: number): void {
    const isFinal = (at: number | undefined) => at !== undefined && at + finalDepth <= height;
    for (const [txid, { confirmedAt }] of this.#transactions) {
      if (isFinal(confirmedAt)) this.#transactions.delete(txid);
    }
    for (const [txid, siblings] of this.#outputs) {
      for (const [index, { spentAt }] of siblings) if (isFinal(spentAt)) siblings.delete(index);
      if (siblings.size === 0) this.#outputs.delete(txid);
    }
  }

  /** How many outputs and transactions are watched. */
  get size(): number {
    let size = this.#transactions.size;
    for (const siblings of this.#outputs.values()) size += siblings.size;
    return size;
  }

  #of(txid: Txid): readonly WatchedTransaction[] {
    const outputs = [...(this.#outputs.get(txid)?.values() ?? [])].map(({ output }) => output);
    const script = outputs[0]?.script ?? this.#transactions.get(txid)?.script;
    return script === undefined ? [] : [{ txid, outputs, script }];
  }
}

import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { type BlockHash, equalBytes, outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type {
  BlockLocator,
  Confirm,
  Listen,
  TransactionInBlock,
  WatchedOutput,
} from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";
import type { TestChain } from "../../chain/index.ts";

/** What a listener wants to hear of. */
export interface Wanted {
  /** Transactions that pay to these, and those that spend what was paid to them. */
  readonly scripts?: readonly Uint8Array[];
  /** Transactions that spend these. */
  readonly outputs?: readonly WatchedOutput[];
}

interface Place {
  readonly height: BlockHeight;
  readonly blockHash: BlockHash;
  readonly index: number;
}

/** Picks out of a chain what is wanted, as it comes by. */
class Interest {
  readonly #scripts: readonly Uint8Array[];
  readonly #outPoints: Set<string>;

  constructor({ scripts = [], outputs = [] }: Wanted) {
    this.#scripts = scripts;
    this.#outPoints = new Set(outputs.map(({ outPoint }) => outPointKey(outPoint)));
  }

  /** Whether it is wanted; what it pays to the scripts is wanted from now on. */
  takes(transaction: Transaction): boolean {
    let isWanted = transaction.inputs.some(({ outPoint }) => this.#outPoints.has(outPointKey(outPoint)));
    for (const [index, { script }] of transaction.outputs.entries()) {
      if (!this.#scripts.some((each) => equalBytes(each, script))) continue;
      this.#outPoints.add(outPointKey({ txid: txidOf(transaction), index }));
      isWanted = true;
    }
    return isWanted;
  }
}

/**
 * Remembers what it hears of the transactions that it wants, whether it is told of whole blocks (`Listen`) or of
 * transactions and tips (`Confirm`), and what of it cannot be.
 */
export class RecordingListener implements Listen, Confirm {
  readonly complaints: string[] = [];
  /** How many blocks or tips it was told of. */
  heard = 0;
  readonly #wanted: Wanted;
  readonly #interest: Interest;
  readonly #onHeard: () => void;
  readonly #confirmed = new Map<Txid, Place>();
  /** Of all blocks that it was told of. */
  readonly #locators = new Map<BlockHash, BlockLocator>();
  #position: BlockLocator | undefined;

  constructor(wanted: Wanted, position: BlockLocator | undefined, onHeard: () => void) {
    this.#wanted = wanted;
    this.#interest = new Interest(wanted);
    this.#onHeard = onHeard;
    this.#setPosition(position);
  }

  get position(): BlockLocator | undefined {
    return this.#position;
  }

  /** Height of the highest block with something wanted. */
  get highestConfirmed(): number {
    return Math.max(0, ...[...this.#confirmed.values()].map(({ height }) => height));
  }

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    const position = this.#position;
    if (position === undefined ? height > 1 : height !== position.height + 1) {
      this.#complain(`was told of block ${height} at ${position?.height ?? "the beginning"}`);
    }
    if (position !== undefined && header.previous !== position.hash) {
      this.#complain(`was told of block ${height}, which does not follow ${position.hash}`);
    }
    this.#confirm(header, transactions, height);
    this.#advance(header, height);
  }

  blocksDisconnected({ hash, height }: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    if (this.#position === undefined || height >= this.#position.height) {
      this.#complain(`was told to go back to ${height} at ${this.#position?.height ?? "the beginning"}`);
    }
    for (const [txid, place] of this.#confirmed) if (place.height > height) this.#confirmed.delete(txid);
    this.#setPosition(this.#locators.get(hash) ?? { hash, height, ancestors: [] });
    this.#onHeard();
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.#confirm(header, transactions, height);
    this.#onHeard();
  }

  transactionUnconfirmed(txid: Txid): void {
    this.#confirmed.delete(txid);
    this.#onHeard();
  }

  bestBlockUpdated(header: BlockHeader, height: BlockHeight): void {
    this.#advance(header, height);
  }

  relevantTxids(): readonly {
    readonly txid: Txid;
    readonly height: BlockHeight;
    readonly blockHash: BlockHash;
  }[] {
    return [...this.#confirmed].map(([txid, { height, blockHash }]) => ({ txid, height, blockHash }));
  }

  /** What differs between what it knows and what the chain says since block `after`; nothing when all is well. */
  differences(chain: TestChain, after: number): readonly string[] {
    const found = [...this.complaints];
    const position = this.#position;
    if (position?.hash !== chain.tip.hash || position.height !== chain.tip.height) {
      found.push(`is at ${position?.height} ${position?.hash}, not ${chain.tip.height} ${chain.tip.hash}`);
    }
    const truth = placesIn(chain, this.#wanted, after);
    for (const [txid, place] of truth) {
      if (textOf(this.#confirmed.get(txid)) !== textOf(place)) {
        found.push(`${txid} is ${textOf(place)}, not ${textOf(this.#confirmed.get(txid))}`);
      }
    }
    for (const [txid, place] of this.#confirmed) {
      if (place.height > after && !truth.has(txid)) found.push(`${txid} is not ${textOf(place)}`);
    }
    return found;
  }

  #confirm(header: BlockHeader, transactions: readonly TransactionInBlock[], height: BlockHeight): void {
    const hash = blockHash(header);
    for (const { index, transaction } of transactions) {
      if (this.#interest.takes(transaction))
        this.#confirmed.set(txidOf(transaction), { height, blockHash: hash, index });
    }
  }

  #advance(header: BlockHeader, height: BlockHeight): void {
    this.heard++;
    const before = this.#position;
    const known =
      before?.hash === header.previous ? before : (this.#locators.get(header.previous) ?? undefined);
    const ancestors = known === undefined ? [header.previous] : [known.hash, ...known.ancestors];
    this.#setPosition({ hash: blockHash(header), height, ancestors: ancestors.slice(0, 12) });
    this.#onHeard();
  }

  #setPosition(position: BlockLocator | undefined): void {
    this.#position = position;
    if (position !== undefined) this.#locators.set(position.hash, position);
  }

  #complain(text: string): void {
    this.complaints.push(text);
  }
}

function placesIn(chain: TestChain, wanted: Wanted, after: number): ReadonlyMap<Txid, Place> {
  const interest = new Interest(wanted);
  const places = new Map<Txid, Place>();
  for (let height = 0; height <= chain.tip.height; height++) {
    const block = chain.blockAt(height);
    for (const [index, transaction] of block?.block.transactions.entries() ?? []) {
      if (!interest.takes(transaction) || block === undefined || height <= after) continue;
      places.set(txidOf(transaction), { height: block.height, blockHash: block.hash, index });
    }
  }
  return places;
}

function textOf(place: Place | undefined): string {
  return place === undefined ? "unconfirmed" : `${place.index} of block ${place.height} ${place.blockHash}`;
}

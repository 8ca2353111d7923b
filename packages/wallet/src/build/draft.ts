import type { OutPoint } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxIn, TxOut } from "@fulmen/bitcoin/transaction";
import type { Sat } from "@fulmen/lightning/util";
import type { Coin } from "../ledger/index.ts";
import type { Dice } from "../selection/index.ts";

/** Replaceable (BIP 125), and the lock time counts. */
export const replaceableSequence = 0xffff_fffd;
/** Not replaceable by its own word, and the lock time counts. */
const fixedSequence = 0xffff_fffe;

/** A transaction without signatures, and what they need. */
export interface Draft {
  readonly transaction: Transaction;
  /** The coins that the inputs spend, in their order. */
  readonly spent: readonly Coin[];
  readonly fee: Sat;
  /** Where each of the outputs that were asked for is. */
  readonly outputIndexes: readonly number[];
  /** Where the change is; `undefined` without any. */
  readonly changeIndex: number | undefined;
}

/** What a draft is made of. */
export interface DraftParts {
  readonly coins: readonly Coin[];
  readonly outputs: readonly TxOut[];
  readonly change: TxOut | undefined;
  readonly fee: Sat;
  readonly version: number;
  /** The height of the best block: mined in any other branch than ours, the transaction is not valid there. */
  readonly locktime: number;
  readonly isReplaceable: boolean;
}

/** Puts inputs in any order, and the change at any place, so that neither tells which output is change. */
export function draftOf(parts: DraftParts, dice: Dice): Draft {
  const { coins, outputs, change, fee, version, locktime, isReplaceable } = parts;
  const spent = dice.shuffled(coins);
  const sequence = isReplaceable ? replaceableSequence : fixedSequence;
  const inputs = spent.map(({ outPoint }) => inputOf(outPoint, sequence));
  const changeIndex = change === undefined ? undefined : dice.below(outputs.length + 1);
  const placed = [...outputs];
  if (change !== undefined && changeIndex !== undefined) placed.splice(changeIndex, 0, change);
  const outputIndexes = outputs.map((_, index) =>
    changeIndex !== undefined && index >= changeIndex ? index + 1 : index,
  );
  const transaction = { version, locktime, inputs, outputs: placed };
  return { transaction, spent, fee, outputIndexes, changeIndex };
}

function inputOf(outPoint: OutPoint, sequence: number): TxIn {
  return { outPoint, scriptSig: new Uint8Array(0), sequence, witness: [] };
}

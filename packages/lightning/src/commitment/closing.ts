import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import { compareBytes, noBytes, type Script } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import { type Msat, minus, msatToSat, type Sat, zeroSat } from "../util/units.ts";

/** What a closing transaction is made of. */
export interface ClosingTerms {
  readonly outPoint: OutPoint;
  readonly isOpener: boolean;
  /** Our balance; no HTLC is left. */
  readonly toLocal: Msat;
  readonly toRemote: Msat;
  readonly localScript: Script;
  readonly remoteScript: Script;
  /** Paid by the opener. */
  readonly fee: Sat;
  /** Outputs below it are left out: the limit of the side whose view this is. */
  readonly dustLimit: Sat;
  /** An output to leave out whatever its value, as its owner may choose. */
  readonly omit?: "local" | "remote";
}

/** A closing transaction, and whose output is where. */
export interface BuiltClosing {
  /** Without witness. */
  readonly transaction: Transaction;
  /** Index of our output, unless it was left out. */
  readonly localOutput?: number;
  readonly remoteOutput?: number;
}

/** Why there is no closing transaction. */
export type ClosingRefusal =
  | { readonly kind: "opener-cannot-afford-fee"; readonly fee: Sat; readonly balance: Sat }
  | { readonly kind: "no-output-left"; readonly dustLimit: Sat };

/**
 * The closing transaction of `closing_signed` (BOLT 3, "Legacy Closing Transaction").
 *
 * @ldk lightning::ln::chan_utils::ClosingTransaction
 */
export function buildClosingTransaction(terms: ClosingTerms): BuiltClosing | ClosingRefusal {
  const { isOpener, fee, dustLimit, omit } = terms;
  const toLocal = msatToSat(terms.toLocal);
  const toRemote = msatToSat(terms.toRemote);
  const balance = isOpener ? toLocal : toRemote;
  if (fee > balance) return { kind: "opener-cannot-afford-fee", fee, balance };
  const local = { value: minus(toLocal, isOpener ? fee : zeroSat), script: terms.localScript };
  const remote = { value: minus(toRemote, isOpener ? zeroSat : fee), script: terms.remoteScript };
  const outputs: TxOut[] = [];
  if (local.value >= dustLimit && omit !== "local") outputs.push(local);
  if (remote.value >= dustLimit && omit !== "remote") outputs.push(remote);
  if (outputs.length === 0) return { kind: "no-output-left", dustLimit };
  outputs.sort(byValueAndScript);
  const localOutput = outputs.indexOf(local);
  const remoteOutput = outputs.indexOf(remote);
  return {
    transaction: {
      version: 2,
      inputs: [{ outPoint: terms.outPoint, scriptSig: noBytes, sequence: 0xffff_ffff, witness: [] }],
      outputs,
      locktime: 0,
    },
    ...(localOutput >= 0 && { localOutput }),
    ...(remoteOutput >= 0 && { remoteOutput }),
  };
}

/** Version, counts, locktime and the one input, in weight units, with the witness of BOLT 3's "Expected Weights". */
const closingBaseWeight = 4 * (4 + 1 + 41 + 1 + 4) + 2 + 222;

/** Expected weight of a closing transaction with outputs for these scripts, of 252 bytes at most each. */
export function closingWeight(scripts: readonly Uint8Array[]): number {
  let weight = closingBaseWeight;
  for (const { length } of scripts) weight += 4 * (8 + 1 + length);
  return weight;
}

function byValueAndScript(a: TxOut, b: TxOut): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return compareBytes(a.script, b.script);
}

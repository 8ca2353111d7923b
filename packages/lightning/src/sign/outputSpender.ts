import { outPointKey } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, weight, witnessSize } from "@fulmen/bitcoin/transaction";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import { noBytes } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type FeeratePerKw, feeOf, minus, type Sat, sat, sum } from "../util/units.ts";

/** Which outputs are spent, and on what. */
export interface SpendRequest {
  /** The same output twice counts once. Their delays must be over by the next block. */
  readonly descriptors: readonly SpendableOutputDescriptor[];
  /** Paid first, in this order. */
  readonly outputs: readonly TxOut[];
  /** Gets all that is left behind `outputs` and the fee. */
  readonly changeScript: Uint8Array;
  readonly feerate: FeeratePerKw;
  /** Height from which on the transaction may be mined in the block after; 0 when not given. */
  readonly locktime?: number;
}

/** Why outputs are not spent. */
export type SpendRefusal =
  | { readonly kind: "nothing-to-spend" }
  /** Nodes would not relay this one of `outputs`. */
  | { readonly kind: "dust-output"; readonly index: number; readonly value: Sat; readonly least: Sat }
  /** All inputs together have `available`; outputs, fee and a change that is no dust come to `needed`. */
  | { readonly kind: "insufficient-funds"; readonly needed: Sat; readonly available: Sat }
  /** Nodes relay no transaction of more than `most` weight units: spend fewer at once. */
  | { readonly kind: "too-heavy"; readonly weight: number; readonly most: number }
  /** The keys are not those of this output. */
  | { readonly kind: "foreign-output"; readonly outPoint: OutPoint };

/** @ldk lightning::sign::OutputSpender */
export interface OutputSpender {
  /**
   * One transaction with all of the outputs, signed. What cannot be had as change, because it would be dust beside
   * `outputs`, goes to the fee; without `outputs` it is a refusal.
   */
  spendSpendableOutputs(request: SpendRequest): Result<Transaction, SpendRefusal>;
}

/** What nodes relay at most. */
const maxStandardWeight = 400_000;

/** Opts in to replacement (BIP 125), and lets the lock time count. */
const replaceable = 0xffff_fffd;

/** As long as one is whose R and S are both low, with its sighash type. */
const longestSignature = new Uint8Array(71);
const publicKey = new Uint8Array(33);

/** Outpoint, length of the empty script, sequence: four weight units a byte. */
const inputWeight = 4 * 41;

/** Weight units that spending the output adds to a transaction, at most. */
export function spendWeight(descriptor: SpendableOutputDescriptor): number {
  return inputWeight + witnessSize(longestWitness(descriptor));
}

/** The transaction of `request` without signatures, and what each of its inputs spends. */
export interface UnsignedSpend {
  readonly transaction: Transaction;
  readonly descriptors: readonly SpendableOutputDescriptor[];
}

/** Lays out the transaction that `OutputSpender` is to sign, for signatures of 71 bytes at most. */
export function unsignedSpend(request: SpendRequest): Result<UnsignedSpend, SpendRefusal> {
  const { outputs, changeScript, feerate, locktime = 0 } = request;
  const descriptors = withoutDuplicates(request.descriptors);
  if (descriptors.length === 0) return err({ kind: "nothing-to-spend" });
  for (const [index, { value, script }] of outputs.entries()) {
    const least = dustLimit(script);
    if (value < least) return err({ kind: "dust-output", index, value, least });
  }
  const transactionWith = (all: readonly TxOut[]): Transaction => ({
    version: 2,
    inputs: descriptors.map((descriptor) => ({
      outPoint: descriptor.outPoint,
      scriptSig: noBytes,
      sequence: sequenceOf(descriptor),
      witness: [],
    })),
    outputs: all,
    locktime,
  });
  const available = sum(descriptors.map(({ output }) => output.value));
  const paid = sum(outputs.map(({ value }) => value));
  const withChange = transactionWith([...outputs, { value: sat(0), script: changeScript }]);
  const heaviest = weightSigned(withChange, descriptors);
  if (heaviest > maxStandardWeight)
    return err({ kind: "too-heavy", weight: heaviest, most: maxStandardWeight });
  const spent = sat(paid + feeOf(feerate, heaviest));
  const neededWithChange = sat(spent + dustLimit(changeScript));
  if (available >= neededWithChange) {
    const change = { value: minus(available, spent), script: changeScript };
    return ok({ transaction: transactionWith([...outputs, change]), descriptors });
  }
  if (outputs.length === 0) return err({ kind: "insufficient-funds", needed: neededWithChange, available });
  const withoutChange = transactionWith(outputs);
  const needed = sat(paid + feeOf(feerate, weightSigned(withoutChange, descriptors)));
  if (available < needed) return err({ kind: "insufficient-funds", needed, available });
  return ok({ transaction: withoutChange, descriptors });
}

/** A whole witness with our signature: what goes before the key or the script of the output. */
export function spendWitness(
  descriptor: SpendableOutputDescriptor,
  signature: Uint8Array,
  key: Uint8Array,
): readonly Uint8Array[] {
  switch (descriptor.kind) {
    case "static-output":
      return [signature, key];
    case "delayed-payment-output":
      return [signature, noBytes, descriptor.witnessScript];
    case "static-payment-output":
      return [signature, descriptor.witnessScript ?? key];
  }
}

function longestWitness(descriptor: SpendableOutputDescriptor): readonly Uint8Array[] {
  return spendWitness(descriptor, longestSignature, publicKey);
}

function weightSigned(transaction: Transaction, descriptors: readonly SpendableOutputDescriptor[]): number {
  const inputs = transaction.inputs.map((input, index) => ({
    ...input,
    witness: longestWitness(present(descriptors[index], "what an input spends")),
  }));
  return weight({ ...transaction, inputs });
}

function sequenceOf(descriptor: SpendableOutputDescriptor): number {
  switch (descriptor.kind) {
    case "static-output":
      return replaceable;
    case "delayed-payment-output":
      return descriptor.toSelfDelay;
    case "static-payment-output":
      return descriptor.sequence;
  }
}

function withoutDuplicates(
  descriptors: readonly SpendableOutputDescriptor[],
): readonly SpendableOutputDescriptor[] {
  const byOutPoint = new Map<string, SpendableOutputDescriptor>();
  for (const descriptor of descriptors) {
    const key = outPointKey(descriptor.outPoint);
    if (!byOutPoint.has(key)) byOutPoint.set(key, descriptor);
  }
  return [...byOutPoint.values()];
}

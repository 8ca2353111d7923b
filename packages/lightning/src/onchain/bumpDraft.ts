import { outPointKey } from "@fulmen/bitcoin/primitives";
import { op, script } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, weight } from "@fulmen/bitcoin/transaction";
import type { CoinSelection, CoinSelectionRequest } from "../chain/coinSelection.ts";
import type { OutPoint } from "../util/ids.ts";
import { type FeeratePerKw, feeOf, feeratePerKw, maxOf, type Sat, sat, sum, zeroSat } from "../util/units.ts";
import { type ChannelInput, channelInputs, mandatoryInput, unsignedInput } from "./bumpInputs.ts";
import type { BumpTransactionEvent } from "./bumpTransaction.ts";

/** The transaction that `event` asks for and a wallet pays, without signatures. */
export interface BumpDraft {
  readonly transaction: Transaction;
  /** Stand first among its inputs. */
  readonly inputs: readonly ChannelInput[];
  /** What each of its inputs spends. */
  readonly spent: readonly TxOut[];
  /** Negative when the wallet gave less than the outputs take. */
  readonly fee: bigint;
  /** Weight units at most, signed. */
  readonly weight: number;
}

/** What nodes relay at most, in weight units. */
const maxStandardWeight = 400_000;
/** Of version 3 (BIP 431): 10,000 virtual bytes, and 1,000 for the child of an unconfirmed transaction. */
const maxTrucWeight = 40_000;
const maxTrucChildWeight = 4_000;

/** Weight units that the transaction of `event` may have at most. */
export function maxWeightOf({ kind, version }: BumpTransactionEvent): number {
  if (version !== 3) return maxStandardWeight;
  return kind === "channel-close" ? maxTrucChildWeight : maxTrucWeight;
}

/** What the wallet is asked for. */
export function coinSelectionRequest(event: BumpTransactionEvent, minimumFee?: Sat): CoinSelectionRequest {
  const inputs = channelInputs(event);
  const common = {
    claimId: event.claimId,
    mustSpend: inputs.map(mandatoryInput),
    mustPayTo: outputsOf(inputs),
    maxTransactionWeight: maxWeightOf(event),
    ...(minimumFee !== undefined && { minimumFee }),
  };
  switch (event.kind) {
    case "channel-close": {
      const { packageTargetFeerate: targetFeerate, commitment, commitmentFee: fee, atStake } = event;
      return { ...common, targetFeerate, atStake, parent: { weight: weight(commitment), fee } };
    }
    case "htlc-resolution":
      return {
        ...common,
        targetFeerate: event.targetFeerate,
        atStake: sum(event.htlcs.map(({ value }) => value)),
      };
  }
}

/** What the transaction of `event`, or its package, is to pay. */
export function targetFeerateOf(event: BumpTransactionEvent): FeeratePerKw {
  switch (event.kind) {
    case "channel-close":
      return event.packageTargetFeerate;
    case "htlc-resolution":
      return event.targetFeerate;
  }
}

/** More than change has to be worth. */
const roomForChange = 1_000n;

/**
 * The feerate that a wallet can pay which was too poor for that of `event`, as near as its numbers tell: they may leave
 * out what change weighs.
 */
export function affordableFeerate(
  event: BumpTransactionEvent,
  { needed, available }: { readonly needed: Sat; readonly available: Sat },
): FeeratePerKw {
  const paid = totalOf(outputsOf(channelInputs(event)));
  const [fee, have] = [needed - paid, available - paid - roomForChange];
  return fee > 0n && have > 0n
    ? feeratePerKw((targetFeerateOf(event) * have * 7n) / (fee * 8n))
    : feeratePerKw(0n);
}

/**
 * The transaction of what the wallet has given: ours first, HTLCs side by side with their outputs; then the wallet's.
 */
export function bumpDraft(
  event: BumpTransactionEvent,
  { confirmedUtxos, changeOutput }: CoinSelection,
): BumpDraft {
  const { version, locktime } = event;
  const inputs = channelInputs(event);
  const mandatory = inputs.map(mandatoryInput);
  const spent = [...inputs, ...confirmedUtxos.map(({ output }) => ({ spent: output }))].map(
    (one) => one.spent,
  );
  const txIns = [...inputs, ...confirmedUtxos].map(unsignedInput);
  const paid = [...outputsOf(inputs), ...(changeOutput === undefined ? [] : [changeOutput])];
  const outputs = paid.length > 0 ? paid : [placeholder(txIns.length)];
  const transaction = { version, locktime, inputs: txIns, outputs };
  const satisfied = [...mandatory, ...confirmedUtxos];
  const witnesses = satisfied.reduce((total, { satisfactionWeight }) => total + satisfactionWeight - 4, 2);
  return {
    transaction,
    inputs,
    spent,
    fee: totalOf(spent) - totalOf(outputs),
    weight: weight(transaction) + witnesses,
  };
}

/** What nodes ask for the relay of a replacement: 1 satoshi for each virtual byte. */
const incrementalFeerate = 250n as FeeratePerKw;

/**
 * The least fee at which a transaction of `weight` replaces `sent` (BIP 125, rules 3 and 4); and its own feerate has to
 * be the higher one, which a heavier child of a heavy parent can miss. Nodes reckon with virtual bytes, or with weight.
 */
export function replacementFee(sent: Pick<SentBump, "transaction" | "fee">, newWeight: number): Sat {
  const before = weight(sent.transaction);
  const feerateAbove = (now: number, then: number): Sat => sat((sent.fee * BigInt(now)) / BigInt(then) + 1n);
  const relay = sat(sent.fee + feeOf(incrementalFeerate, 4 * vbytes(newWeight)));
  return [feerateAbove(newWeight, before), feerateAbove(vbytes(newWeight), vbytes(before))].reduce(
    maxOf,
    relay,
  );
}

/** A transaction that was signed for a claim, and may be in mempools. */
export interface SentBump {
  readonly transaction: Transaction;
  readonly fee: Sat;
  /** The channel's outputs that it spends. */
  readonly outPoints: readonly OutPoint[];
}

/** Whether `sent` may still confirm: one of which somebody took an output is gone, and needs no replacement. */
export function isStanding({ outPoints }: SentBump, event: BumpTransactionEvent): boolean {
  const open = new Set(channelInputs(event).map(({ outPoint }) => outPointKey(outPoint)));
  return outPoints.every((outPoint) => open.has(outPointKey(outPoint)));
}

function outputsOf(inputs: readonly ChannelInput[]): readonly TxOut[] {
  return inputs.flatMap(({ output }) => (output === undefined ? [] : [output]));
}

/**
 * A transaction has an output. Where the wallet wants none, it is the cheapest there is; one that makes the smallest
 * transaction long enough to be relayed (65 bytes without witness).
 */
function placeholder(inputCount: number): TxOut {
  const padding = inputCount > 1 ? [] : [new Uint8Array(4)];
  return { value: zeroSat, script: script(op.RETURN, ...padding) };
}

function totalOf(outputs: readonly TxOut[]): bigint {
  return outputs.reduce((total, { value }) => total + value, 0n);
}

function vbytes(weightUnits: number): number {
  return Math.ceil(weightUnits / 4);
}

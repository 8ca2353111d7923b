import { crypto } from "@fulmen/bitcoin/crypto";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import type { TransactionType } from "../chain/chainInterface.ts";
import {
  type CoinSelection,
  type CoinSelectionRefusal,
  type CoinSelectionRequest,
  claimIdOf,
  type SignPsbtRefusal,
} from "../chain/coinSelection.ts";
import { unsignedPsbt } from "../chain/psbt.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import { concatBytes, fromHex } from "../util/bytes.ts";
import type { Result } from "../util/result.ts";
import { feeOf, feeratePerKw, type Sat, sat } from "../util/units.ts";
import {
  affordableFeerate,
  type BumpDraft,
  bumpDraft,
  coinSelectionRequest,
  isStanding,
  maxWeightOf,
  replacementFee,
  type SentBump,
  targetFeerateOf,
} from "./bumpDraft.ts";
import { withChannelWitnesses } from "./bumpInputs.ts";
import type { BumpTransactionEvent, HtlcResolutionEvent } from "./bumpTransaction.ts";

/** Why an event has led to no transaction. It comes again, and may then. */
export type BumpRefusal =
  | CoinSelectionRefusal
  | SignPsbtRefusal
  /** What the wallet gave does not cover the outputs, or not what a replacement has to pay. */
  | { readonly kind: "too-little-given"; readonly fee: bigint; readonly needed: Sat }
  /** The wallet signed another transaction than it was given. */
  | { readonly kind: "wrong-transaction" }
  /** The channel's signer does not sign now. */
  | { readonly kind: "unsigned" };

/** What is next for an event: a question to the wallet, or the end. */
export type BumpStep =
  | {
      readonly kind: "select";
      readonly request: CoinSelectionRequest;
      readonly answered: (answer: Result<CoinSelection, CoinSelectionRefusal>) => BumpStep;
    }
  | {
      readonly kind: "sign";
      readonly psbt: Uint8Array;
      readonly answered: (answer: Result<Transaction, SignPsbtRefusal>) => BumpStep;
    }
  | BumpOutcome;

export type BumpOutcome =
  | {
      readonly kind: "broadcast";
      /** One package, parents first. */
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
      readonly sent: SentBump;
      /** Why it pays less than the event asked for. */
      readonly refusal?: BumpRefusal;
    }
  /** The commitment pays the package's feerate by itself. */
  | { readonly kind: "needless" }
  /**
   * One transaction would be too large, or take more than the wallet has: each of these is to be answered by itself.
   * The first has what is worth most; the second need not be tried when a wallet is too poor for that.
   */
  | {
      readonly kind: "split";
      readonly parts: readonly [HtlcResolutionEvent, HtlcResolutionEvent];
      readonly refusal?: CoinSelectionRefusal;
    }
  | { readonly kind: "refused"; readonly refusal: BumpRefusal };

/** What the answer to an event rests on. */
export interface BumpContext {
  /** Of the event's channel. */
  readonly signer: OutputSpendSigner;
  /** What was last sent for this claim id. */
  readonly sent?: SentBump | undefined;
  /** Whether its second part was sent by itself, so that one transaction for all would have to outbid both. */
  readonly isSplit?: boolean;
}

/**
 * Begins to answer an event: whoever calls asks a wallet what the steps ask for, until one is an outcome. The same
 * event and the same answers give the same transaction. One that takes the place of `sent` pays more (BIP 125); where
 * the wallet has nothing for that, `sent` is broadcast again.
 *
 * @ldk lightning::events::bump_transaction::BumpTransactionEventHandler
 */
export function bumpSteps(event: BumpTransactionEvent, context: BumpContext): BumpStep {
  if (event.kind === "channel-close") {
    const { packageTargetFeerate, commitment, commitmentFee } = event;
    if (commitmentFee > 0n && commitmentFee >= feeOf(packageTargetFeerate, weight(commitment))) {
      return { kind: "needless" };
    }
  } else if (event.htlcs.length > 1) {
    const isTooLarge = leastWeight(event) + weightForCoins > maxWeightOf(event);
    if (isTooLarge || context.isSplit === true) return split(event);
  }
  const { sent, signer } = context;
  return select({ event, signer, sent: sent && isStanding(sent, event) ? sent : undefined, rounds: 0 });
}

/** What nodes relay at the least: 1 sat/vB, rounded up. */
const lowestFeerate = feeratePerKw(253);
/** Room for some coins and change. */
const weightForCoins = 1_000;
/** A higher fee may need more coins, which make a replacement heavier and its fee higher still. */
const maxRounds = 4;

interface Attempt extends BumpContext {
  readonly event: BumpTransactionEvent;
  readonly rounds: number;
  /** What the wallet said to the feerate that was asked for first. */
  readonly refusal?: BumpRefusal;
  /** One that pays less than `sent`, of other coins: those of `sent` may be gone. */
  readonly other?: BumpDraft;
}

function select(attempt: Attempt, minimumFee?: Sat): BumpStep {
  const { event } = attempt;
  return {
    kind: "select",
    request: coinSelectionRequest(event, minimumFee),
    answered: (answer) => {
      if (answer.ok) return selected(attempt, answer.value);
      const refusal = answer.error;
      if (minimumFee !== undefined) return keep(attempt, refusal);
      const isDivisible = event.kind === "htlc-resolution" && event.htlcs.length > 1;
      if (isDivisible && attempt.sent === undefined && refusal.kind !== "wallet-unavailable") {
        return split(event, refusal);
      }
      return cheaper(attempt, refusal) ?? keep(attempt, refusal);
    },
  };
}

/** No better transaction can be had now: what was sent stands, unless its coins may be gone. */
function keep(attempt: Attempt, latest: BumpRefusal): BumpStep {
  const { sent, other, refusal = latest } = attempt;
  if (other !== undefined) return fund(attempt, other);
  return sent === undefined ? { kind: "refused", refusal } : broadcast({ ...attempt, refusal }, sent);
}

/**
 * Better confirmed late than never: where the wallet has too little, the transaction pays what there is. At a high
 * feerate, coins are worth less than they cost and the wallet does not count them: then it is asked for half of it.
 */
function cheaper(attempt: Attempt, latest: CoinSelectionRefusal): BumpStep | undefined {
  const { event, refusal = latest } = attempt;
  if (latest.kind !== "insufficient-funds") return undefined;
  const asked = targetFeerateOf(event);
  const affordable = affordableFeerate(event, latest);
  const feerate = affordable < lowestFeerate ? feeratePerKw(asked / 2n) : affordable;
  if (feerate < lowestFeerate) return undefined;
  switch (event.kind) {
    case "channel-close":
      return select({ ...attempt, refusal, event: { ...event, packageTargetFeerate: feerate } });
    case "htlc-resolution":
      return select({ ...attempt, refusal, event: { ...event, targetFeerate: feerate } });
  }
}

function selected(attempt: Attempt, selection: CoinSelection): BumpStep {
  const { event, sent, rounds } = attempt;
  const draft = bumpDraft(event, selection);
  const { fee, transaction } = draft;
  if (fee < 0n) return keep(attempt, { kind: "too-little-given", fee, needed: sat(0) });
  if (sent === undefined) return fund(attempt, draft);
  if (txid(sent.transaction) === txid(transaction)) return broadcast(attempt, sent);
  // It pays what is asked for, and more since it had to replace another one: no reason to replace it in turn.
  if (fee <= sent.fee && isOfSameInputs(draft, sent)) return broadcast(attempt, sent);
  const needed = replacementFee(sent, draft.weight);
  if (fee >= needed) return fund(attempt, draft);
  const { other = spendsAllOf(draft, sent) ? undefined : draft } = attempt;
  const next = { ...attempt, ...(other && { other }), rounds: rounds + 1 };
  return rounds < maxRounds ? select(next, needed) : keep(next, { kind: "too-little-given", fee, needed });
}

function spendsAllOf({ transaction }: BumpDraft, sent: SentBump): boolean {
  const spent = new Set(transaction.inputs.map(({ outPoint }) => outPointKey(outPoint)));
  return sent.transaction.inputs.every(({ outPoint }) => spent.has(outPointKey(outPoint)));
}

function isOfSameInputs(draft: BumpDraft, sent: SentBump): boolean {
  return draft.transaction.inputs.length === sent.transaction.inputs.length && spendsAllOf(draft, sent);
}

function fund(attempt: Attempt, draft: BumpDraft): BumpStep {
  const { transaction, inputs } = draft;
  if (inputs.length === transaction.inputs.length) return finish(attempt, draft, transaction);
  return {
    kind: "sign",
    psbt: unsignedPsbt(transaction, draft.spent),
    answered: (answer) => {
      if (!answer.ok) return { kind: "refused", refusal: answer.error };
      if (txid(answer.value) !== txid(transaction)) {
        return { kind: "refused", refusal: { kind: "wrong-transaction" } };
      }
      return finish(attempt, draft, answer.value);
    },
  };
}

function finish(attempt: Attempt, draft: BumpDraft, funded: Transaction): BumpOutcome {
  const { event, signer } = attempt;
  const transaction = withChannelWitnesses(funded, draft.inputs, signer);
  if (transaction === undefined) return { kind: "refused", refusal: { kind: "unsigned" } };
  const most = maxWeightOf(event);
  const actual = weight(transaction);
  if (actual > most) return { kind: "refused", refusal: { kind: "too-heavy", weight: actual, most } };
  const outPoints = draft.inputs.map(({ outPoint }) => outPoint);
  return broadcast(attempt, { transaction, fee: sat(draft.fee), outPoints });
}

function broadcast({ event, refusal }: Attempt, sent: SentBump): BumpOutcome {
  const { transaction } = sent;
  const common = { kind: "broadcast", sent, ...(refusal && { refusal }) } as const;
  switch (event.kind) {
    case "channel-close":
      return { ...common, transactions: [event.commitment, transaction], type: "anchor-bump" };
    case "htlc-resolution":
      return { ...common, transactions: [transaction], type: "claim" };
  }
}

function leastWeight(event: BumpTransactionEvent): number {
  return bumpDraft(event, { confirmedUtxos: [] }).weight;
}

/**
 * The first part keeps the claim id, and with it the coins; that of the second follows from it. Parts are cut at powers
 * of two, so that ids and the first parts' size stay while HTLCs go, and no two parts of parts have one id.
 */
function split(event: HtlcResolutionEvent, refusal?: CoinSelectionRefusal): BumpOutcome {
  const { claimId } = event;
  const htlcs = event.htlcs.toSorted((a, b) => Number(b.value - a.value));
  const exponent = 31 - Math.clz32(htlcs.length - 1);
  const cut = 2 ** exponent;
  const second = claimIdOf(crypto().sha256(concatBytes(fromHex(claimId), Uint8Array.of(exponent))));
  return {
    kind: "split",
    ...(refusal && { refusal }),
    parts: [
      { ...event, htlcs: htlcs.slice(0, cut) },
      { ...event, htlcs: htlcs.slice(cut), claimId: second },
    ],
  };
}

/** A refusal in words, with its numbers. */
export function textOfBumpRefusal(refusal: BumpRefusal): string {
  switch (refusal.kind) {
    case "insufficient-funds": {
      const { needed, available, reserved } = refusal;
      return `needs ${needed} sat, the wallet has ${available} sat for it; ${reserved} sat are reserved`;
    }
    case "too-heavy":
      return `would weigh ${refusal.weight} units, ${refusal.most} at most`;
    case "too-little-given":
      return `would pay ${refusal.fee} sat, ${refusal.needed} sat at least`;
    case "wallet-unavailable":
    case "malformed-psbt":
      return `${refusal.kind}: ${refusal.text}`;
    case "wrong-spent-output":
    case "unsafe-sighash":
      return `the wallet signs nothing: ${refusal.kind} at input ${refusal.inputIndex}`;
    case "nothing-to-sign":
    case "watch-only":
      return `the wallet signs nothing: ${refusal.kind}`;
    case "wrong-transaction":
      return "the wallet signed another transaction";
    case "unsigned":
      return "the channel's signer does not sign yet";
  }
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { type BuiltClosing, buildClosingTransaction, closingWeight } from "../../commitment/closing.ts";
import type { ActiveFunding } from "../../commitment/commitments.ts";
import { closingSighash, fundingWitness, withWitness } from "../../commitment/signatures.ts";
import { present } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { feeOf, maxOf, minOf, minus, msatToSat, msatToSatCeil, plus, type Sat } from "../../util/units.ts";
import type { ClosingSigned } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import { type Outcome, unchanged } from "../outcome.ts";
import type { FeeRange, FundedChannel, Negotiating, SignerContinuation, SigningTask } from "../state.ts";
import { type AnswerOf, fundingOutput, send } from "./commit.ts";
import { closedActions, cooperativeClosure, punish } from "./forceClose.ts";

/** Each is kept; a peer that reconnects to ask for ever new ones shall not fill the store. */
const mostProposals = 100;

type SendClosing = Extract<SignerContinuation, { readonly kind: "send-closing" }>;

/**
 * What we would pay, or see paid, for a cooperative close. The opener's least is what still confirms, its most what a
 * commitment would cost that confirms soon, and a bit to avoid the trouble; the other side does not pay, so it takes
 * all that the opener has.
 *
 * @ldk lightning::ln::channel::FundedChannel::calculate_closing_fee_limits
 */
export function closingFeeRange(ctx: ChannelContext, channel: FundedChannel): FeeRange {
  const { channelCloseMinimum, nonAnchorChannelFee } = ctx.feerates;
  const { closingFeerate, shutdown, identity, commitments } = channel;
  const weight = closingWeight([
    present(shutdown.local, "our shutdown script"),
    present(shutdown.remote, "the peer's shutdown script"),
  ]);
  const least = maxOf(channelCloseMinimum, closingFeerate ?? channelCloseMinimum);
  const minimum = feeOf(least, weight);
  const { capacity, localBalance } = first(channel);
  if (!commitments.params.isOpener) {
    const openers = minus(capacity, msatToSatCeil(localBalance));
    return { minFeeSatoshis: minOf(minimum, openers), maxFeeSatoshis: openers };
  }
  const usual = plus(feeOf(nonAnchorChannelFee, weight), identity.config.forceCloseAvoidanceMaxFee);
  const maximum = maxOf(usual, minimum);
  const ours = msatToSat(localBalance);
  return { minFeeSatoshis: minOf(minimum, ours), maxFeeSatoshis: minOf(maximum, ours) };
}

/** The opener's first proposal: the least that it would pay. */
export function firstProposal(
  ctx: ChannelContext,
  { channel }: Negotiating,
): Result<SigningTask, ChannelRefusal> {
  const range = closingFeeRange(ctx, channel);
  return proposal(channel, range.minFeeSatoshis, range);
}

/** The peer's `closing_signed` (BOLT 2, "Legacy Closing Negotiation: closing_signed"). */
export function receiveClosing(ctx: ChannelContext, state: Negotiating, message: ClosingSigned): Outcome {
  const { channel, localFee } = state;
  const { isOpener } = channel.commitments.params;
  const close = (code: string, text: string) => punish(state, refusal("close", code, text));
  if (isOpener && localFee === undefined) {
    return close("closing-out-of-turn", "closing_signed although the opener proposes first");
  }
  if (state.proposals.length >= mostProposals) {
    return close(
      "too-many-closing-proposals",
      `${mostProposals} closing transactions were signed, none agreed`,
    );
  }
  const verified = signedByPeer(channel, message);
  if (!verified.ok) return punish(state, verified.error);
  const transaction = verified.value;
  const fee = message.feeSatoshis;
  const ours = state.localRange ?? closingFeeRange(ctx, channel);
  const progressed = { ...state, ticks: 0 };
  const remoteSignature = message.signature;
  if (fee === localFee) return agree(progressed, { transaction, fee, ours, remoteSignature, reply: false });
  const answer = answerTo(state, message, ours);
  if (!answer.ok) return punish(state, answer.error);
  if (answer.value === fee) {
    return agree(progressed, { transaction, fee, ours, remoteSignature, reply: true });
  }
  const task = proposal(channel, answer.value, ours);
  return task.ok ? { state: progressed, actions: [], tasks: [task.value] } : punish(state, task.error);
}

/** The signer signed a closing transaction: it goes out, and if the peer signed the same one, all is agreed. */
export function sendClosing(state: Negotiating, then: SendClosing, answer: AnswerOf<"closing">): Outcome {
  const { channel } = state;
  const { fee, transaction, feeRange, agreed } = then;
  const others = state.proposals.filter((signed) => txid(signed.transaction) !== txid(transaction));
  const proposals = [...others, { transaction, fee }];
  const message = send({
    type: "closing_signed",
    channelId: channel.commitments.channelId,
    feeSatoshis: fee,
    signature: answer.signature,
    tlvs: { feeRange },
  });
  const persist: ChannelAction = { kind: "persist", left: [] };
  if (agreed === undefined) {
    return {
      state: { ...state, proposals, localFee: fee, localRange: feeRange, ticks: 0 },
      actions: [persist, message],
    };
  }
  const witness = fundingWitness(fundingOutput(first(channel)), answer.signature, agreed.remoteSignature);
  const closingTransaction = withWitness(transaction, witness);
  const reason = cooperativeClosure(channel);
  return {
    state: { kind: "closing", channel, reason, proposals, closingTransaction },
    actions: [
      persist,
      ...(agreed.reply ? [message] : []),
      broadcastClosing(closingTransaction),
      ...closedActions(channel, reason),
    ],
  };
}

export function broadcastClosing(transaction: Transaction): ChannelAction {
  return { kind: "broadcast", transactions: [transaction], type: "cooperative-close" };
}

/** Which fee to answer with: the peer's when it is agreeable, or a counter-proposal. */
function answerTo(
  { channel, localFee }: Negotiating,
  { feeSatoshis: fee, tlvs }: ClosingSigned,
  ours: FeeRange,
): Result<Sat, ChannelRefusal> {
  const { isOpener } = channel.commitments.params;
  const theirs = tlvs.feeRange;
  const refused = (verdict: ChannelRefusal["verdict"], code: string, text: string) =>
    err(refusal(verdict, code, text));
  if (theirs === undefined) return answerWithoutRange(fee, localFee, ours);
  if (!isWithin(fee, theirs)) {
    return refused("close", "closing-fee-outside-own-range", `${fee} sat is not in ${rangeText(theirs)}`);
  }
  if (theirs.maxFeeSatoshis < ours.minFeeSatoshis || theirs.minFeeSatoshis > ours.maxFeeSatoshis) {
    const text = `closing fees of ${rangeText(theirs)} and ${rangeText(ours)} have nothing in common`;
    return refused("warn", "no-common-closing-fee", text);
  }
  if (isOpener) {
    if (isWithin(fee, ours)) return ok(fee);
    return refused("close", "closing-fee-outside-our-range", `${fee} sat is not in ${rangeText(ours)}`);
  }
  if (localFee !== undefined) {
    return refused(
      "close",
      "closing-fee-not-accepted",
      `${fee} sat in answer to ${localFee} sat, which was in the opener's range`,
    );
  }
  // The opener pays: the more, the sooner it confirms.
  return ok(minOf(theirs.maxFeeSatoshis, ours.maxFeeSatoshis));
}

/** A peer of before `fee_range`: step by step. As in LDK, progress is ours to make and not the peer's to prove. */
function answerWithoutRange(
  fee: Sat,
  localFee: Sat | undefined,
  ours: FeeRange,
): Result<Sat, ChannelRefusal> {
  const { minFeeSatoshis: least, maxFeeSatoshis: most } = ours;
  const nearest = maxOf(least, minOf(fee, most));
  // Once we have said our utmost, there is nothing left to offer.
  if (localFee === undefined || nearest !== localFee) return ok(nearest);
  const text = `a closing fee of ${fee} sat, ${rangeText(ours)} would be agreeable`;
  return err(refusal("close", "no-common-closing-fee", text));
}

/**
 * The closing transaction that the peer signed: as we build it, or without an output of its own that it takes for dust.
 */
function signedByPeer(channel: FundedChannel, message: ClosingSigned): Result<Transaction, ChannelRefusal> {
  const fee = message.feeSatoshis;
  const funding = first(channel);
  for (const omit of [undefined, "remote"] as const) {
    const built = buildClosing(channel, fee, omit);
    if (!built.ok) {
      if (omit === undefined) return built;
      continue;
    }
    const { transaction } = built.value;
    const sighash = closingSighash(transaction, fundingOutput(funding));
    if (!crypto().ecdsaVerify(message.signature, sighash, funding.remoteKey)) continue;
    // Every script that we take is a witness program: no output of our dust limit or more is dust to relaying nodes.
    return ok(transaction);
  }
  const text = `invalid signature of the closing transaction with a fee of ${fee} sat`;
  return err(refusal("close", "invalid-closing-signature", text));
}

function proposal(channel: FundedChannel, fee: Sat, feeRange: FeeRange): Result<SigningTask, ChannelRefusal> {
  const built = buildClosing(channel, fee, undefined);
  if (!built.ok) return built;
  const { transaction } = built.value;
  return ok(signClosing(channel, { kind: "send-closing", fee, transaction, feeRange }));
}

function agree(
  state: Negotiating,
  on: {
    readonly transaction: Transaction;
    readonly fee: Sat;
    readonly ours: FeeRange;
    readonly remoteSignature: ClosingSigned["signature"];
    readonly reply: boolean;
  },
): Outcome {
  const { transaction, fee, ours, remoteSignature, reply } = on;
  const task = signClosing(state.channel, {
    kind: "send-closing",
    fee,
    transaction,
    feeRange: ours,
    agreed: { remoteSignature, reply },
  });
  return { ...unchanged(state), tasks: [task] };
}

function signClosing(channel: FundedChannel, continuation: SendClosing): SigningTask {
  const { transaction } = continuation;
  return { request: { kind: "closing", funding: fundingOutput(first(channel)), transaction }, continuation };
}

function buildClosing(
  channel: FundedChannel,
  fee: Sat,
  omit: "remote" | undefined,
): Result<BuiltClosing, ChannelRefusal> {
  const { commitments, shutdown } = channel;
  const { params } = commitments;
  const { outPoint, localBalance, remoteBalance } = first(channel);
  const built = buildClosingTransaction({
    outPoint,
    isOpener: params.isOpener,
    toLocal: localBalance,
    toRemote: remoteBalance,
    localScript: present(shutdown.local, "our shutdown script"),
    remoteScript: present(shutdown.remote, "the peer's shutdown script"),
    fee,
    dustLimit: params.local.dustLimit,
    ...(omit && { omit }),
  });
  if (!("kind" in built)) return ok(built);
  const text =
    built.kind === "no-output-left"
      ? `a closing fee of ${fee} sat leaves no output of at least ${built.dustLimit} sat`
      : `the opener's ${built.balance} sat do not pay a closing fee of ${built.fee} sat`;
  return err(refusal("close", built.kind, text));
}

function isWithin(fee: Sat, { minFeeSatoshis, maxFeeSatoshis }: FeeRange): boolean {
  return fee >= minFeeSatoshis && fee <= maxFeeSatoshis;
}

function rangeText({ minFeeSatoshis, maxFeeSatoshis }: FeeRange): string {
  return `${minFeeSatoshis} to ${maxFeeSatoshis} sat`;
}

function first({ commitments }: FundedChannel): ActiveFunding {
  return present(commitments.fundings[0], "a funding");
}

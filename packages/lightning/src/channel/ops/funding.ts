import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Commitments, FirstCommitments } from "../../commitment/commitments.ts";
import { blockHeight, channelIdFromOutPoint } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import type { ChannelAction } from "../action.ts";
import type { ChannelContext } from "../input.ts";
import type { Outcome } from "../outcome.ts";
import {
  type AgreedOpening,
  type FundedChannel,
  nothingExchanged,
  type SignerContinuation,
  type WaitForFundingCreated,
  type WaitForFundingSigned,
  type WaitForFundingTransaction,
} from "../state.ts";
import { type AnswerOf, send } from "./commit.ts";
import { fundingOutputScript } from "./firstCommitments.ts";
import { firstUpdate } from "./monitorUpdate.ts";
import { whenDeepEnough } from "./ready.ts";

type ThenOf<K extends SignerContinuation["kind"]> = Extract<SignerContinuation, { readonly kind: K }>;

/** Opener: we signed the peer's first commitment. Nothing is stored, for the funding transaction has not left us. */
export function sendFundingCreated(
  state: WaitForFundingTransaction,
  then: ThenOf<"send-funding-created">,
  answer: AnswerOf<"counterparty-commitment">,
): Outcome {
  const { opening } = state;
  const { temporaryChannelId } = opening;
  const { funding, fundingTransaction } = then;
  const channelId = channelIdFromOutPoint(funding);
  return {
    state: { kind: "wait-for-funding-signed", opening, channelId, fundingTransaction, funding, ticks: 0 },
    actions: [
      { kind: "set-channel-id", temporaryChannelId, channelId },
      send({
        type: "funding_created",
        temporaryChannelId,
        fundingTxid: funding.txid,
        fundingOutputIndex: funding.index,
        signature: present(answer.signatures[0], "a signature").signature,
      }),
    ],
  };
}

/** Acceptor: both first commitments are signed. From now on the channel is stored and watched. */
export function sendFundingSigned(
  ctx: ChannelContext,
  { opening }: WaitForFundingCreated,
  { first }: ThenOf<"send-funding-signed">,
  answer: AnswerOf<"counterparty-commitment">,
): Outcome {
  const { channelId } = first.commitments;
  const { temporaryChannelId } = opening;
  const { signature } = present(answer.signatures[0], "a signature");
  const outcome = funded(ctx, { opening, first }, [send({ type: "funding_signed", channelId, signature })]);
  // First of all: everything else goes by the new id.
  return {
    ...outcome,
    actions: [{ kind: "set-channel-id", temporaryChannelId, channelId }, ...outcome.actions],
  };
}

/** Opener: the peer signed our first commitment. The funding transaction leaves once all of this is durable. */
export function fundedByUs(
  ctx: ChannelContext,
  { opening, fundingTransaction }: WaitForFundingSigned,
  first: FirstCommitments,
): Outcome {
  return funded(ctx, { opening, first, fundingTransaction }, [broadcastFunding(fundingTransaction)]);
}

export function broadcastFunding(fundingTransaction: Transaction): ChannelAction {
  return { kind: "broadcast", transactions: [fundingTransaction], type: "funding" };
}

function funded(
  ctx: ChannelContext,
  from: {
    readonly opening: AgreedOpening;
    readonly first: FirstCommitments;
    readonly fundingTransaction?: Transaction;
  },
  then: readonly ChannelAction[],
): Outcome {
  const { opening, first } = from;
  const { commitments } = first;
  const { identity, keys, temporaryChannelId } = opening;
  const { channelId, params } = commitments;
  const { outPoint, capacity, localKey, remoteKey } = present(commitments.fundings[0], "a funding");
  const script = fundingOutputScript({ localKey, remoteKey });
  const channel = channelOf(ctx, { ...from, commitments });
  const outcome = whenDeepEnough(ctx, { kind: "wait-for-channel-ready", channel }, { connected: true });
  return {
    ...outcome,
    actions: [
      { kind: "persist", left: [] },
      {
        kind: "watch-channel",
        setup: {
          channelId,
          counterparty: identity.counterparty,
          channelKeysId: keys.channelKeysId,
          params,
          funding: { outPoint, capacity, localKey, remoteKey, script },
          bestHeight: blockHeight(ctx.bestHeight),
          basepoints: keys.basepoints,
          initial: firstUpdate(commitments, first.signed),
        },
      },
      { kind: "watch-funding", outPoint, script },
      ...then,
      {
        kind: "event",
        event: {
          kind: "channel-pending",
          channelId,
          formerTemporaryChannelId: temporaryChannelId,
          counterparty: identity.counterparty,
          userChannelId: identity.userChannelId,
          funding: outPoint,
        },
      },
      ...outcome.actions,
    ],
  };
}

function channelOf(
  ctx: ChannelContext,
  from: {
    readonly opening: AgreedOpening;
    readonly commitments: Commitments;
    readonly fundingTransaction?: Transaction;
  },
): FundedChannel {
  const { opening, commitments, fundingTransaction } = from;
  return {
    identity: opening.identity,
    channelKeysId: opening.keys.channelKeysId,
    temporaryChannelId: opening.temporaryChannelId,
    commitments,
    minimumDepth: opening.minimumDepth,
    fundingStatus: { kind: "unconfirmed", since: ctx.bestHeight },
    ...(fundingTransaction && { fundingTransaction }),
    localReady: false,
    remoteReady: false,
    announcementSignatures: {},
    incoming: [],
    outgoing: [],
    lastUpdateId: 1,
    shutdown: {},
    exchanged: nothingExchanged,
  };
}

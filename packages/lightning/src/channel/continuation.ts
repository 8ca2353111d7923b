import type { SigningAnswer } from "../sign/channelSigner.ts";
import { invariant } from "../util/invariant.ts";
import type { ChannelContext } from "./input.ts";
import { sendAnnouncementSignatures } from "./ops/announce.ts";
import { sendClosing } from "./ops/closing.ts";
import { type AnswerOf, sendCommitment, sendRevocation } from "./ops/commit.ts";
import { sendFundingCreated, sendFundingSigned } from "./ops/funding.ts";
import { resendCommitment, resentRevocation } from "./ops/reestablish.ts";
import { tellShutdown, whenSettled } from "./ops/shutdown.ts";
import type { Outcome } from "./outcome.ts";
import { type RestingState, type SignerContinuation, withChannel } from "./state.ts";

/** Carries on with `before`, the state in which the signer was asked. */
export function continueWith(
  ctx: ChannelContext,
  before: RestingState,
  signed: { readonly continuation: SignerContinuation; readonly answer: SigningAnswer },
): Outcome {
  const { continuation: then, answer } = signed;
  switch (then.kind) {
    case "send-funding-created":
      return sendFundingCreated(
        inState(before, "wait-for-funding-transaction"),
        then,
        answerOf(answer, "counterparty-commitment"),
      );
    case "send-funding-signed":
      return sendFundingSigned(
        ctx,
        inState(before, "wait-for-funding-created"),
        then,
        answerOf(answer, "counterparty-commitment"),
      );
    case "send-commitment": {
      const state = inState(before, "normal", "shutting-down");
      const sent = sendCommitment(state.channel, then, answerOf(answer, "counterparty-commitment"));
      return tellShutdown(ctx, { state: withChannel(state, sent.channel), actions: sent.actions });
    }
    case "resend-commitment": {
      const state = inState(before, "normal", "shutting-down");
      return { state, actions: resendCommitment(state.channel, answerOf(answer, "counterparty-commitment")) };
    }
    case "send-revocation": {
      const state = inState(before, "normal", "shutting-down");
      const sent = sendRevocation(state.channel, then, answerOf(answer, "revocation"));
      return whenSettled(ctx, { state: withChannel(state, sent.channel), actions: sent.actions });
    }
    case "resend-revocation": {
      const state = inState(before, "normal", "shutting-down", "negotiating");
      return { state, actions: [resentRevocation(state.channel, answerOf(answer, "revocation"))] };
    }
    case "send-closing":
      return sendClosing(inState(before, "negotiating"), then, answerOf(answer, "closing"));
    case "send-announcement-signatures": {
      const state = inState(before, "normal");
      const sent = sendAnnouncementSignatures(ctx, state.channel, answerOf(answer, "channel-announcement"));
      return { state: withChannel(state, sent.channel), actions: sent.actions };
    }
  }
}

function inState<K extends RestingState["kind"]>(
  state: RestingState,
  ...kinds: readonly K[]
): Extract<RestingState, { readonly kind: K }> {
  invariant(
    kinds.some((kind) => kind === state.kind),
    `the signer answered in state ${state.kind}, asked in ${kinds.join(" or ")}`,
  );
  return state as Extract<RestingState, { readonly kind: K }>;
}

function answerOf<K extends SigningAnswer["kind"]>(answer: SigningAnswer, kind: K): AnswerOf<K> {
  invariant(answer.kind === kind, `the signer answered ${answer.kind}, asked for ${kind}`);
  return answer as AnswerOf<K>;
}

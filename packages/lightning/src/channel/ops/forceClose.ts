import type { ClosureReason } from "../../handlers/event.ts";
import type { ChannelId, PaymentHash } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import { utf8Prefix } from "../../util/text.ts";
import type { LightningMessage } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import type { ChannelRefusal } from "../error.ts";
import type { FundingSpentBy } from "../input.ts";
import type { Outcome } from "../outcome.ts";
import type { Closing, ConnectedState, FundedChannel } from "../state.ts";
import { send } from "./commit.ts";
import { nextUpdate } from "./monitorUpdate.ts";
import { forgetUnsignedUpdates } from "./reestablish.ts";

/** An `error` or `warning` for `channelId`, with `text` cut to what a log can bear. */
export function complaint(type: "error" | "warning", channelId: ChannelId, text: string): LightningMessage {
  return { type, channelId, data: utf8Prefix(text, 500) };
}

/**
 * Whether the peer may have made up the funding: until it is in a block, our commitment is not published, since coins
 * that pay for real ones would be spent on it.
 */
export function isFundingUnproven({ commitments, fundingStatus, localReady }: FundedChannel): boolean {
  return !commitments.params.isOpener && fundingStatus.kind === "unconfirmed" && !localReady;
}

/**
 * Ends the channel off chain: from now on it is the monitor's. With `broadcast`, the monitor locks itself and
 * publishes our commitment, once there is proof of the funding; without, somebody else's transaction has spent the
 * funding already, or will.
 */
export function forceClose(
  channel: FundedChannel,
  reason: ClosureReason,
  how: { readonly broadcast: boolean; readonly tellPeer?: string; readonly proposals?: Closing["proposals"] },
): Outcome {
  const forgotten = forgetUnsignedUpdates(channel);
  const broadcast = how.broadcast && !isFundingUnproven(channel);
  const next = nextUpdate(forgotten.channel, [{ kind: "channel-force-closed", broadcast }]);
  const { channelId } = channel.commitments;
  const actions: ChannelAction[] = [
    ...forgotten.actions,
    { kind: "persist", left: [] },
    { kind: "watch-update", update: next.update },
  ];
  if (how.tellPeer !== undefined) actions.push(send(complaint("error", channelId, how.tellPeer)));
  actions.push(...closedActions(channel, reason));
  return {
    state: { kind: "closing", channel: next.channel, reason, proposals: how.proposals ?? [] },
    actions,
  };
}

/** Why a channel ended that both sides agreed to close. */
export function cooperativeClosure({ closeInitiator }: FundedChannel): ClosureReason {
  return closeInitiator === "remote"
    ? { kind: "counterparty-initiated-cooperative-closure" }
    : { kind: "locally-initiated-cooperative-closure" };
}

/**
 * The funding output is spent, or about to be. A closing transaction may be news to us: the peer has its last
 * signature, and its message with the same did not arrive.
 */
export function fundingSpent(
  state: ConnectedState,
  { by, dueHtlc }: { readonly by: FundingSpentBy; readonly dueHtlc?: PaymentHash },
): Outcome {
  const ofCommitment: ClosureReason =
    dueHtlc === undefined
      ? { kind: "commitment-transaction-confirmed" }
      : { kind: "htlcs-timed-out", paymentHash: dueHtlc };
  const reason = by === "closing-transaction" ? cooperativeClosure(state.channel) : ofCommitment;
  const proposals = state.kind === "negotiating" ? state.proposals : [];
  return forceClose(state.channel, reason, { broadcast: false, proposals });
}

/** The channel's monitor takes in no update any more, and has not said why. */
export function watchRefused(state: ConnectedState): Outcome {
  const error = "the channel's monitor has locked itself: it takes in no further commitment";
  const proposals = state.kind === "negotiating" ? state.proposals : [];
  return forceClose(state.channel, { kind: "processing-error", error }, { broadcast: false, proposals });
}

/** What the user and the manager hear of when a funded channel ends. */
export function closedActions(channel: FundedChannel, reason: ClosureReason): readonly ChannelAction[] {
  const { identity, commitments } = channel;
  const funding = present(commitments.fundings[0], "a funding");
  return [
    { kind: "usability-changed" },
    {
      kind: "event",
      event: {
        kind: "channel-closed",
        channelId: commitments.channelId,
        counterparty: identity.counterparty,
        userChannelId: identity.userChannelId,
        reason,
        capacity: funding.capacity,
        lastLocalBalance: funding.localBalance,
        funding: funding.outPoint,
      },
    },
    { kind: "closed", reason },
  ];
}

/** Carries out the verdict on a message of the peer that a connected channel refuses. */
export function punish<S extends ConnectedState>(state: S, refusal: ChannelRefusal): Outcome {
  const { channelId } = state.channel.commitments;
  const text = `${refusal.code}: ${refusal.text}`;
  switch (refusal.verdict) {
    case "ignore":
      return { state, actions: [{ kind: "log", level: "debug", text }] };
    case "warn":
      return {
        state,
        actions: [{ kind: "log", level: "warn", text }, send(complaint("warning", channelId, text))],
      };
    case "disconnect":
      return {
        state,
        actions: [
          { kind: "log", level: "warn", text },
          send(complaint("warning", channelId, text)),
          { kind: "disconnect" },
        ],
      };
    case "close":
      return forceClose(state.channel, refusal.reason ?? { kind: "processing-error", error: text }, {
        broadcast: true,
        tellPeer: text,
        proposals: state.kind === "negotiating" ? state.proposals : [],
      });
  }
}

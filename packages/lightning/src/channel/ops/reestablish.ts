import type { Commitments } from "../../commitment/commitments.ts";
import { forgetUnsigned, lastRemoteSecret } from "../../commitment/dance.ts";
import type { Htlc } from "../../commitment/htlc.ts";
import { isPerCommitmentSecret } from "../../crypto/keyDerivation.ts";
import type { SigningAnswer } from "../../sign/channelSigner.ts";
import type { Bytes32, Point } from "../../util/bytes.ts";
import { invariant } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type { ChannelReestablish, LightningMessage } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import type { Resolution } from "../disposition.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { FundedChannel, SigningTask } from "../state.ts";
import {
  type AnswerOf,
  type ChannelChange,
  commitmentMessages,
  outgoingOf,
  resendRevocation,
  resignCommitment,
  send,
} from "./commit.ts";
import { addMessage, removeMessage } from "./htlcs.ts";

/** The connection is gone: both sides forget what no signature covers, and the sources of our offers decide anew. */
export function forgetUnsignedUpdates(channel: FundedChannel): ChannelChange {
  const { commitments, dropped } = forgetUnsigned(channel.commitments);
  const actions = dropped.map((htlc): ChannelAction => {
    const { source } = outgoingOf(channel, htlc);
    return { kind: "htlc-dropped", amount: htlc.amount, paymentHash: htlc.paymentHash, source };
  });
  const known = new Set(commitments.htlcs.map(({ direction, id }) => `${direction}${id}`));
  return {
    channel: {
      ...channel,
      commitments,
      incoming: channel.incoming.filter(({ id }) => known.has(`incoming${id}`)),
      outgoing: channel.outgoing.filter(({ id }) => known.has(`outgoing${id}`)),
    },
    actions,
  };
}

/** `channel_reestablish` (BOLT 2, "Message Retransmission"): what we have, and what we expect next. */
export function reestablishMessage(commitments: Commitments): LightningMessage {
  return {
    type: "channel_reestablish",
    channelId: commitments.channelId,
    nextCommitmentNumber: BigInt(commitments.localNumber) + 1n,
    nextRevocationNumber: BigInt(commitments.remoteNumber),
    yourLastPerCommitmentSecret: (lastRemoteSecret(commitments) ?? new Uint8Array(32)) as Bytes32,
    myCurrentPerCommitmentPoint: commitments.localPoints[0],
    tlvs: {},
  };
}

/** What the peer's `channel_reestablish` says. */
export type Reestablished =
  /** Both go on; `tasks` are what the peer has not got, in the order in which it must get it. */
  | { readonly kind: "in-step"; readonly tasks: readonly SigningTask[]; readonly resendReady: boolean }
  /** The peer proved that it is ahead of us: our state is old and must never be broadcast. */
  | { readonly kind: "we-are-behind" };

/**
 * Compares the peer's counters with ours. `ourPoint` is our point of the commitment whose secret the peer shows,
 * `nextRevocationNumber - 1`; absent when the peer shows none.
 */
export function compareCounters(
  commitments: Commitments,
  message: ChannelReestablish,
  ourPoint: Point | undefined,
): Result<Reestablished, ChannelRefusal> {
  const { nextCommitmentNumber, nextRevocationNumber } = message;
  const refuse = (verdict: ChannelRefusal["verdict"], code: string, text: string) =>
    err(refusal(verdict, code, text));
  if (nextCommitmentNumber === 0n || nextCommitmentNumber >= 1n << 48n) {
    return refuse("close", "invalid-commitment-number", `next_commitment_number ${nextCommitmentNumber}`);
  }
  const revoked = BigInt(commitments.localNumber);
  const secret = message.yourLastPerCommitmentSecret;
  if (nextRevocationNumber > 0n && (ourPoint === undefined || !isPerCommitmentSecret(secret, ourPoint))) {
    return refuse(
      "close",
      "wrong-last-secret",
      `the secret shown for commitment ${nextRevocationNumber - 1n} is not ours`,
    );
  }
  // It knows a secret of a commitment that we do not remember to have revoked (`option_data_loss_protect`).
  if (nextRevocationNumber > revoked) return ok({ kind: "we-are-behind" });
  if (nextRevocationNumber + 1n < revoked) {
    return refuse(
      "warn",
      "peer-is-behind",
      `the peer expects revocation ${nextRevocationNumber}, ${revoked} were sent`,
    );
  }
  const lastSigned = BigInt(commitments.remoteNext?.number ?? commitments.remoteNumber);
  if (nextCommitmentNumber > lastSigned + 1n) {
    return refuse(
      "close",
      "commitment-number-ahead",
      `the peer claims commitment ${nextCommitmentNumber - 1n}, ${lastSigned} was signed`,
    );
  }
  if (nextCommitmentNumber < BigInt(commitments.remoteNumber) + 1n) {
    return refuse(
      "warn",
      "peer-is-behind",
      `the peer expects commitment ${nextCommitmentNumber}, it has revoked up to ${commitments.remoteNumber}`,
    );
  }
  const resendCommitment = commitments.remoteNext !== undefined && nextCommitmentNumber === lastSigned;
  const resendSecret = nextRevocationNumber + 1n === revoked;
  const tasks: SigningTask[] = [];
  if (resendSecret) tasks.push(resendRevocation(commitments));
  if (resendCommitment) {
    const task = resignCommitment(commitments);
    // They leave in the order in which they left before (BOLT 2, "Message Retransmission").
    if (commitments.remoteNext?.revocationAfter === true) tasks.unshift(task);
    else tasks.push(task);
  }
  const resendReady = nextCommitmentNumber === 1n && commitments.localNumber === 0;
  return ok({ kind: "in-step", tasks, resendReady });
}

/**
 * The commitment once more: its updates, then the signatures. Removals and the fee come before the adds, which those
 * may have paid for; the adds come in the order of their ids.
 */
export function resendCommitment(
  channel: FundedChannel,
  answer: AnswerOf<"counterparty-commitment">,
): readonly ChannelAction[] {
  const { commitments } = channel;
  const messages: LightningMessage[] = [];
  for (const htlc of commitments.htlcs) {
    if (htlc.state !== "sent-remove-commit") continue;
    messages.push(removeMessage(channel, htlc.id, resolutionOf(channel, htlc)));
  }
  const fee = commitments.feerates.find(({ state }) => state === "sent-add-commit");
  if (fee !== undefined) {
    const { channelId } = commitments;
    messages.push({ type: "update_fee", channelId, feeratePerKw: fee.feerate });
  }
  for (const htlc of commitments.htlcs) {
    if (htlc.state === "sent-add-commit") messages.push(addMessage(channel, htlc, outgoingOf(channel, htlc)));
  }
  messages.push(...commitmentMessages(commitments, answer));
  return messages.map(send);
}

/** The last `revoke_and_ack` once more. */
export function resentRevocation(
  channel: FundedChannel,
  answer: Extract<SigningAnswer, { kind: "revocation" }>,
): ChannelAction {
  const { channelId, localPoints } = channel.commitments;
  return send({
    type: "revoke_and_ack",
    channelId,
    perCommitmentSecret: answer.secret as Bytes32,
    nextPerCommitmentPoint: localPoints[1],
  });
}

/** What the peer was told of an incoming HTLC. */
function resolutionOf(channel: FundedChannel, { id }: Htlc): Resolution {
  const disposition = channel.incoming.find((incoming) => incoming.id === id)?.disposition;
  invariant(disposition?.kind === "resolved", `HTLC ${id} was removed and is not resolved`);
  return disposition.resolution;
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { type BuiltCommitment, buildCommitment, type FundingOutput } from "../../commitment/build.ts";
import type { ActiveFunding, Commitments, LocalCommitment } from "../../commitment/commitments.ts";
import {
  commitmentReceived,
  commitmentSent,
  hasChangesToSign,
  nextLocalNumber,
  nextRemoteNumber,
  revocationReceived,
  revocationSent,
} from "../../commitment/dance.ts";
import type { Htlc } from "../../commitment/htlc.ts";
import { type CommitmentKeys, commitmentKeys } from "../../commitment/keys.ts";
import { commitmentSighash, htlcSighash } from "../../commitment/signatures.ts";
import { specOf } from "../../commitment/spec.ts";
import type { ChannelMonitorUpdateStep, UpdateRef } from "../../onchain/channelMonitorUpdate.ts";
import type { SigningAnswer } from "../../sign/channelSigner.ts";
import type { Bytes32 } from "../../util/bytes.ts";
import { type CommitmentNumber, commitmentNumber } from "../../util/ids.ts";
import { invariant, present } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type { CommitmentSigned, LightningMessage, RevokeAndAck } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { isTooLateToOffer } from "../deadlines.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { FundedChannel, SignerContinuation, SigningTask } from "../state.ts";
import { counterpartyCommitmentStep, holderCommitmentStep, nextUpdate } from "./monitorUpdate.ts";

/** The answer to a request, of the kind that was asked for. */
export type AnswerOf<K extends SigningAnswer["kind"]> = Extract<SigningAnswer, { readonly kind: K }>;
type ThenOf<K extends SignerContinuation["kind"]> = Extract<SignerContinuation, { readonly kind: K }>;

/** A channel after a step of the dance, and what the step asks for. */
export interface ChannelChange {
  readonly channel: FundedChannel;
  readonly actions: readonly ChannelAction[];
}

export function fundingOutput(funding: ActiveFunding): FundingOutput {
  const { outPoint, capacity, localKey, remoteKey } = funding;
  return { outPoint, capacity, localKey, remoteKey };
}

/**
 * Whether `commitment_signed` may be sent: something changed and the peer owes no revocation (BOLT 2). Nothing is
 * signed with an offer that the peer has kept from being signed for too long: `newBlock` takes it back.
 */
export function canSign(commitments: Commitments, height: number): boolean {
  return (
    commitments.remoteNext === undefined &&
    commitments.remoteNextPoint !== undefined &&
    hasChangesToSign(commitments) &&
    lateOffer(commitments, height) === undefined
  );
}

/** An HTLC of ours that was offered, is not signed, and must not be any more. */
export function lateOffer({ htlcs }: Commitments, height: number): Htlc | undefined {
  return htlcs.find(
    ({ state, cltvExpiry }) => state === "sent-add-htlc" && isTooLateToOffer(cltvExpiry, height),
  );
}

/** Asks for the signatures of the peer's next commitment. */
export function signCommitment(commitments: Commitments): SigningTask {
  const point = present(commitments.remoteNextPoint, "the peer's next point");
  const number = nextRemoteNumber(commitments);
  const keys = commitmentKeys(commitments.params, "remote", point);
  const built = buildAll(commitments, { side: "remote", number, keys, which: "next" });
  return {
    request: {
      kind: "counterparty-commitment",
      number,
      point,
      commitments: withFundings(commitments, built),
      preimages: fulfilledBy(commitments),
    },
    continuation: {
      kind: "send-commitment",
      txids: built.map(({ txid }) => txid),
    },
  };
}

/** Asks once more for the signatures of the commitment that the peer may not have got. */
export function resignCommitment(commitments: Commitments): SigningTask {
  const signed = present(commitments.remoteNext, "a signed commitment");
  const { number } = signed;
  const point = present(commitments.remoteNextPoint, "the peer's next point");
  const keys = commitmentKeys(commitments.params, "remote", point);
  const built = buildAll(commitments, { side: "remote", number, keys, which: number });
  commitments.fundings.forEach((funding, i) => {
    invariant(
      built[i]?.txid === funding.remoteNextTxid,
      `commitment ${number} would not be signed as it was: ${built[i]?.txid} for ${funding.remoteNextTxid}`,
    );
  });
  return {
    request: {
      kind: "counterparty-commitment",
      number,
      point,
      commitments: withFundings(commitments, built),
      preimages: [],
    },
    continuation: { kind: "resend-commitment" },
  };
}

/** The signer signed the peer's next commitment: store what was signed, then send it. */
export function sendCommitment(
  channel: FundedChannel,
  { txids }: ThenOf<"send-commitment">,
  answer: AnswerOf<"counterparty-commitment">,
): ChannelChange {
  const step = commitmentSent(channel.commitments, txids);
  const steps = [counterpartyCommitmentStep(step.commitments, step.removed)];
  const next = nextUpdate({ ...channel, commitments: step.commitments }, steps);
  const number = step.commitments.remoteNext?.number;
  const signed = step.commitments.htlcs.filter(
    (htlc) =>
      htlc.direction === "outgoing" && htlc.remote.entered === number && htlc.remote.left === undefined,
  );
  return {
    channel: next.channel,
    actions: [
      { kind: "persist", left: step.removed },
      { kind: "watch-update", update: next.update },
      {
        kind: "htlcs-signed",
        htlcs: signed.map((htlc) => ({ htlcId: htlc.id, source: outgoingOf(channel, htlc).source })),
      },
      ...commitmentMessages(step.commitments, answer).map(send),
    ],
  };
}

/** `commitment_signed`, or a batch of one for each active funding (BOLT 2, "Batching channel messages"). */
export function commitmentMessages(
  commitments: Commitments,
  answer: AnswerOf<"counterparty-commitment">,
): readonly LightningMessage[] {
  const { channelId, fundings } = commitments;
  const many = fundings.length > 1;
  const signed: LightningMessage[] = fundings.map((funding, i) => {
    const { signature, htlcSignatures } = present(answer.signatures[i], "a signature for each funding");
    const tlvs = many ? { fundingTxid: funding.outPoint.txid } : {};
    return { type: "commitment_signed", channelId, signature, htlcSignatures, tlvs };
  });
  if (!many) return signed;
  const batch: LightningMessage = {
    type: "start_batch",
    channelId,
    batchSize: signed.length,
    tlvs: { messageType: 132 },
  };
  return [batch, ...signed];
}

/**
 * Checks the peer's signatures of our next commitment, one message for each active funding, and asks to revoke the
 * present one.
 */
export function receiveCommitment(
  commitments: Commitments,
  messages: readonly CommitmentSigned[],
): Result<SigningTask, ChannelRefusal> {
  const number = nextLocalNumber(commitments);
  const point = commitments.localPoints[1];
  const keys = commitmentKeys(commitments.params, "local", point);
  const built = buildAll(commitments, { side: "local", number, keys, which: "next" });
  const signed: LocalCommitment[] = [];
  for (const [i, funding] of commitments.fundings.entries()) {
    const mine =
      messages.length === 1 && commitments.fundings.length === 1
        ? messages[0]
        : messageFor(messages, funding);
    if (mine === undefined) {
      return err(refusal("close", "funding-not-signed", `no signature for funding ${funding.outPoint.txid}`));
    }
    // Updates that cross may come to that. The commitment before can be published, and stays ours.
    if (built[i]?.transaction.outputs.length === 0) {
      return err(refusal("close", "no-output-left", "our commitment would have no output left"));
    }
    const verified = verifyCommitment(present(built[i], "a commitment"), funding, {
      message: mine,
      keys,
    });
    if (!verified.ok) return verified;
    signed.push(verified.value);
  }
  const received = commitmentReceived(commitments);
  return ok({
    request: {
      kind: "revocation",
      number: commitments.localNumber,
      pointNumber: commitmentNumber(number + 2),
      next: withFundings(commitments, built).map((commitment, i) => {
        const { signature, htlcSignatures } = present(signed[i], "a signature");
        return { ...commitment, signature, htlcSignatures: htlcSignatures.map((htlc) => htlc.signature) };
      }),
    },
    continuation: { kind: "send-revocation", received, signed },
  });
}

/** The signer gave the secret: store our new commitment, then revoke the old one. */
export function sendRevocation(
  channel: FundedChannel,
  { received, signed }: ThenOf<"send-revocation">,
  answer: AnswerOf<"revocation">,
): ChannelChange {
  const nextPoint = received.commitments.localPoints[2];
  const step = revocationSent(received.commitments, answer.point);
  const removed = [...received.removed, ...step.removed];
  const gone = new Set(removed.map(({ id }) => id));
  const steps = [holderCommitmentStep(step.commitments, signed, removed)];
  const next = nextUpdate({ ...channel, commitments: step.commitments }, steps);
  return {
    channel: {
      ...next.channel,
      incoming: next.channel.incoming.filter(({ id }) => !gone.has(id as Htlc["id"])),
    },
    actions: [
      { kind: "persist", left: removed },
      { kind: "watch-update", update: next.update },
      send({
        type: "revoke_and_ack",
        channelId: channel.commitments.channelId,
        perCommitmentSecret: answer.secret as Bytes32,
        nextPerCommitmentPoint: nextPoint,
      }),
      ...removed.map((htlc): ChannelAction => ({ kind: "incoming-htlc-gone", htlc })),
    ],
  };
}

/** Asks for the secret of our last revoked commitment again. */
export function resendRevocation(commitments: Commitments): SigningTask {
  return {
    request: {
      kind: "revocation",
      number: commitmentNumber(commitments.localNumber - 1),
      pointNumber: commitmentNumber(commitments.localNumber + 1),
      next: [],
    },
    continuation: { kind: "resend-revocation" },
  };
}

/** The peer revoked: its changes of ours are irrevocable now. */
export function receiveRevocation(
  channel: FundedChannel,
  message: RevokeAndAck,
): Result<ChannelChange, ChannelRefusal> {
  const { perCommitmentSecret, nextPerCommitmentPoint } = message;
  const number = channel.commitments.remoteNumber;
  const result = revocationReceived(channel.commitments, perCommitmentSecret, nextPerCommitmentPoint);
  if (!result.ok) {
    return err(
      refusal("close", result.error, `revoke_and_ack of commitment ${number} refused: ${result.error}`),
    );
  }
  const step = result.value;
  const gone = step.removed.map((htlc) => ({ htlc, outgoing: outgoingOf(channel, htlc) }));
  const after = gone.flatMap(({ outgoing }) => (outgoing.upstream === undefined ? [] : [outgoing.upstream]));
  const steps: ChannelMonitorUpdateStep[] = [
    { kind: "commitment-secret", number, secret: perCommitmentSecret },
  ];
  const next = nextUpdate({ ...channel, commitments: step.commitments }, steps, uniqueRefs(after));
  const left = new Set(step.removed.map(({ id }) => id));
  return ok({
    channel: {
      ...next.channel,
      outgoing: next.channel.outgoing.filter(({ id }) => !left.has(id as Htlc["id"])),
    },
    actions: [
      { kind: "persist", left: step.removed },
      { kind: "watch-update", update: next.update },
      ...gone.map(
        ({ htlc, outgoing }): ChannelAction => ({ kind: "htlc-removed", htlc, source: outgoing.source }),
      ),
      ...step.added.flatMap((htlc) => addedAction(channel, htlc)),
    ],
  });
}

export function send(message: LightningMessage): ChannelAction {
  return { kind: "send", message };
}

/** Who asked for an outgoing HTLC; one without a source is a bug. */
export function outgoingOf(channel: FundedChannel, htlc: Htlc): FundedChannel["outgoing"][number] {
  return present(
    channel.outgoing.find(({ id }) => id === htlc.id),
    `the source of outgoing HTLC ${htlc.id}`,
  );
}

function addedAction(channel: FundedChannel, htlc: Htlc): ChannelAction[] {
  const incoming = present(
    channel.incoming.find(({ id }) => id === htlc.id),
    `the record of incoming HTLC ${htlc.id}`,
  );
  return incoming.disposition.kind === "undecided" ? [{ kind: "htlc-added", htlc, incoming }] : [];
}

/** The same commitment, with the same keys, for every active funding. */
function buildAll(
  commitments: Commitments,
  what: {
    readonly side: "local" | "remote";
    readonly number: CommitmentNumber;
    readonly keys: CommitmentKeys;
    readonly which: "next" | CommitmentNumber;
  },
): readonly BuiltCommitment[] {
  const { params, fundings } = commitments;
  const { side, number, keys, which } = what;
  return fundings.map((funding) => {
    const spec = specOf(commitments, funding, side, which);
    return buildCommitment({ params, side, funding, number, keys, spec });
  });
}

function withFundings(
  commitments: Commitments,
  built: readonly BuiltCommitment[],
): readonly { readonly funding: FundingOutput; readonly built: BuiltCommitment }[] {
  return commitments.fundings.map((funding, i) => ({
    funding: fundingOutput(funding),
    built: present(built[i], "a commitment for each funding"),
  }));
}

function messageFor(
  messages: readonly CommitmentSigned[],
  funding: ActiveFunding,
): CommitmentSigned | undefined {
  return messages.find(({ tlvs }) => tlvs.fundingTxid === funding.outPoint.txid);
}

/** BOLT 2, "Committing Updates So Far": every signature is checked before anything else happens. */
function verifyCommitment(
  built: BuiltCommitment,
  funding: ActiveFunding,
  by: { readonly message: CommitmentSigned; readonly keys: CommitmentKeys },
): Result<LocalCommitment, ChannelRefusal> {
  const { message, keys } = by;
  const refuse = (code: string, text: string) => err(refusal("close", code, text));
  if (
    !crypto().ecdsaVerify(message.signature, commitmentSighash(built, funding.capacity), funding.remoteKey)
  ) {
    return refuse("invalid-commitment-signature", `invalid signature of our commitment ${built.txid}`);
  }
  if (message.htlcSignatures.length !== built.htlcs.length) {
    const text = `${message.htlcSignatures.length} HTLC signatures for ${built.htlcs.length} HTLC outputs`;
    return refuse("wrong-number-of-htlc-signatures", text);
  }
  const htlcSignatures: LocalCommitment["htlcSignatures"][number][] = [];
  for (const [i, htlc] of built.htlcs.entries()) {
    const signature = present(message.htlcSignatures[i], "a signature for each HTLC");
    if (!crypto().ecdsaVerify(signature, htlcSighash(built, i), keys.otherHtlc)) {
      return refuse("invalid-htlc-signature", `invalid signature for HTLC ${htlc.id} on ${built.txid}`);
    }
    htlcSignatures.push({ direction: htlc.direction, id: htlc.id, signature });
  }
  return ok({ txid: built.txid, signature: message.signature, htlcSignatures });
}

/** Preimages of incoming HTLCs that the peer's next commitment no longer has because we fulfilled them. */
function fulfilledBy(commitments: Commitments): readonly Uint8Array[] {
  return commitments.htlcs.flatMap(({ state, removal }) =>
    state === "sent-remove-htlc" && removal?.kind === "fulfill" ? [removal.preimage] : [],
  );
}

function uniqueRefs(refs: readonly UpdateRef[]): readonly UpdateRef[] {
  return refs.filter(
    (ref, i) =>
      refs.findIndex((other) => other.channelId === ref.channelId && other.updateId === ref.updateId) === i,
  );
}

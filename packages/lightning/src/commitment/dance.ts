import { isPerCommitmentSecret } from "../crypto/keyDerivation.ts";
import { insertSecret, secretFor } from "../crypto/shachain.ts";
import type { Bytes32, Point } from "../util/bytes.ts";
import { type CommitmentNumber, commitmentNumber, htlcId, type Txid } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type FeeratePerKw, type Msat, minus, plus } from "../util/units.ts";
import type { ActiveFunding, Commitments, FeeUpdate } from "./commitments.ts";
import type { Htlc, HtlcDirection, HtlcRemoval } from "./htlc.ts";
import { afterMove, type DanceMove, danceMoves, htlcStates } from "./htlcState.ts";

/** A step of the dance, and what became final by it. */
export interface DanceStep {
  readonly commitments: Commitments;
  /** Incoming HTLCs whose addition is irrevocable since this step: now they may be forwarded or claimed. */
  readonly added: readonly Htlc[];
  /** HTLCs whose removal is irrevocable since this step; they have left the table. */
  readonly removed: readonly Htlc[];
}

/** The fixed part of a new HTLC; the table gives the id. */
export type NewHtlc = Pick<Htlc, "amount" | "paymentHash" | "cltvExpiry">;

/**
 * Adds an HTLC that we offer (`outgoing`) or that the peer offers. Limits are the caller's to check, see `limits.ts`.
 */
export function addHtlc(commitments: Commitments, direction: HtlcDirection, add: NewHtlc): Commitments {
  const outgoing = direction === "outgoing";
  const id = outgoing ? commitments.nextLocalHtlcId : commitments.nextRemoteHtlcId;
  const htlc: Htlc = {
    direction,
    id,
    amount: add.amount,
    paymentHash: add.paymentHash,
    cltvExpiry: add.cltvExpiry,
    state: outgoing ? "sent-add-htlc" : "received-add-htlc",
    local: {},
    remote: {},
  };
  const next = htlcId(id + 1n);
  return {
    ...commitments,
    htlcs: [...commitments.htlcs, htlc],
    ...(outgoing ? { nextLocalHtlcId: next } : { nextRemoteHtlcId: next }),
  };
}

/** The row of an HTLC, or `undefined`. */
export function findHtlc(commitments: Commitments, direction: HtlcDirection, id: bigint): Htlc | undefined {
  return commitments.htlcs.find((htlc) => htlc.id === id && htlc.direction === direction);
}

/** Whether the receiver of `htlc` may remove it now: BOLT 2 forbids it before the addition is irrevocable. */
export function isRemovable(htlc: Htlc): boolean {
  return htlc.state === "sent-add-ack-revocation" || htlc.state === "received-add-ack-revocation";
}

/** Removes an irrevocably added HTLC: an incoming one by our word, an outgoing one by the peer's. */
export function removeHtlc(commitments: Commitments, htlc: Htlc, removal: HtlcRemoval): Commitments {
  invariant(isRemovable(htlc), `HTLC ${htlc.id} cannot be removed in state ${htlc.state}`);
  const state = htlc.direction === "incoming" ? "sent-remove-htlc" : "received-remove-htlc";
  return replaceHtlc(commitments, htlc, { ...htlc, state, removal });
}

/** A new feerate, proposed by the opener. One that was not signed yet is replaced. */
export function updateFee(commitments: Commitments, feerate: FeeratePerKw): Commitments {
  const state = commitments.params.isOpener ? "sent-add-htlc" : "received-add-htlc";
  const signed = commitments.feerates.filter((update) => update.state !== state);
  return { ...commitments, feerates: [...signed, { feerate, state }] };
}

/** Whether the peer's next commitment, if we signed it now, would differ from the last one that we signed. */
export function hasChangesToSign(commitments: Commitments): boolean {
  return hasChanges(commitments, "commitment-sent");
}

/** Whether nothing is in flight on either side: no HTLC, no fee update, no revocation awaited. */
export function isSettled(commitments: Commitments): boolean {
  return (
    commitments.htlcs.length === 0 &&
    commitments.feerates.length === 1 &&
    commitments.remoteNext === undefined &&
    !hasChangesToSign(commitments)
  );
}

/** The number of the peer's next commitment. */
export function nextRemoteNumber(commitments: Commitments): CommitmentNumber {
  return commitmentNumber(commitments.remoteNumber + 1);
}

/** The number of our next commitment. */
export function nextLocalNumber(commitments: Commitments): CommitmentNumber {
  return commitmentNumber(commitments.localNumber + 1);
}

/** The feerate that `side`'s next commitment has. */
export function nextFeerate(commitments: Commitments, side: "local" | "remote"): FeeratePerKw {
  const flag = side === "local" ? "inLocal" : "inRemote";
  const update = commitments.feerates.findLast(({ state }) => htlcStates[state][flag]);
  invariant(update !== undefined, "a side without a feerate");
  return update.feerate;
}

/**
 * We signed the peer's commitment `nextRemoteNumber`, of its point `remoteNextPoint`; `txids` has one for each active
 * funding.
 */
export function commitmentSent(commitments: Commitments, txids: readonly Txid[]): DanceStep {
  invariant(commitments.remoteNext === undefined, "signed twice without a revocation");
  invariant(commitments.remoteNextPoint !== undefined, "signed without a point");
  const number = nextRemoteNumber(commitments);
  const feerate = nextFeerate(commitments, "remote");
  const fundings = commitments.fundings.map((funding, i) => {
    const remoteNextTxid = txids[i];
    invariant(remoteNextTxid !== undefined, "a funding was not signed");
    return { ...funding, remoteNextTxid };
  });
  const remoteNext = { number, feerate, revocationAfter: false };
  return applyMove({ ...commitments, fundings, remoteNext }, "commitment-sent", number);
}

/** The peer signed our commitment `nextLocalNumber`, for each active funding. */
export function commitmentReceived(commitments: Commitments): DanceStep {
  const number = nextLocalNumber(commitments);
  return applyMove({ ...commitments, localNumber: number }, "commitment-received", number);
}

/** We revoked the commitment before `localNumber`; `point` is our per-commitment point of `localNumber + 2`. */
export function revocationSent(commitments: Commitments, point: Point): DanceStep {
  const [, current, next] = commitments.localPoints;
  const { remoteNext, ...rest } = commitments;
  const moved: Commitments = {
    ...rest,
    localPoints: [current, next, point],
    ...(remoteNext && { remoteNext: { ...remoteNext, revocationAfter: true } }),
  };
  return applyMove(moved, "revocation-sent");
}

/** Why a `revoke_and_ack` is refused; each is a violation by the peer. */
export type RevocationError =
  | "unexpected-revocation"
  | "secret-does-not-match-point"
  | "secret-does-not-derive-older-ones";

/** The peer revoked its commitment `remoteNumber`. */
export function revocationReceived(
  commitments: Commitments,
  secret: Bytes32,
  nextPoint: Point,
): Result<DanceStep, RevocationError> {
  const { remoteNext, remoteNextPoint, ...rest } = commitments;
  if (remoteNext === undefined || remoteNextPoint === undefined) return err("unexpected-revocation");
  if (!isPerCommitmentSecret(secret, commitments.remotePoint)) return err("secret-does-not-match-point");
  const inserted = insertSecret(commitments.remoteSecrets, commitments.remoteNumber, secret);
  if (!inserted.ok) return err("secret-does-not-derive-older-ones");
  const fundings = commitments.fundings.map(({ remoteNextTxid: _, ...funding }) => funding);
  const moved: Commitments = {
    ...rest,
    fundings,
    remoteNumber: remoteNext.number,
    remotePoint: remoteNextPoint,
    remoteNextPoint: nextPoint,
    remoteSecrets: inserted.value,
  };
  return ok(applyMove(moved, "revocation-received"));
}

/** The secret of the peer's last revoked commitment, or `undefined` when none was revoked yet. */
export function lastRemoteSecret(commitments: Commitments): Uint8Array | undefined {
  if (commitments.remoteNumber === 0) return undefined;
  return secretFor(commitments.remoteSecrets, commitmentNumber(commitments.remoteNumber - 1));
}

/**
 * The connection broke: updates that no signature covers are forgotten on both sides (BOLT 2, "Message
 * Retransmission"). `dropped` are the HTLCs that we had offered; their source decides anew.
 */
export function forgetUnsigned(commitments: Commitments): {
  commitments: Commitments;
  dropped: readonly Htlc[];
} {
  const htlcs: Htlc[] = [];
  const dropped: Htlc[] = [];
  let { nextLocalHtlcId, nextRemoteHtlcId } = commitments;
  for (const htlc of commitments.htlcs) {
    if (htlc.state === "sent-add-htlc") {
      dropped.push(htlc);
      if (htlc.id < nextLocalHtlcId) nextLocalHtlcId = htlc.id;
    } else if (htlc.state === "received-add-htlc") {
      if (htlc.id < nextRemoteHtlcId) nextRemoteHtlcId = htlc.id;
    } else if (htlc.state === "sent-remove-htlc" || htlc.state === "received-remove-htlc") {
      const { removal: _, ...kept } = htlc;
      const state = htlc.direction === "incoming" ? "received-add-ack-revocation" : "sent-add-ack-revocation";
      htlcs.push({ ...kept, state });
    } else {
      htlcs.push(htlc);
    }
  }
  const feerates = commitments.feerates.filter(
    ({ state }) => state !== "sent-add-htlc" && state !== "received-add-htlc",
  );
  return { commitments: { ...commitments, htlcs, feerates, nextLocalHtlcId, nextRemoteHtlcId }, dropped };
}

function hasChanges({ htlcs, feerates }: Commitments, move: DanceMove): boolean {
  const transitions = danceMoves[move];
  return (
    htlcs.some(({ state }) => state in transitions) || feerates.some(({ state }) => state in transitions)
  );
}

function replaceHtlc(commitments: Commitments, old: Htlc, htlc: Htlc): Commitments {
  return { ...commitments, htlcs: commitments.htlcs.map((row) => (row === old ? htlc : row)) };
}

/** Advances every row by `move`. `number` is that of the commitment which a signature made, absent for revocations. */
function applyMove(commitments: Commitments, move: DanceMove, number?: CommitmentNumber): DanceStep {
  const htlcs: Htlc[] = [];
  const added: Htlc[] = [];
  const removed: Htlc[] = [];
  for (const htlc of commitments.htlcs) {
    const state = afterMove(htlc.state, move);
    if (state === htlc.state) {
      htlcs.push(htlc);
      continue;
    }
    const moved =
      number === undefined ? { ...htlc, state } : signedInto({ ...htlc, state }, htlc, { move, number });
    if (htlcStates[state].removeCommitted) removed.push(moved);
    else htlcs.push(moved);
    if (state === "received-add-ack-revocation") added.push(moved);
  }
  const fundings = settleBalances(commitments.fundings, removed);
  const feerates = committedFees(
    commitments.feerates.map((fee) => ({ ...fee, state: afterMove(fee.state, move) })),
  );
  return { commitments: { ...commitments, htlcs, fundings, feerates }, added, removed };
}

/** Notes in which commitment a row appeared or disappeared by a signature. */
function signedInto(
  moved: Htlc,
  before: Htlc,
  by: { readonly move: DanceMove; readonly number: CommitmentNumber },
): Htlc {
  const removing = htlcStates[before.state].addCommitted;
  if (by.move === "commitment-sent") {
    return { ...moved, remote: removing ? { ...moved.remote, left: by.number } : { entered: by.number } };
  }
  return { ...moved, local: removing ? { ...moved.local, left: by.number } : { entered: by.number } };
}

/** Moves the amounts of fulfilled HTLCs from their senders to their receivers. */
function settleBalances(
  fundings: readonly ActiveFunding[],
  removed: readonly Htlc[],
): readonly ActiveFunding[] {
  let received = 0n as Msat;
  let sent = 0n as Msat;
  for (const htlc of removed) {
    if (htlc.removal?.kind !== "fulfill") continue;
    if (htlc.direction === "incoming") received = plus(received, htlc.amount);
    else sent = plus(sent, htlc.amount);
  }
  if (received === 0n && sent === 0n) return fundings;
  return fundings.map((funding) => ({
    ...funding,
    localBalance: minus(plus(funding.localBalance, received), sent),
    remoteBalance: minus(plus(funding.remoteBalance, sent), received),
  }));
}

/**
 * Drops the feerates that no commitment has any more: all before the last one that is irrevocable on both sides, and
 * those that go the same way as a later one. The opener may set hundreds before it revokes anything.
 */
function committedFees(feerates: readonly FeeUpdate[]): readonly FeeUpdate[] {
  const last = feerates.findLastIndex(({ state }) => htlcStates[state].addCommitted);
  return feerates.slice(Math.max(last, 0)).filter(({ state }, i, all) => all[i + 1]?.state !== state);
}

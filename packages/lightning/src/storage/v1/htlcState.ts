import type { Htlc, HtlcInterval } from "../../commitment/htlc.ts";
import type { HtlcState } from "../../commitment/htlcState.ts";

/** The commitments that were signed so far. */
export interface SignedNumbers {
  /** Of our latest commitment that the peer signed; all before it are revoked. */
  readonly localNumber: number;
  /** Of the peer's latest commitment that it has not revoked. */
  readonly remoteNumber: number;
  /** Of the peer's latest commitment that we signed: `remoteNumber`, or one more while a revocation is awaited. */
  readonly remoteSigned: number;
}

/**
 * The named state of an HTLC that at least one signature covers, from the commitments that have it. Five facts count,
 * since we revoke in the very step in which the peer signs: whether it is on our commitment and whether it has left
 * it; on the peer's, the same two; and whether the peer has revoked the one before. `undefined` when no dance leads
 * there.
 *
 * An update that no signature covers is no part of a record, so the states before a signature never come out.
 */
export function deriveHtlcState(
  { direction, local, remote }: Pick<Htlc, "direction" | "local" | "remote">,
  numbers: SignedNumbers,
): HtlcState | undefined {
  const { localNumber, remoteNumber, remoteSigned } = numbers;
  const ours = standing(local, { revokedTo: localNumber, signed: localNumber });
  const theirs = standing(remote, { revokedTo: remoteNumber, signed: remoteSigned });
  if (theirs === undefined || ours === undefined) return undefined;
  return (direction === "outgoing" ? outgoingStates : incomingStates)[`${ours} ${theirs}`];
}

/** Where an HTLC stands on one side's commitments: entering or leaving as long as a revocation is awaited. */
type Standing = "absent" | "entering" | "there" | "leaving" | "gone";

/** By where it stands on our commitments, then on the peer's. We never wait for a revocation of our own. */
const outgoingStates: Readonly<Partial<Record<`${Standing} ${Standing}`, HtlcState>>> = {
  "absent entering": "sent-add-commit",
  "absent there": "received-add-revocation",
  "there there": "sent-add-ack-revocation",
  "gone there": "sent-remove-revocation",
  "gone leaving": "sent-remove-ack-commit",
  "gone gone": "received-remove-ack-revocation",
};

const incomingStates: Readonly<Partial<Record<`${Standing} ${Standing}`, HtlcState>>> = {
  "there absent": "sent-add-revocation",
  "there entering": "sent-add-ack-commit",
  "there there": "received-add-ack-revocation",
  "there leaving": "sent-remove-commit",
  "there gone": "received-remove-revocation",
  "gone gone": "sent-remove-ack-revocation",
};

function standing(
  { entered, left }: HtlcInterval,
  { revokedTo, signed }: { readonly revokedTo: number; readonly signed: number },
): Standing | undefined {
  if (entered === undefined) return left === undefined ? "absent" : undefined;
  // The first commitment has no HTLCs.
  if (entered < 1 || entered > signed) return undefined;
  if (left === undefined) return entered > revokedTo ? "entering" : "there";
  // An addition must be irrevocable before it is removed.
  if (left <= entered || entered > revokedTo || left > signed) return undefined;
  return left > revokedTo ? "leaving" : "gone";
}

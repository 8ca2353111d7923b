import type { CommitmentNumber } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { type FeeratePerKw, type Msat, msat } from "../util/units.ts";
import type { ActiveFunding, Commitments } from "./commitments.ts";
import { nextFeerate } from "./dance.ts";
import type { Htlc } from "./htlc.ts";
import { type HtlcState, htlcStates } from "./htlcState.ts";
import type { Side } from "./keys.ts";

/** What a commitment needs to know of an HTLC. */
export type SpecHtlc = Pick<Htlc, "direction" | "id" | "amount" | "paymentHash" | "cltvExpiry">;

/**
 * What a commitment says, before fees and trimming. Whosever commitment it is, `toLocal` and `outgoing` are ours.
 * `toLocal`, `toRemote` and the HTLCs always add up to the funding's capacity.
 */
export interface CommitmentSpec {
  readonly feerate: FeeratePerKw;
  readonly toLocal: Msat;
  readonly toRemote: Msat;
  readonly htlcs: readonly SpecHtlc[];
}

/**
 * What `side`'s commitment says. "next" is the one that its signer would sign now; a number is one that was signed:
 * `localNumber` for our side, `remoteNumber` or, once we signed it, `remoteNumber + 1` for the peer's.
 *
 * An HTLC that a commitment does not have yet counts for its sender; one that it has no more counts for the
 * receiver if it was fulfilled, and for the sender otherwise.
 */
export function specOf(
  commitments: Commitments,
  funding: ActiveFunding,
  side: Side,
  which: "next" | CommitmentNumber,
): CommitmentSpec {
  const feerate = which === "next" ? nextFeerate(commitments, side) : signedFeerate(commitments, side, which);
  const { overdrawn, ...shares } = share(commitments, funding, presence(side, which));
  invariant(!overdrawn, "a commitment that spends more than there is");
  return { feerate, ...shares };
}

/**
 * What both sides' commitments will say once all that is under way to the peer has arrived, all that we removed is
 * gone, and what the peer added counts whether acknowledged or not: the company in which an HTLC that we add now
 * will find itself. HTLCs that the peer removed stay until we have acknowledged that, since the peer reckons so too.
 * It may have offered what such an HTLC brings it: then nothing is left of its share.
 */
export function specWithPending(
  commitments: Commitments,
  funding: ActiveFunding,
): Omit<CommitmentSpec, "feerate"> {
  const { overdrawn: _, ...shares } = share(commitments, funding, pendingPresence);
  return shares;
}

type Presence = "not-yet" | "there" | "no-more";

function share(
  commitments: Commitments,
  funding: ActiveFunding,
  presenceOf: (htlc: Htlc) => Presence,
): Omit<CommitmentSpec, "feerate"> & { readonly overdrawn: boolean } {
  const htlcs: Htlc[] = [];
  // Summed up before anything is taken away: one HTLC may spend what another has just brought.
  let toLocal: bigint = funding.localBalance;
  let toRemote: bigint = funding.remoteBalance;
  for (const htlc of commitments.htlcs) {
    const present = presenceOf(htlc);
    if (present === "there") htlcs.push(htlc);
    const given = present === "there" || (present === "no-more" && htlc.removal?.kind === "fulfill");
    if (!given) continue;
    const reached = present === "no-more";
    if (htlc.direction === "outgoing") {
      toLocal -= htlc.amount;
      if (reached) toRemote += htlc.amount;
    } else {
      toRemote -= htlc.amount;
      if (reached) toLocal += htlc.amount;
    }
  }
  const overdrawn = toLocal < 0n || toRemote < 0n;
  return { toLocal: atLeastZero(toLocal), toRemote: atLeastZero(toRemote), htlcs, overdrawn };
}

function atLeastZero(amount: bigint): Msat {
  return msat(amount < 0n ? 0n : amount);
}

function presence(side: Side, which: "next" | CommitmentNumber): (htlc: Htlc) => Presence {
  if (which !== "next") return (htlc) => presenceAt(htlc, side, which);
  const flag = side === "local" ? "inLocal" : "inRemote";
  return (htlc) => (htlcStates[htlc.state][flag] ? "there" : absence(htlc));
}

function presenceAt(htlc: Htlc, side: Side, number: CommitmentNumber): Presence {
  const { entered, left } = htlc[side];
  if (entered === undefined || number < entered) return "not-yet";
  return left === undefined || number < left ? "there" : "no-more";
}

function pendingPresence(htlc: Htlc): Presence {
  const { inLocal, inRemote, addCommitted } = htlcStates[htlc.state];
  return inRemote || (inLocal && !addCommitted) ? "there" : absence(htlc);
}

function absence({ removal }: Htlc): Presence {
  return removal === undefined ? "not-yet" : "no-more";
}

/** In which states a feerate is part of `localNumber` or `remoteNumber`: signed, and on the peer's side revoked to. */
const signedStates: Readonly<Record<Side, ReadonlySet<HtlcState>>> = {
  local: new Set<HtlcState>([
    "received-add-ack-commit",
    "sent-add-ack-revocation",
    "received-add-commit",
    "sent-add-revocation",
    "sent-add-ack-commit",
    "received-add-ack-revocation",
  ]),
  remote: new Set<HtlcState>([
    "received-add-revocation",
    "received-add-ack-commit",
    "sent-add-ack-revocation",
    "received-add-ack-revocation",
  ]),
};

function signedFeerate(commitments: Commitments, side: Side, number: CommitmentNumber): FeeratePerKw {
  const { remoteNext } = commitments;
  if (side === "remote" && remoteNext?.number === number) return remoteNext.feerate;
  const current = side === "local" ? commitments.localNumber : commitments.remoteNumber;
  invariant(number === current, `commitment ${number} asked for, ${current} is the last`);
  const update = commitments.feerates.findLast(({ state }) => signedStates[side].has(state));
  invariant(update !== undefined, "a commitment without a feerate");
  return update.feerate;
}

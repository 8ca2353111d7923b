import assert from "node:assert/strict";
import type { Dice } from "@fulmen/testkit/network";
import { feeratePerKw, msat } from "#src/util/units";
import { hashes, type MonitoredParty, settle } from "../monitoredPair.ts";

export type PartyName = "us" | "them";
/** Whose latest commitment. */
export type CommitmentName = "ours" | "theirs";

/** An HTLC as the test meant it, and what each side's latest commitment makes of its amount. */
export interface PlannedHtlc {
  readonly from: PartyName;
  /** Millisatoshis. */
  readonly amount: bigint;
  /** Index in `hashes` and `preimages`. */
  readonly hash: number;
  readonly expiry: number;
  /** It has an output (unless it is trimmed), or counts for one of the two. */
  readonly on: Readonly<Record<CommitmentName, "htlc" | "sender" | "receiver">>;
  /** Its receiver showed the preimage to the channel. */
  readonly isFulfilled: boolean;
}

interface Parties {
  readonly us: MonitoredParty;
  readonly them: MonitoredParty;
}

export type StateName = (typeof stateNames)[number];

/** Where a channel may be in its dance when it ends. */
export const stateNames = [
  "none",
  "committed",
  "adding, signed",
  "adding, revoked",
  "adding, one side",
  "fulfilling, signed",
  "fulfilling, revoked",
  "fulfilling, one side",
  "failing, signed",
  "failing, revoked",
  "failing, one side",
  "trimmed",
  "twins",
  "dance",
] as const;

type Stage = "signed" | "revoked" | "one side";

const both = { ours: "htlc", theirs: "htlc" } as const;
const amounts = { us: 50_000_123n, them: 60_000_456n } as const;

/** Brings the channel into a state, HTLCs expiring at `expiry` or a bit later, and says what is on which commitment. */
export function enterState(parties: Parties, state: StateName, expiry: number): readonly PlannedHtlc[] {
  switch (state) {
    case "none":
      return [];
    case "committed": {
      addBoth(parties, expiry);
      settle(parties.us, parties.them);
      return pair(expiry, () => both);
    }
    case "adding, signed":
    case "adding, revoked":
    case "adding, one side": {
      addBoth(parties, expiry);
      const stage = stageOf(state);
      signBoth(parties, stage);
      if (stage === "signed") return pair(expiry, () => ({ ours: "sender", theirs: "sender" }));
      return pair(expiry, (from) =>
        from === "us" ? { ours: "sender", theirs: "htlc" } : { ours: "htlc", theirs: "sender" },
      );
    }
    case "fulfilling, signed":
    case "fulfilling, revoked":
    case "fulfilling, one side":
      return removing(parties, { stage: stageOf(state), isFulfilled: true, expiry });
    case "failing, signed":
    case "failing, revoked":
    case "failing, one side":
      return removing(parties, { stage: stageOf(state), isFulfilled: false, expiry });
    case "trimmed":
      // The second one is as small as an HTLC-timeout's may be in a format with fees; an HTLC-success's is trimmed.
      return addAll(parties, [
        ["us", 300_000n, 0, expiry],
        ["us", 1_209_000n, 1, expiry],
        ["them", 300_000n, 0, expiry],
        ["them", 1_209_000n, 1, expiry + 1],
      ]);
    case "twins":
      return addAll(parties, [
        ["us", 50_000_000n, 0, expiry],
        ["us", 50_000_000n, 0, expiry],
        ["us", 50_000_000n, 0, expiry + 3],
        ["them", 50_000_000n, 0, expiry],
        ["them", 50_000_000n, 0, expiry],
        ["them", 70_000_000n, 1, expiry],
      ]);
    case "dance":
      throw new RangeError("a dance has no plan");
  }
}

/** Lets both sides do things at random, and stops anywhere. */
export function danceAtRandom({ us, them }: Parties, expiry: number, dice: Dice): void {
  const opener = us.commitments.params.isOpener ? us : them;
  for (let step = 20 + dice.roll(40); step > 0; step--) {
    const party = dice.roll(2) === 0 ? us : them;
    const what = dice.roll(10);
    if (what < 3) {
      const amount = [50_000_000n, 50_000_000n, 300_000n, 1_209_000n, 20_000_123n][dice.roll(5)] ?? 0n;
      party.add(msat(amount), hashOf(dice.roll(3)), expiry + dice.roll(4));
    } else if (what === 3) {
      const removable = party.removable();
      const htlc = removable[dice.roll(Math.max(1, removable.length))];
      if (htlc !== undefined) dice.roll(2) === 0 ? party.fulfill(htlc) : party.fail(htlc);
    } else if (what === 4) opener.setFeerate(feeratePerKw(500n + BigInt(dice.roll(1500))));
    else if (what < 7) {
      if (party.canSign()) party.sign();
    } else party.receive();
  }
}

/** One more HTLC from us: what moves commitments on. */
export function addOne({ us }: Parties, expiry: number): PlannedHtlc {
  us.add(msat(20_000_000n), hashOf(2), expiry);
  const on = { ours: "sender", theirs: "sender" } as const;
  return { from: "us", amount: 20_000_000n, hash: 2, expiry, on, isFulfilled: false };
}

function addBoth({ us, them }: Parties, expiry: number): void {
  us.add(msat(amounts.us), hashOf(0), expiry);
  them.add(msat(amounts.them), hashOf(1), expiry);
}

function addAll(
  parties: Parties,
  htlcs: readonly (readonly [from: PartyName, amount: bigint, hash: number, expiry: number])[],
): readonly PlannedHtlc[] {
  for (const [from, amount, hash, expiry] of htlcs) parties[from].add(msat(amount), hashOf(hash), expiry);
  settle(parties.us, parties.them);
  return htlcs.map(([from, amount, hash, expiry]) => ({
    from,
    amount,
    hash,
    expiry,
    on: both,
    isFulfilled: false,
  }));
}

function removing(
  parties: Parties,
  of: { readonly stage: Stage; readonly isFulfilled: boolean; readonly expiry: number },
): readonly PlannedHtlc[] {
  const { us, them } = parties;
  const { stage, isFulfilled, expiry } = of;
  addBoth(parties, expiry);
  settle(us, them);
  for (const party of [us, them]) {
    const htlc = party.removable()[0] ?? assert.fail("nothing to remove");
    if (isFulfilled) party.fulfill(htlc);
    else party.fail(htlc);
  }
  signBoth(parties, stage);
  const counts = isFulfilled ? "receiver" : "sender";
  return pair(expiry, (from) => {
    if (stage === "signed") return both;
    return from === "us" ? { ours: counts, theirs: "htlc" } : { ours: "htlc", theirs: counts };
  }).map((htlc) => ({ ...htlc, isFulfilled }));
}

/** Both sides sign what they changed; the other receives that; its revocation arrives. */
function signBoth({ us, them }: Parties, stage: Stage): void {
  for (const party of [us, them]) party.sign();
  if (stage === "signed") return;
  const waiting = [us.inbox.length, them.inbox.length];
  for (const [i, party] of [us, them].entries()) {
    for (let n = 0; n < (waiting[i] ?? 0); n++) party.receive();
  }
  if (stage === "revoked") return;
  for (const party of [us, them]) while (party.inbox.length > 0) party.receive();
}

function pair(expiry: number, on: (from: PartyName) => PlannedHtlc["on"]): readonly PlannedHtlc[] {
  return (["us", "them"] as const).map((from, hash) => {
    return { from, amount: amounts[from], hash, expiry, on: on(from), isFulfilled: false };
  });
}

function stageOf(state: StateName): Stage {
  if (state.endsWith("signed")) return "signed";
  return state.endsWith("revoked") ? "revoked" : "one side";
}

function hashOf(index: number) {
  return hashes[index] ?? assert.fail("no hash");
}

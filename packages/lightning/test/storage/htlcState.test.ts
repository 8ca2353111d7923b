import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Commitments } from "#src/commitment/commitments";
import {
  addHtlc,
  commitmentReceived,
  commitmentSent,
  isRemovable,
  removeHtlc,
  revocationReceived,
  revocationSent,
} from "#src/commitment/dance";
import type { Htlc, HtlcDirection } from "#src/commitment/htlc";
import { perCommitmentPoint } from "#src/crypto/keyDerivation";
import { commitmentSecret } from "#src/crypto/shachain";
import { deriveHtlcState, type SignedNumbers } from "#src/storage/v1/htlcState";
import { commitmentNumber, type PaymentHash, type Txid } from "#src/util/ids";
import { feeratePerKw, msat } from "#src/util/units";
import { paramsOf } from "../commitment/bolt3Fixtures.ts";
import { startOf } from "../commitment/twoParties.ts";

/** Commitments of both sides are numbered up to here. */
const last = 4;
const [ourSeed, theirSeed] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const secrets = Array.from({ length: last + 2 }, (_, i) => commitmentSecret(theirSeed, commitmentNumber(i)));
const points = secrets.map(perCommitmentPoint);
const txid = "00".repeat(32) as Txid;

interface Reached {
  readonly commitments: Commitments;
  /** The only HTLC, also after it has left the table. */
  readonly htlc: Htlc;
}

/** Everything that can happen next; our revocation comes with the signature that it answers. */
function after({ commitments, htlc }: Reached): readonly Reached[] {
  const next: Reached[] = [];
  const reach = (to: Commitments, removed: readonly Htlc[]): void => {
    next.push({ commitments: to, htlc: to.htlcs[0] ?? removed[0] ?? htlc });
  };
  const { remoteNext, remoteNumber, localNumber, remotePoint } = commitments;
  if (remoteNext !== undefined) {
    const [secret, point] = [secrets[remoteNumber], points[remoteNumber + 2] ?? remotePoint];
    assert.ok(secret);
    const step = revocationReceived(commitments, secret, point);
    assert.ok(step.ok);
    reach(step.value.commitments, step.value.removed);
  } else if (remoteNumber < last) {
    reach(commitmentSent(commitments, [txid]).commitments, []);
  }
  if (localNumber < last) {
    const received = commitmentReceived(commitments);
    const sent = revocationSent(received.commitments, commitments.localPoints[2]);
    reach(sent.commitments, [...received.removed, ...sent.removed]);
  }
  const [row] = commitments.htlcs;
  if (row !== undefined && isRemovable(row)) {
    reach(removeHtlc(commitments, row, { kind: "fail", reason: new Uint8Array(0) }), []);
  }
  return next;
}

function numbersOf({ localNumber, remoteNumber, remoteNext }: Commitments): SignedNumbers {
  return { localNumber, remoteNumber, remoteSigned: remoteNext?.number ?? remoteNumber };
}

/** What a record says of an HTLC, as text. */
function factsOf(htlc: Pick<Htlc, "local" | "remote">, numbers: SignedNumbers): string {
  const { local: ours, remote: theirs } = htlc;
  return [ours.entered, ours.left, theirs.entered, theirs.left, ...Object.values(numbers)].join();
}

/** The states of all HTLCs that any dance with few commitments leads to, by what a record says of them. */
function everyDance(direction: HtlcDirection): ReadonlyMap<string, ReadonlySet<string>> {
  const start = startOf(
    { params: paramsOf("static-remotekey"), localBalance: msat(5n * 10n ** 9n), feerate: feeratePerKw(253) },
    [ourSeed, theirSeed],
  );
  const htlc = { amount: msat(10n ** 6n), paymentHash: "00".repeat(32) as PaymentHash, cltvExpiry: 500 };
  // Before the HTLC comes, commitments may have been signed in any order.
  let waiting: Reached[] = [];
  const seen = new Set<string>();
  const empty: Commitments[] = [start];
  for (const commitments of empty) {
    const key = factsOf({ local: {}, remote: {} }, numbersOf(commitments));
    if (seen.has(key)) continue;
    seen.add(key);
    const added = addHtlc(commitments, direction, htlc);
    const [row] = added.htlcs;
    assert.ok(row);
    waiting.push({ commitments: added, htlc: row });
    const bare = after({ commitments, htlc: row });
    empty.push(...bare.map((one) => one.commitments));
  }
  const states = new Map<string, Set<string>>();
  const visited = new Set<string>();
  while (waiting.length > 0) {
    const next: Reached[] = [];
    for (const reached of waiting) {
      const facts = factsOf(reached.htlc, numbersOf(reached.commitments));
      const key = `${facts} ${reached.htlc.state}`;
      if (visited.has(key)) continue;
      visited.add(key);
      states.set(facts, (states.get(facts) ?? new Set()).add(reached.htlc.state));
      next.push(...after(reached));
    }
    waiting = next;
  }
  return states;
}

/** What a lost connection makes of a state that no signature covers. */
const forgotten = new Map([
  ["received-remove-htlc", "sent-add-ack-revocation"],
  ["sent-remove-htlc", "received-add-ack-revocation"],
]);

function everyRecord(visit: (htlc: Pick<Htlc, "local" | "remote">, numbers: SignedNumbers) => void): void {
  const bounds = [undefined, 0, 1, 2, 3, 4].map((n) => (n === undefined ? n : commitmentNumber(n)));
  const intervals = bounds.flatMap((entered) =>
    bounds.map((left) => ({
      ...(entered !== undefined && { entered }),
      ...(left !== undefined && { left }),
    })),
  );
  for (const ours of intervals) {
    for (const theirs of intervals) {
      for (let localNumber = 0; localNumber <= last; localNumber++) {
        for (let remoteNumber = 0; remoteNumber <= last; remoteNumber++) {
          for (const remoteSigned of [remoteNumber, remoteNumber + 1]) {
            if (remoteSigned > last) continue;
            visit({ local: ours, remote: theirs }, { localNumber, remoteNumber, remoteSigned });
          }
        }
      }
    }
  }
}

describe("deriveHtlcState", () => {
  for (const direction of ["incoming", "outgoing"] as const) {
    it(`names the one state that the dance has for a record, and none for all other records, ${direction}`, () => {
      const reached = everyDance(direction);
      assert.ok(reached.size > 300, `only ${reached.size} records reached`);
      const named = new Set<string>();
      everyRecord((htlc, numbers) => {
        const states = new Set(
          [...(reached.get(factsOf(htlc, numbers)) ?? [])].map((s) => forgotten.get(s) ?? s),
        );
        // Before a signature covers it, an HTLC is not stored.
        states.delete("sent-add-htlc");
        states.delete("received-add-htlc");
        assert.ok(states.size <= 1);
        const derived = deriveHtlcState({ direction, ...htlc }, numbers);
        assert.equal(derived, [...states][0], JSON.stringify({ htlc, numbers }));
        if (derived !== undefined) named.add(derived);
      });
      assert.equal(named.size, 6);
    });
  }
});

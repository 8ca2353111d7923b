import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SigningAnswer, SigningRequest } from "@fulmen/lightning/sign";
import { msat, sat } from "@fulmen/lightning/util";
import { EnforcingKeys, type EnforcingSigner, TestNetwork } from "@fulmen/testkit";

/** What the signer of a channel was asked during a payment, and the signer as it was before all of it. */
function recordedRequests() {
  const network = new TestNetwork();
  const a = network.addNode();
  const b = network.addNode();
  const requests: SigningRequest[] = [];
  let signer: EnforcingSigner | undefined;
  const derive = a.keys.deriveChannelSigner.bind(a.keys);
  a.keys.deriveChannelSigner = (id) => {
    const inner = derive(id);
    signer = inner;
    const sign = inner.sign.bind(inner);
    inner.sign = (request) => {
      requests.push(request);
      return sign(request);
    };
    return inner;
  };
  network.connect(a, b);
  network.openChannel(a, b, { funding: sat(1_000_000n) });
  network.payInvoice(a, b, msat(10_000_000n));
  assert.ok(signer !== undefined);
  const channelKeysId = a.chainMonitor.monitors().next().value?.setup.channelKeysId ?? new Uint8Array(32);
  return { requests, fresh: () => freshSigner(channelKeysId) };
}

/** The same channel's signer, of a node that has signed nothing yet. Node 1 has the seed 1. */
function freshSigner(channelKeysId: Uint8Array) {
  const seed = new Uint8Array(32);
  seed[31] = 1;
  const keys = new EnforcingKeys(seed);
  return { keys, signer: keys.deriveChannelSigner(channelKeysId) };
}

const { requests, fresh } = recordedRequests();
const ofKind = <K extends SigningRequest["kind"]>(kind: K) =>
  requests.filter((request): request is Extract<SigningRequest, { kind: K }> => request.kind === kind);

/** Asks for everything in turn; gives the last answer and what was found against the rules. */
function ask(...asked: readonly (SigningRequest | undefined)[]) {
  const { keys, signer } = fresh();
  let answer: SigningAnswer | undefined;
  for (const request of asked) {
    assert.ok(request !== undefined);
    answer = signer.sign(request);
  }
  return { answer: answer?.kind, violations: keys.memory.violations };
}

function assertRefused(result: ReturnType<typeof ask>, reason: RegExp): void {
  assert.equal(result.answer, "refused");
  assert.equal(result.violations.length, 1);
  assert.match(result.violations[0] ?? "", reason);
}

describe("the enforcing signer", () => {
  const commitments = ofKind("counterparty-commitment");
  const revocations = ofKind("revocation");

  it("signs all that a payment asks for", () => {
    assert.ok(commitments.length >= 3 && revocations.length >= 2);
    assert.deepEqual(ask(...requests).violations, []);
  });

  it("signs the same commitment of the peer again", () => {
    assert.equal(ask(commitments[0], commitments[0]).answer, "counterparty-commitment");
  });

  it("refuses another commitment of the peer with the same number", () => {
    const [first, second] = commitments;
    assert.ok(first !== undefined && second !== undefined);
    const forged = { ...second, number: first.number };
    assertRefused(ask(first, forged), /two different commitments 0 of the peer/);
  });

  it("refuses a commitment of the peer that does not follow", () => {
    assertRefused(ask(commitments[0], commitments[2]), /commitment 2 of the peer, 1 comes next/);
  });

  it("refuses to give a secret out of order", () => {
    assertRefused(ask(revocations[1]), /secret 1, 0 comes next/);
  });

  it("refuses to give a secret before the next commitment is signed, or with a bad signature", () => {
    const [first] = revocations;
    assert.ok(first !== undefined);
    assertRefused(ask({ ...first, next: [] }), /before the next commitment is signed/);
    const next = first.next.map((one) => ({ ...one, signature: new Uint8Array(64) as typeof one.signature }));
    assertRefused(ask({ ...first, next }), /signature of the next commitment is bad/);
    const fewer = first.next.map((one) => ({
      ...one,
      htlcSignatures: [...one.htlcSignatures, one.signature],
    }));
    assertRefused(ask({ ...first, next: fewer }), /signatures for \d+ HTLCs/);
  });

  it("gives the last secret again, as a reconnection needs it", () => {
    const [first] = revocations;
    assert.ok(first !== undefined);
    assert.equal(ask(first, { ...first, next: [] }).answer, "revocation");
  });

  it("refuses to sign our commitment once its secret was given, and to give its secret once it was signed", () => {
    const [first] = revocations;
    const next = first?.next[0];
    assert.ok(first !== undefined && next !== undefined);
    const { funding, built } = next;
    const holder = { kind: "holder-commitment", number: first.number, funding, built } as const;
    assertRefused(ask(first, holder), /commitment 0 though secrets below 1/);
    assertRefused(ask(holder, first), /secret 0 though our commitment 0 was signed/);
  });

  it("forgets what was never committed when it is put back", () => {
    const { keys, signer } = fresh();
    const [first, second] = commitments;
    assert.ok(first !== undefined && second !== undefined);
    signer.sign(first);
    const saved = keys.memory.snapshot();
    signer.sign(second);
    keys.memory.restore(saved);
    const { answer, violations } = { answer: signer.sign(second), violations: keys.memory.violations };
    assert.equal(answer?.kind, "counterparty-commitment");
    assert.deepEqual(violations, []);
  });
});

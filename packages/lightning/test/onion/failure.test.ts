import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createFailure,
  decodeFailure,
  type FailurePacket,
  failureOfMalformed,
  failureOfPayload,
  malformedOnion,
  wrapFailurePacket,
} from "@fulmen/lightning/onion";
import { type Bytes32, msat } from "@fulmen/lightning/util";
import { type FailureMessage, failures } from "@fulmen/lightning/wire";
import { createFailurePacket } from "#src/onion/failurePacket";

const sha256OfOnion = new Uint8Array(32).fill(0xab) as Bytes32;
const secrets = [1, 2, 3, 4].map((n) => new Uint8Array(32).fill(n));

function viaPath(first: FailurePacket, erring: number): FailurePacket {
  let packet = first;
  for (const sharedSecret of secrets.slice(0, erring).reverse()) {
    packet = wrapFailurePacket(packet, { sharedSecret, holdTime: 1 });
  }
  return packet;
}

describe("decodeFailure", () => {
  it("names the node and its failure", () => {
    const said: readonly FailureMessage[] = [
      { type: "temporary_node_failure" },
      { type: "incorrect_or_unknown_payment_details", htlcMsat: msat(100), height: 800_000 },
      { type: "fee_insufficient", htlcMsat: msat(5), channelUpdate: new Uint8Array(136).fill(7) },
      { type: "unknown", code: 0x4321, data: Uint8Array.of(1, 2, 3) },
    ];
    for (const [hop, failure] of said.entries()) {
      const sharedSecret = secrets[hop] ?? assert.fail();
      const packet = viaPath(createFailure(failure, { sharedSecret, holdTime: 2 }), hop);
      assert.deepEqual(decodeFailure(packet, secrets), {
        outcome: { kind: "failed", hop, failure },
        holdTimes: [...Array(hop).fill(1), 2],
      });
    }
  });

  it("names the node whose message makes no sense", () => {
    const broken = [[], [0x40], [0x40, 0x0f, 1, 2], [0x10, 0x07, 0, 9, 1]];
    for (const message of broken) {
      const sharedSecret = secrets[2] ?? assert.fail();
      const packet = createFailurePacket({
        sharedSecret,
        message: Uint8Array.from(message),
        holdTime: undefined,
      });
      assert.deepEqual(decodeFailure(viaPath(packet, 2), secrets).outcome, { kind: "unreadable", hop: 2 });
    }
  });

  it("names the last node when all attest a packet that nobody can read", () => {
    const sharedSecret = secrets[3] ?? assert.fail();
    const nonsense = wrapFailurePacket(
      { reason: new Uint8Array(292).fill(5), attribution: undefined },
      { sharedSecret, holdTime: 7 },
    );
    assert.deepEqual(decodeFailure(viaPath(nonsense, 3), secrets), {
      outcome: { kind: "unreadable", hop: 3 },
      holdTimes: [1, 1, 1, 7],
    });
    assert.deepEqual(decodeFailure(viaPath(nonsense, 3), secrets.slice(0, 3), 3).outcome, {
      kind: "unreadable",
      hop: 2,
    });
  });

  it("ignores what follows a failure's data", () => {
    const message = Uint8Array.of(0x20, 2, 99, 99);
    const sharedSecret = secrets[0] ?? assert.fail();
    const packet = createFailurePacket({ sharedSecret, message, holdTime: undefined });
    assert.deepEqual(decodeFailure(packet, secrets).outcome, {
      kind: "failed",
      hop: 0,
      failure: { type: "temporary_node_failure" },
    });
  });

  it("suspects the first node whose attribution does not fit, when it can", () => {
    const sharedSecret = secrets[3] ?? assert.fail();
    const packet = viaPath(createFailure({ type: "expiry_too_far" }, { sharedSecret, holdTime: 9 }), 3);
    const garbled = { ...packet, reason: packet.reason.map((byte) => byte ^ 1) };
    assert.deepEqual(decodeFailure(garbled, secrets), {
      outcome: { kind: "undecodable", suspect: 0 },
      holdTimes: [],
    });
    assert.deepEqual(decodeFailure({ ...garbled, attribution: undefined }, secrets), {
      outcome: { kind: "undecodable", suspect: undefined },
      holdTimes: [],
    });
    assert.equal(
      decodeFailure({ ...packet, reason: new Uint8Array(0) }, secrets).outcome.kind,
      "undecodable",
    );
    assert.equal(decodeFailure(packet, []).outcome.kind, "undecodable");
  });
});

describe("malformed onions", () => {
  it("keep their code on the way to the origin", () => {
    for (const failure of [
      "invalid_onion_version",
      "invalid_onion_hmac",
      "invalid_onion_key",
      "invalid_onion_blinding",
    ] as const) {
      const told = malformedOnion({ kind: "bad-onion", failure, sha256OfOnion });
      assert.equal(told.failureCode, failures.find(({ type }) => type === failure)?.number);
      assert.deepEqual(failureOfMalformed(told), { type: failure, sha256OfOnion });
    }
  });

  it("pass on a code that is not known", () => {
    assert.deepEqual(failureOfMalformed({ failureCode: 0xc0ff, sha256OfOnion }), {
      type: "unknown",
      code: 0xc0ff,
      data: Uint8Array.from(sha256OfOnion),
    });
  });

  it("need BADONION", () => {
    assert.equal(failureOfMalformed({ failureCode: 0x400f, sha256OfOnion }), undefined);
  });
});

it("a bad payload is reported by its record's type and place", () => {
  assert.deepEqual(failureOfPayload({ type: 18n, offset: 70_000 }), {
    type: "invalid_onion_payload",
    tlvType: 18n,
    offset: 65_535,
  });
});

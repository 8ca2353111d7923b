import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFailure, decodeFailure } from "#src/onion/index";
import { attributionSecret, failBehind, failHere } from "#src/payment/wayBack";
import type { Bytes32 } from "#src/util/bytes";
import { failureCodeOf } from "#src/wire/failureCodes";

const ours = new Uint8Array(32).fill(1) as Bytes32;
const theirs = new Uint8Array(32).fill(2) as Bytes32;
const zeros = new Uint8Array(32) as Bytes32;
const hash = new Uint8Array(32).fill(3) as Bytes32;
const failureCode = failureCodeOf({ type: "invalid_onion_blinding", sha256OfOnion: zeros });
const malformed = { kind: "fail-malformed", sha256OfOnion: zeros, failureCode };

/** What the next node may say. */
const removals = [
  {
    kind: "fail",
    reason: createFailure({ type: "unknown_next_peer" }, { sharedSecret: theirs, holdTime: 3 }).reason,
  },
  { kind: "fail", reason: new Uint8Array(0) },
  { kind: "fail", reason: new Uint8Array(60_000) },
  { kind: "fail-malformed", sha256OfOnion: hash, failureCode },
  {
    kind: "fail-malformed",
    sha256OfOnion: hash,
    failureCode: failureCodeOf({ type: "invalid_onion_hmac", sha256OfOnion: hash }),
  },
  { kind: "fail-malformed", sha256OfOnion: hash, failureCode: 0x8000 },
] as const;

describe("the way back within a blinded path", () => {
  it("is one and the same message to the peer, whatever happened here or behind", () => {
    const way = { sharedSecret: ours, blinded: "inner" } as const;
    for (const removal of removals) assert.deepEqual(failBehind(way, removal, 9), malformed);
    assert.deepEqual(failHere(way, { type: "temporary_node_failure" }, 9), malformed);
  });

  it("is one and the same failure of the introduction node's, whatever happened there or behind", () => {
    const way = { sharedSecret: ours, blinded: "introduction" } as const;
    const all = [
      ...removals.map((removal) => failBehind(way, removal, 9)),
      failHere(way, { type: "temporary_node_failure" }, 9),
    ];
    for (const resolution of all) {
      assert.deepEqual(resolution, all[0]);
      assert.ok(resolution.kind === "fail");
      const { reason } = resolution;
      assert.deepEqual(decodeFailure({ reason, attribution: undefined }, [ours]).outcome, {
        kind: "failed",
        hop: 0,
        failure: { type: "invalid_onion_blinding", sha256OfOnion: zeros },
      });
    }
  });

  it("tells hold times up to the introduction node", () => {
    assert.deepEqual(attributionSecret({ sharedSecret: ours, blinded: "inner" }), {});
    for (const blinded of [undefined, "introduction"] as const) {
      assert.deepEqual(attributionSecret({ sharedSecret: ours, blinded }), { sharedSecret: ours });
    }
  });
});

describe("the way back elsewhere", () => {
  it("keeps what the next node said", () => {
    const [first] = removals;
    const resolution = failBehind({ sharedSecret: ours }, first, 9);
    assert.ok(resolution.kind === "fail");
    const { reason } = resolution;
    const { outcome } = decodeFailure({ reason, attribution: undefined }, [ours, theirs]);
    assert.deepEqual(outcome, { kind: "failed", hop: 1, failure: { type: "unknown_next_peer" } });
  });
});

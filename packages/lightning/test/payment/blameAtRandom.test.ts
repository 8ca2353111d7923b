import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import { createFailurePacket } from "#src/onion/failurePacket";
import { type FailurePacket, pathSecrets, wrapFailurePacket } from "#src/onion/index";
import { type Blame, blameOf, type FailedRemoval, fulfillHoldTimes } from "#src/payment/blame";
import type { LocalSource } from "#src/payment/inFlightParts";
import { type Point, toHex } from "#src/util/bytes";
import type { NodeId, PaymentId, ShortChannelId } from "#src/util/ids";
import { msat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";

const longest = 20;
const sessionKey = preimageOf(99);
const points = Array.from({ length: longest }, (_, i) => crypto().publicKey(preimageOf(i + 1)) as Point);
const { sharedSecrets } = pathSecrets(sessionKey, points);

/** A part along the first `length` nodes. The secrets are the same for every length. */
function part(length: number): LocalSource {
  const path = points.slice(0, length).map((point, i) => ({
    nodeId: toHex(point) as NodeId,
    shortChannelId: BigInt(i + 1) as ShortChannelId,
  }));
  return {
    kind: "local",
    paymentId: "01".repeat(32) as PaymentId,
    ...{ sessionKey, path, amount: msat(1_000n), sharedSecrets: sharedSecrets.slice(0, length) },
  };
}

/**
 * `packet`, which hop `erring` made, as each hop before it passes it on; `garbles` says which one changes it, if any.
 */
function back(packet: FailurePacket, erring: number, garbles?: number): FailedRemoval {
  let passed = packet;
  for (let hop = erring; hop >= 0; hop--) {
    const sharedSecret = sharedSecrets[hop] ?? assert.fail();
    if (hop < erring) passed = wrapFailurePacket(passed, { sharedSecret, holdTime: hop });
    if (hop === garbles) passed = { ...passed, reason: passed.reason.map((byte) => byte ^ 0x55) };
  }
  const { reason, attribution } = passed;
  return { reason, ...(attribution && { attribution }) };
}

function said(message: Uint8Array, erring: number): FailurePacket {
  return createFailurePacket({ sharedSecret: sharedSecrets[erring] ?? assert.fail(), message, holdTime: 3 });
}

const paths = fc
  .integer({ min: 1, max: longest })
  .chain((length) =>
    fc.record({ length: fc.constant(length), erring: fc.integer({ min: 0, max: length - 1 }) }),
  );
const codes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.integer({ min: 0, max: 0xffff }), fc.uint8Array({ maxLength: 60 }))
    .map(([code, data]) => Uint8Array.of(code >> 8, code & 0xff, ...data)),
);

/** Names of nodes and channels that the blame falls on, as places in the path. */
function blamed(
  source: LocalSource,
  blame: Blame,
): { readonly channels: readonly number[]; readonly nodes: readonly number[] } {
  const { shortChannelId, nodeId, networkUpdate } = blame;
  const channels = new Set([
    shortChannelId,
    networkUpdate?.kind === "channel-failure" ? networkUpdate.shortChannelId : undefined,
  ]);
  const nodes = new Set([nodeId, networkUpdate?.kind === "node-failure" ? networkUpdate.nodeId : undefined]);
  return {
    channels: source.path.flatMap((hop, i) => (channels.has(hop.shortChannelId) ? [i] : [])),
    nodes: source.path.flatMap((hop, i) => (nodes.has(hop.nodeId) ? [i] : [])),
  };
}

describe("the blame for failures of any kind", () => {
  it("falls on the node that failed it and its channels, whatever it says", () => {
    fc.assert(
      fc.property(paths, codes, ({ length, erring }, message) => {
        const source = part(length);
        const blame = blameOf(source, back(said(message, erring), erring));
        const { channels, nodes } = blamed(source, blame);
        for (const channel of channels) assert.ok(channel === erring || channel === erring + 1, `${channel}`);
        for (const node of nodes) assert.equal(node, erring);
        assert.equal(blame.reachedRecipient, erring === length - 1);
        assert.ok(!blame.byRecipient || erring === length - 1);
        assert.equal(blame.holdTimes.length, erring + 1);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it("falls on the channel beside the node that garbled it", () => {
    const cases = paths.chain((path) =>
      fc.record({ path: fc.constant(path), garbles: fc.integer({ min: 0, max: path.erring }) }),
    );
    fc.assert(
      fc.property(cases, ({ path: { length, erring }, garbles }) => {
        const source = part(length);
        const packet = said(Uint8Array.of(0x20, 0x02), erring);
        const blame = blameOf(source, back(packet, erring, garbles));
        assert.deepEqual(blamed(source, blame), { channels: [garbles], nodes: [] });
        assert.equal(blame.byRecipient || blame.reachedRecipient, false);
        assert.equal(blame.holdTimes.length, garbles);
      }),
      { seed: 12, numRuns: 60 },
    );
  });

  it("has a place for any bytes", () => {
    const attributions = fc.option(fc.uint8Array({ minLength: 920, maxLength: 920 }), { nil: undefined });
    fc.assert(
      fc.property(
        paths,
        fc.uint8Array({ maxLength: 400 }),
        attributions,
        ({ length }, reason, attribution) => {
          const source = part(length);
          const blame = blameOf(source, { reason, ...(attribution && { attribution }) });
          assert.equal(blame.byRecipient || blame.reachedRecipient, false);
          assert.deepEqual(blamed(source, blame).nodes, []);
          assert.deepEqual(fulfillHoldTimes(source, attribution), []);
        },
      ),
      { seed: 13, numRuns: 60 },
    );
  });

  it("is read with the secrets of the session key after a restart", () => {
    const { sharedSecrets: _, ...stored } = part(4);
    const removal = back(said(Uint8Array.of(0x20, 0x02), 2), 2);
    assert.deepEqual(blameOf(stored, removal), blameOf(part(4), removal));
    assert.equal(blameOf(stored, removal).failureName, "temporary_node_failure");
  });
});

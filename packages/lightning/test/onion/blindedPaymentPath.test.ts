import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { blockHeight, msat, nodeIdOf, type Point, type ShortChannelId } from "@fulmen/lightning/util";
import fc from "fast-check";
import {
  amountToForward,
  type BlindedForwardData,
  readBlindedForward,
  readBlindedReceive,
} from "#src/onion/blindedData";
import { unblindHop } from "#src/onion/blindedPath";
import {
  aggregatePayInfo,
  type BlindedPaymentPathPlan,
  createBlindedPaymentPath,
  decodePaymentPathId,
  encodePaymentPathId,
  type PaymentForwardNode,
} from "#src/onion/blindedPaymentPath";
import type { Bytes32 } from "#src/util/bytes";
import { present } from "#src/util/invariant";

const secretOf = (index: number) => new Uint8Array(32).fill(index + 1);
const nodeOf = (index: number) => nodeIdOf(crypto().publicKey(secretOf(index)));

function forwardNode(index: number, base: number, millionths: number, delta = 40): PaymentForwardNode {
  return {
    nodeId: nodeOf(index),
    shortChannelId: BigInt(index + 1) as ShortChannelId,
    relay: { feeBase: msat(base), feeProportionalMillionths: millionths, cltvExpiryDelta: delta },
    htlcMinimum: msat(1),
    htlcMaximum: msat(10n ** 12n),
  };
}

const plan: BlindedPaymentPathPlan = {
  forwardNodes: [forwardNode(0, 10_000, 0, 50), forwardNode(1, 100, 150, 75), forwardNode(2, 0, 100, 25)],
  payee: nodeOf(3),
  receiveAuthKey: new Uint8Array(32).fill(9),
  pathId: Uint8Array.of(1, 2, 3),
  maxCltvExpiry: blockHeight(750_000),
  minFinalCltvExpiryDelta: 0,
  htlcMinimum: msat(50),
  htlcMaximum: msat(10n ** 11n),
  dummyHops: 2,
  sessionKey: new Uint8Array(32).fill(5),
};

function madeOf(given: BlindedPaymentPathPlan) {
  const made = createBlindedPaymentPath(given);
  if (!made.ok) assert.fail(made.error.text);
  return made.value;
}

/** The path as its nodes read it, one after another. */
function walked(given: BlindedPaymentPathPlan) {
  const path = madeOf(given);
  const forwards: (BlindedForwardData & { readonly isOurs: boolean })[] = [];
  let { pathKey } = path;
  for (const [index, { encryptedPayload }] of path.blindedHops.entries()) {
    const secret = secretOf(Math.min(index, given.forwardNodes.length));
    const hop = unblindHop({
      pathKey,
      encryptedData: encryptedPayload,
      ecdh: (point: Point) => crypto().ecdh(given.forwardNodes.length > 0 ? secret : secretOf(3), point),
      ownPathKey: given.receiveAuthKey,
    });
    const { data, isOurs, nextPathKey } = present(hop, "a hop");
    pathKey = nextPathKey;
    if (index === path.blindedHops.length - 1)
      return { path, forwards, last: readBlindedReceive(data), isOurs };
    const read = readBlindedForward(data);
    if (!read.ok) assert.fail(read.error.reason);
    forwards.push({ ...read.value, isOurs });
  }
  return assert.fail("no last hop");
}

describe("aggregatePayInfo", () => {
  it("adds up as in BOLT 4's vector", () => {
    const payinfo = aggregatePayInfo(plan.forwardNodes, plan);
    assert.ok(payinfo.ok);
    const { feeBase, feeProportionalMillionths, cltvExpiryDelta } = payinfo.value;
    assert.deepEqual([feeBase, feeProportionalMillionths, cltvExpiryDelta], [10_100n, 251, 150]);
  });

  it("lets no node and not the recipient get less than it asks for", () => {
    const node = fc.tuple(fc.nat({ max: 50_000 }), fc.nat({ max: 200_000 }));
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 13n });
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 6 }), amounts, (fees, wanted) => {
        const nodes = fees.map(([base, millionths], index) => forwardNode(index, base, millionths));
        const payinfo = aggregatePayInfo(nodes, plan);
        assert.ok(payinfo.ok);
        const { feeBase, feeProportionalMillionths } = payinfo.value;
        // What the payer sends to the introduction node (BOLT 7, "HTLC Fees").
        let amount = msat(wanted + feeBase + (wanted * BigInt(feeProportionalMillionths)) / 1_000_000n);
        for (const { relay } of nodes) {
          const onward = present(amountToForward(amount, relay), "an amount");
          const asked = relay.feeBase + (onward * BigInt(relay.feeProportionalMillionths)) / 1_000_000n;
          // Rounding up what goes on costs the node less than a millisatoshi.
          assert.ok(amount - onward >= asked - 1n);
          amount = onward;
        }
        assert.ok(amount >= wanted, `${amount} of ${wanted}`);
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });

  it("takes the largest minimum, and the smallest maximum less the fees behind it", () => {
    const nodes = [
      { ...forwardNode(0, 0, 0), htlcMinimum: msat(700), htlcMaximum: msat(10_000) },
      { ...forwardNode(1, 1_000, 500_000), htlcMaximum: msat(1_000_000) },
    ];
    const payinfo = aggregatePayInfo(nodes, plan);
    assert.ok(payinfo.ok);
    assert.equal(payinfo.value.htlcMinimum, 700n);
    assert.equal(payinfo.value.htlcMaximum, 6_000n);
  });

  it("offers to carry no more than there is", () => {
    const payinfo = aggregatePayInfo([], { ...plan, htlcMaximum: msat(0xffff_ffff_ffff_ffffn) });
    assert.ok(payinfo.ok);
    assert.equal(payinfo.value.htlcMaximum, 21_000_000n * 100_000_000_000n);
  });

  it("refuses terms that no field holds, and bounds that no amount keeps", () => {
    const dear = Array.from({ length: 40 }, (_, index) => forwardNode(index, 4_000_000_000, 1_000_000));
    const refused = aggregatePayInfo(dear, plan);
    assert.equal(!refused.ok && refused.error.kind, "terms-out-of-range");
    const far = [forwardNode(0, 0, 0, 65_535), forwardNode(1, 0, 0, 1)];
    const late = aggregatePayInfo(far, plan);
    assert.equal(!late.ok && late.error.kind, "terms-out-of-range");
    const narrow = aggregatePayInfo([{ ...forwardNode(0, 0, 0), htlcMaximum: msat(49) }], plan);
    assert.equal(!narrow.ok && narrow.error.kind, "no-amount-fits");
  });
});

describe("createBlindedPaymentPath", () => {
  it("tells each node its own part, and the recipient what it put there", () => {
    const { path, forwards, last, isOurs } = walked(plan);
    assert.deepEqual(path.introductionNode, { kind: "node-id", nodeId: nodeOf(0) });
    assert.deepEqual(
      forwards.map(({ next }) => next),
      [
        ...[1n, 2n, 3n].map((shortChannelId) => ({ kind: "short-channel-id", shortChannelId })),
        ...[3, 3].map((index) => ({ kind: "node-id", nodeId: nodeOf(index) })),
      ],
    );
    assert.deepEqual(
      forwards.map(({ constraints }) => constraints?.maxCltvExpiry),
      [750_150, 750_100, 750_025, 750_000, 750_000],
    );
    assert.ok(forwards.every(({ constraints }) => constraints?.htlcMinimum === 50n));
    assert.deepEqual(last.ok && last.value.pathId, plan.pathId);
    assert.deepEqual([...forwards.map((one) => one.isOurs), isOurs], [false, false, false, true, true, true]);
  });

  it("has hops of one length, with and without dummies", () => {
    for (const dummyHops of [0, 3, 10]) {
      const { blindedHops } = madeOf({ ...plan, dummyHops });
      assert.equal(blindedHops.length, 4 + dummyHops);
      assert.equal(new Set(blindedHops.map(({ encryptedPayload }) => encryptedPayload.length)).size, 1);
      assert.equal(new Set(blindedHops.map(({ blindedNodeId }) => blindedNodeId.join())).size, 4 + dummyHops);
    }
  });

  it("may begin at the recipient", () => {
    const { path, last, isOurs } = walked({ ...plan, forwardNodes: [], dummyHops: 0 });
    assert.deepEqual(path.introductionNode, { kind: "node-id", nodeId: nodeOf(3) });
    assert.equal(path.payinfo.feeBase, 0n);
    assert.ok(last.ok && isOurs);
  });

  it("grants the recipient's delta on top of the height that it ends at", () => {
    const { path, last } = walked({ ...plan, minFinalCltvExpiryDelta: 42 });
    assert.equal(path.payinfo.cltvExpiryDelta, 192);
    assert.equal(last.ok && last.value.constraints?.maxCltvExpiry, 750_042);
  });
});

describe("the path id of a payment", () => {
  it("is read as it was written, and nothing else is", () => {
    const paymentSecret = new Uint8Array(32).fill(4) as Bytes32;
    const written = encodePaymentPathId({ paymentSecret });
    assert.deepEqual(decodePaymentPathId(written), { paymentSecret });
    assert.equal(decodePaymentPathId(written.subarray(1)), undefined);
    assert.equal(decodePaymentPathId(new Uint8Array(0)), undefined);
  });
});

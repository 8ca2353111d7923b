import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CryptoError, crypto } from "@fulmen/bitcoin/crypto";
import type { Path } from "@fulmen/lightning/routing";
import {
  fromHex,
  msat,
  type NodeId,
  nodeIdOf,
  type PaymentHash,
  type PaymentId,
  type Point,
  type ShortChannelId,
} from "@fulmen/lightning/util";
import type { PaymentTerms } from "#src/payment/outboundPayment";
import { maxPathLengthFor, partOf } from "#src/payment/paymentPart";
import { paymentParameters } from "#src/routing/route";

const one = nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(1)));
const two = nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(2)));
/** No x of the curve: what a server of snapshots may say a node's id is. */
const nobody = `02${"0".repeat(63)}5` as NodeId;

const terms: PaymentTerms = {
  paymentHash: "ab".repeat(32) as PaymentHash,
  recipientOnion: { paymentSecret: new Uint8Array(32).fill(7) },
  routeParameters: {
    paymentParameters: paymentParameters({
      kind: "clear",
      nodeId: two,
      routeHints: [],
      finalCltvExpiryDelta: 18,
    }),
    finalValue: msat(1000),
    maxFee: msat(1000),
  },
};

function partAlong(...nodeIds: readonly NodeId[]) {
  return partOf(terms, planFor(pathAlong(nodeIds)));
}

function pathAlong(nodeIds: readonly NodeId[]): Path {
  return {
    hops: nodeIds.map((nodeId, index) => ({
      nodeId,
      shortChannelId: BigInt(index + 1) as ShortChannelId,
      fee: msat(index === nodeIds.length - 1 ? 1000 : 1),
      cltvExpiryDelta: 40,
    })),
  };
}

function planFor(path: Path, sessionKey = new Uint8Array(32).fill(9)) {
  return { paymentId: "cd".repeat(32) as PaymentId, path, height: 800_000, sessionKey };
}

describe("a part of a payment", () => {
  it("goes along nodes", () => {
    assert(partAlong(one, two).ok);
  });

  it("goes along no ids that are none of a node, and says so", () => {
    for (const path of [
      [nobody, two],
      [one, nobody],
    ]) {
      const part = partAlong(...path);
      assert(!part.ok);
      assert.equal(part.error.kind, "not-a-point");
    }
  });

  it("goes along no blinded ids that are no points, and says so", () => {
    const hop = (id: NodeId) => ({
      blindedNodeId: fromHex(id) as Point,
      encryptedPayload: new Uint8Array(9),
    });
    const blindedTail = {
      pathKey: fromHex(two) as Point,
      hops: [hop(two), hop(nobody)],
      finalValue: msat(1000),
      excessFinalCltvExpiryDelta: 0,
    };
    const part = partOf(terms, planFor({ ...pathAlong([one]), blindedTail }));
    assert(!part.ok);
    assert.deepEqual(part.error, { kind: "not-a-point", text: `no node can be ${nobody}` });
  });

  it("hides no other error", () => {
    assert.throws(() => partOf(terms, planFor(pathAlong([one, two]), new Uint8Array(32))), CryptoError);
  });

  it("goes along no more nodes than an onion holds, and says so", () => {
    const part = partAlong(...Array<NodeId>(40).fill(one));
    assert(!part.ok);
    assert.equal(part.error.kind, "onion-too-large");
  });

  it("has room for as many nodes as is said, and for no more, when all fields are as long as they get", () => {
    for (let metadata = 900; metadata < 960; metadata++) {
      const long = {
        ...terms,
        recipientOnion: { ...terms.recipientOnion, paymentMetadata: new Uint8Array(metadata) },
        routeParameters: { ...terms.routeParameters, finalValue: msat(2n ** 58n) },
      };
      const length = maxPathLengthFor(long, undefined);
      const fits = (nodes: number): boolean => {
        const { hops } = pathAlong(Array<NodeId>(nodes).fill(one));
        const last = { ...hops.at(-1), fee: long.routeParameters.finalValue } as Path["hops"][number];
        return partOf(long, { ...planFor({ hops: hops.with(-1, last) }), height: 499_000_000 }).ok;
      };
      assert.ok(length === 0 || fits(length), `${metadata} bytes of metadata and ${length} nodes`);
      assert.ok(!fits(length + 1), `${metadata} bytes of metadata and ${length + 1} nodes`);
    }
  });
});

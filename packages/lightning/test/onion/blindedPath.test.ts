import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { fromHex, type Point, toHex } from "@fulmen/lightning/util";
import { blindHops, unblindHop } from "#src/onion/blindedPath";
import { present } from "#src/util/invariant";

interface BlindingVector {
  readonly hops: readonly {
    readonly nodeSecret: string;
    readonly nodeId: string;
    readonly sessionKey?: string;
    readonly data: string;
    readonly pathKey: string;
    readonly encryptedData: string;
    readonly blindedNodeId: string;
    readonly nextPathKey: string;
  }[];
}

const vector: BlindingVector = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt04/route-blinding.json", import.meta.url), "utf8"),
);
const ownPathKey = new Uint8Array(32).fill(7);

function hopOf({ nodeId, data }: BlindingVector["hops"][number]) {
  return { nodeId: fromHex(nodeId) as Point, data: fromHex(data) };
}

function requestOf(hop: BlindingVector["hops"][number]) {
  return {
    pathKey: fromHex(hop.pathKey) as Point,
    encryptedData: fromHex(hop.encryptedData),
    ecdh: (point: Point) => crypto().ecdh(fromHex(hop.nodeSecret), point),
    ownPathKey,
  };
}

describe("blindHops", () => {
  it("makes both ways of BOLT 4's vector", () => {
    for (const start of [0, 2]) {
      const hops = vector.hops.slice(start, start + 2);
      const first = present(hops[0], "a hop");
      const made = blindHops(fromHex(present(first.sessionKey, "a key")), hops.map(hopOf));
      assert.equal(toHex(made.pathKey), first.pathKey);
      assert.deepEqual(
        made.blindedHops.map(({ blindedNodeId, encryptedPayload }) => ({
          blindedNodeId: toHex(blindedNodeId),
          encryptedData: toHex(encryptedPayload),
        })),
        hops.map(({ blindedNodeId, encryptedData }) => ({ blindedNodeId, encryptedData })),
      );
    }
  });
});

describe("unblindHop", () => {
  it("reads every hop of BOLT 4's vector, and finds the next path key", () => {
    for (const hop of vector.hops) {
      const unblinded = present(unblindHop(requestOf(hop)), hop.nodeId);
      assert.equal(toHex(unblinded.data), hop.data);
      assert.equal(toHex(unblinded.nextPathKey), hop.nextPathKey);
      assert.equal(unblinded.isOurs, false);
    }
  });

  it("gives nothing for another path key, another node, a changed byte or fewer than a tag", () => {
    const hop = present(vector.hops[0], "a hop");
    const request = requestOf(hop);
    const other = present(vector.hops[1], "a hop");
    assert.equal(unblindHop({ ...request, pathKey: fromHex(other.pathKey) as Point }), undefined);
    assert.equal(unblindHop({ ...request, ecdh: requestOf(other).ecdh }), undefined);
    for (let at = 0; at < request.encryptedData.length; at++) {
      const changed = request.encryptedData.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(unblindHop({ ...request, encryptedData: changed }), undefined);
    }
    for (const length of [0, 1, 15, 16]) {
      const encryptedData = request.encryptedData.subarray(0, length);
      assert.equal(unblindHop({ ...request, encryptedData }), undefined);
    }
  });

  it("knows what was authenticated by the node's own key from what others made", () => {
    const hop = present(vector.hops[3], "a hop");
    const nodeId = fromHex(hop.nodeId) as Point;
    const read = (additionalData?: Uint8Array) => {
      const data = Uint8Array.of(6, 1, 9);
      const made = blindHops(new Uint8Array(32).fill(3), [
        { nodeId, data, ...(additionalData && { additionalData }) },
      ]);
      const encryptedData = present(made.blindedHops[0], "a hop").encryptedPayload;
      return unblindHop({ ...requestOf(hop), pathKey: made.pathKey, encryptedData });
    };
    assert.equal(read(ownPathKey)?.isOurs, true);
    assert.equal(read()?.isOurs, false);
    assert.equal(read(new Uint8Array(32).fill(8)), undefined);
  });
});

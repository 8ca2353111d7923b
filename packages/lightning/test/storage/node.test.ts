import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { movedNodeRecord, openNodeRecord, readNodeRecord } from "#src/storage/v1/node";
import { fromHex, toHex } from "#src/util/bytes";
import type { NodeId } from "#src/util/ids";

const nodeId = `02${"a1".repeat(32)}` as NodeId;
const otherId = `03${"a1".repeat(32)}` as NodeId;
const first = { stored: undefined, storeIsEmpty: true, nodeId, network: networks.regtest };

/** The record of `nodeId` on regtest: written once and never changed. */
const golden =
  "010100210" +
  `2${"a1".repeat(32)}0220` +
  "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f" +
  "04020001";

describe("openNodeRecord", () => {
  it("is created on the first start", () => {
    const opened = openNodeRecord(first);
    assert.ok(opened.ok);
    assert.deepEqual(
      opened.value.map(({ key, value }) => [key, value && toHex(value)]),
      [["node", golden]],
    );
  });

  it("lets the same node in again, and writes nothing", () => {
    const again = { ...first, stored: fromHex(golden), storeIsEmpty: false };
    assert.deepEqual(openNodeRecord(again), { ok: true, value: [] });
  });

  it("refuses everyone else, and says what to do", () => {
    const stored = fromHex(golden);
    const cases = [
      [{ nodeId: otherId, stored }, "wrong-node", /belongs to node 02a1.*this is node 03a1.*own seed/],
      [
        { network: networks.mainnet, stored },
        "wrong-network",
        /not of mainnet.*network that it was made for/,
      ],
      // The chain is looked at first: another network often means another key, too.
      [{ network: networks.mainnet, nodeId: otherId, stored }, "wrong-network", /not of mainnet/],
      [{ stored: fromHex(`${golden.slice(0, -4)}0002`) }, "from-the-future", /format 2.*newer program/],
      [{ stored: fromHex(`0202${golden.slice(4)}`) }, "from-the-future", /version 2.*newer program/],
      [{ stored: fromHex(golden.slice(0, -2)) }, "corrupt", /restore the latest copy/],
      [{ stored: undefined }, "missing", /record node.*restore the latest copy/],
    ] as const;
    for (const [change, kind, text] of cases) {
      const opened = openNodeRecord({ ...first, storeIsEmpty: false, ...change });
      assert.ok(!opened.ok);
      assert.equal(opened.error.kind, kind);
      assert.equal(opened.error.key, "node");
      assert.match(opened.error.text, text);
    }
  });

  it("refuses a store whose node was moved away, until that is taken back", () => {
    const node = readNodeRecord(fromHex(golden));
    assert.ok(node.ok);
    const moved = movedNodeRecord(node.value, "/var/lib/new");
    assert.equal(toHex(moved), `${golden}060c${toHex(Buffer.from("/var/lib/new"))}`);
    const opened = openNodeRecord({ ...first, stored: moved, storeIsEmpty: false });
    assert.ok(!opened.ok);
    assert.equal(opened.error.kind, "moved");
    assert.match(opened.error.text, /moved to \/var\/lib\/new: start it from there/);
    const read = readNodeRecord(moved);
    assert.ok(read.ok);
    assert.equal(toHex(movedNodeRecord(read.value, undefined)), golden);
  });
});

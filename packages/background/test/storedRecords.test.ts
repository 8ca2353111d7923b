import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readStoredRecords } from "@fulmen/background";
import { noRecords } from "@fulmen/lightning/manager";
import { HeldStore } from "./fakes.ts";

const value = Uint8Array.of(1);

describe("reading a store's records", () => {
  it("finds nothing in an empty one", async () => {
    const records = await readStoredRecords(new HeldStore());
    const none = { node: undefined, storeIsEmpty: true, manager: noRecords, monitors: [], sweeper: [] };
    assert.deepEqual(records, none);
  });

  it("sorts records by what they belong to, however many there are", async () => {
    const store = new HeldStore();
    const payments = Array.from({ length: 2_500 }, (_, i) => `payment/${String(i).padStart(64, "0")}`);
    const keys = [
      "node",
      "batch-sequence",
      "event-ack",
      "event/0001",
      "channel/aa/core",
      "monitor/aa/setup",
      "sweeper/output/a/1",
    ];
    await store.commit([...keys, ...payments, "settled/aa/x"].map((key) => ({ key, value })));
    const { manager, monitors, sweeper, node, storeIsEmpty } = await readStoredRecords(store);
    assert.equal(storeIsEmpty, false);
    assert.deepEqual(node, value);
    assert.deepEqual(
      manager.payments.map(({ key }) => key),
      payments,
    );
    assert.deepEqual(manager.channels, [{ key: "channel/aa/core", value }]);
    assert.deepEqual(manager.events, [{ key: "event/0001", value }]);
    assert.deepEqual(manager.batchSequence, { key: "batch-sequence", value });
    assert.deepEqual(manager.eventAck, { key: "event-ack", value });
    assert.equal(manager.chainPosition, undefined);
    assert.deepEqual(monitors, [{ key: "monitor/aa/setup", value }]);
    assert.deepEqual(sweeper, [{ key: "sweeper/output/a/1", value }]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventLog } from "#src/manager/eventLog";
import { eventKey } from "#src/storage/v1/keys";
import { indexedEvents } from "../storage/examples.ts";

describe("the event log after a restart", () => {
  it("hands out what is stored, but no question about a channel that is gone, and never an index twice", () => {
    const unanswerable = ["open-channel-request", "funding-generation-ready"];
    const lastIndex = indexedEvents.at(-1)?.index ?? 0;
    const log = new EventLog({ pending: indexedEvents, lastIndex, lastAcknowledged: 0 });
    const told = log.pending(1_000);
    assert.deepEqual(
      told,
      indexedEvents.filter(({ event }) => !unanswerable.includes(event.kind)),
    );
    assert.equal(indexedEvents.length - told.length, 2);
    const deleted = log.takeWrites().flatMap((encode) => encode());
    const gone = indexedEvents.filter(({ event }) => unanswerable.includes(event.kind));
    assert.deepEqual(
      deleted,
      gone.map(({ index }) => ({ key: eventKey(index), value: undefined })),
    );
    const [first] = indexedEvents;
    assert.ok(first !== undefined);
    assert.equal(log.record(first.event).index, lastIndex + 1);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventLog } from "#src/manager/eventLog";
import { readEventAck } from "#src/storage/v1/event";
import { eventAckKey, eventKey } from "#src/storage/v1/keys";
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
    const writes = log.takeWrites().flatMap((encode) => encode());
    const gone = indexedEvents.filter(({ event }) => unanswerable.includes(event.kind));
    assert.deepEqual(
      writes.filter(({ value }) => value === undefined),
      gone.map(({ index }) => ({ key: eventKey(index), value: undefined })),
    );
    const [first] = indexedEvents;
    assert.ok(first !== undefined);
    assert.equal(log.record(first.event).index, lastIndex + 1);
  });

  it("gives no index again of a question that was deleted at an earlier restart", () => {
    const question = indexedEvents.find(({ event }) => event.kind === "open-channel-request");
    assert.ok(question !== undefined);
    const { index } = question;
    const log = new EventLog({ pending: [question], lastIndex: index, lastAcknowledged: index - 1 });
    const stored = new Map<string, Uint8Array | undefined>();
    for (const { key, value } of log.takeWrites().flatMap((encode) => encode())) stored.set(key, value);
    assert.ok(stored.has(eventKey(index)) && stored.get(eventKey(index)) === undefined);
    const value = stored.get(eventAckKey);
    assert.ok(value !== undefined);
    const acknowledged = readEventAck({ key: eventAckKey, value });
    assert.deepEqual(acknowledged, { ok: true, value: index });
  });
});

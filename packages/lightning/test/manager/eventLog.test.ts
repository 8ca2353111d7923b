import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventLog } from "#src/manager/eventLog";
import { readEventAck } from "#src/storage/v1/event";
import { eventAckKey, eventKey } from "#src/storage/v1/keys";
import { indexedEvents } from "../storage/examples.ts";
import { ManagerNet } from "./managers.ts";

describe("events that nobody takes", () => {
  it("pile up only so far before peers are no longer read from", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const { events } = alice.manager.core;
    const [example] = indexedEvents;
    assert.ok(example !== undefined);
    for (let count = 0; count < 99_999; count++) events.release(events.record(example.event));
    assert.equal(alice.manager.wantsToPause(bob.nodeId), false);
    events.release(events.record(example.event));
    assert.equal(alice.manager.wantsToPause(bob.nodeId), true);
    alice.manager.acknowledgeEvent(7);
    assert.equal(alice.manager.wantsToPause(bob.nodeId), false);
  });
});

describe("one event among others", () => {
  it("is acknowledged alone, and the others can be read from any index", () => {
    const events = indexedEvents.filter(({ event }) => event.kind !== "open-channel-request").slice(0, 5);
    const pending = events.map(({ event }, i) => ({ index: 10 * (i + 1), event }));
    const log = new EventLog({ pending, lastIndex: 50, lastAcknowledged: 0 });
    const indices = (limit: number, after?: number) => log.pending(limit, after).map(({ index }) => index);
    const known = indices(10);
    const [first = 0, second = 0, third = 0] = known;
    log.acknowledgeOne(second);
    log.acknowledgeOne(second);
    log.acknowledgeOne(99);
    assert.deepEqual(
      indices(10),
      known.filter((index) => index !== second),
    );
    assert.deepEqual(indices(1, first), [third]);
    assert.deepEqual(indices(10, 50), []);
    const gone = log
      .takeWrites()
      .flatMap((encode) => encode())
      .filter(({ value }) => value === undefined);
    assert.deepEqual(gone.filter(({ key }) => key === eventKey(second)).length, 1);
    assert.ok(!gone.some(({ key }) => key === eventKey(first)));
    assert.equal(log.record(pending[0]?.event ?? assert.fail()).index, 51);
  });
});

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

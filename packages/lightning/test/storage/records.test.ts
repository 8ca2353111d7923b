import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { KvEntry } from "#src/chain/kvStore";
import type { StorageError } from "#src/storage/storageError";
import { broadcastWrite, readBroadcast } from "#src/storage/v1/broadcast";
import { encodeEventAck, encodeIndexedEvent, readEventAck, readIndexedEvent } from "#src/storage/v1/event";
import {
  batchSequenceKey,
  chainPositionKey,
  eventAckKey,
  eventKey,
  monitorSetupKey,
  paymentKey,
} from "#src/storage/v1/keys";
import { encodeMonitorSetup, readMonitorSetup } from "#src/storage/v1/monitor";
import {
  monitorFactWrites,
  monitorSecretWrite,
  monitorStateWrite,
  monitorUpdateWrite,
  readStoredChanges,
  readStoredState,
  readStoredUpdates,
  storedUpdates,
} from "#src/storage/v1/monitorRows";
import {
  encodeBatchSequence,
  encodeChainPosition,
  readBatchSequence,
  readChainPosition,
} from "#src/storage/v1/node";
import { outboxWrite, readOutboxRow } from "#src/storage/v1/outbox";
import { encodePayment, readPayment } from "#src/storage/v1/payment";
import { readStoredSecret } from "#src/storage/v1/secretRows";
import { fromHex, toHex } from "#src/util/bytes";
import { paymentIdOf } from "#src/util/ids";
import type { Result } from "#src/util/result";
import {
  broadcasts,
  chainPosition,
  channelId,
  closedState,
  folded,
  formerEvents,
  indexedEvents,
  monitorSetup,
  monitorUpdate,
  otherChannelId,
  outboxRows,
  payments,
  revealed,
  shachainEntry,
  storedChanges,
  storedRow,
  storedState,
} from "./examples.ts";

type Read = (entry: KvEntry) => Result<unknown, StorageError>;

interface Row {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly example: unknown;
  readonly read: Read;
}

const rows: readonly Row[] = [
  ...indexedEvents.map((example): Row => {
    return {
      key: eventKey(example.index),
      value: encodeIndexedEvent(example),
      example,
      read: readIndexedEvent,
    };
  }),
  { key: eventAckKey, value: encodeEventAck(12), example: 12, read: readEventAck },
  {
    key: monitorSetupKey(monitorSetup.channelId),
    value: encodeMonitorSetup(monitorSetup),
    example: monitorSetup,
    read: readMonitorSetup,
  },
  {
    ...monitorUpdateWrite(
      channelId,
      3,
      storedUpdates([monitorUpdate], monitorSetup.funding.outPoint, folded),
    ),
    example: storedRow,
    read: readStoredUpdates,
  },
  ...monitorFactWrites([monitorUpdate]).map((write, i): Row => {
    return i === 0
      ? { ...write, example: storedChanges, read: readStoredChanges }
      : { ...write, example: revealed, read: readStoredSecret };
  }),
  { ...monitorSecretWrite(channelId, shachainEntry), example: shachainEntry, read: readStoredSecret },
  { ...monitorStateWrite(channelId, storedState), example: storedState, read: readStoredState },
  {
    ...monitorStateWrite(otherChannelId, closedState),
    example: closedState,
    read: readStoredState,
  },
  ...outboxRows.map((row, i): Row => {
    return { ...outboxWrite(i, row), example: { sequence: i, row }, read: readOutboxRow };
  }),
  ...payments.map((example, i): Row => {
    const key = paymentKey(paymentIdOf(new Uint8Array(32).fill(i)));
    return { key, value: encodePayment(example), example, read: readPayment };
  }),
  ...broadcasts.map((example): Row => ({ ...broadcastWrite(example), example, read: readBroadcast })),
  {
    key: chainPositionKey,
    value: encodeChainPosition(chainPosition),
    example: chainPosition,
    read: readChainPosition,
  },
  { key: batchSequenceKey, value: encodeBatchSequence(2 ** 40), example: 2 ** 40, read: readBatchSequence },
];

/** Written once and never changed: what is on the disks of those who run version 1. */
const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("../../../../fixtures/storage/v1/records.json", import.meta.url), "utf8"),
);

describe("records of version 1", () => {
  it("are written as they always were, and nothing else is", () => {
    const written = new Map(rows.map(({ key, value }) => [key, toHex(value ?? new Uint8Array(0))]));
    assert.equal(written.size, new Set(rows.map(({ key }) => key)).size);
    assert.deepEqual(Object.fromEntries(written), golden);
  });

  it("give back what was written", () => {
    for (const { key, example, read } of rows) {
      const found = read({ key, value: fromHex(golden[key] ?? "") });
      assert.deepEqual(found, { ok: true, value: example }, key);
    }
  });

  it("are read in their former shapes, too", () => {
    const former: Readonly<Record<string, string>> = JSON.parse(
      readFileSync(new URL("../../../../fixtures/storage/v1/formerRecords.json", import.meta.url), "utf8"),
    );
    assert.equal(Object.keys(former).length, formerEvents.length);
    for (const value of formerEvents) {
      const key = eventKey(value.index);
      const bytes = fromHex(former[key] ?? "");
      assert.deepEqual(readIndexedEvent({ key, value: bytes }), { ok: true, value });
      const cut = readIndexedEvent({ key, value: bytes.slice(0, -1) });
      assert.ok(!cut.ok && cut.error.kind === "corrupt");
    }
  });

  it("are refused in words when they are cut short, changed, or newer than this code", () => {
    for (const { key, read } of rows) {
      const bytes = fromHex(golden[key] ?? "");
      for (const length of [0, 1, 2, bytes.length - 1]) {
        const found = read({ key, value: bytes.slice(0, length) });
        assert.ok(!found.ok && found.error.kind === "corrupt", `${key} cut to ${length} bytes`);
        assert.match(found.error.text, /is corrupt.*restore the latest copy/);
      }
      const newer = read({ key, value: Uint8Array.of(9, 2, ...bytes.slice(2)) });
      assert.ok(!newer.ok && newer.error.kind === "from-the-future");
      assert.match(newer.error.text, /version 9.*start the newer program/);
      const compatible = read({ key, value: Uint8Array.of(9, 1, ...bytes.slice(2)) });
      assert.ok(compatible.ok);
    }
  });

  it("never throw, whatever byte is changed", () => {
    for (const { key, read } of rows) {
      const bytes = fromHex(golden[key] ?? "");
      for (let i = 0; i < bytes.length; i += 1 + Math.floor(bytes.length / 100)) {
        const changed = bytes.slice();
        changed[i] = (changed[i] ?? 0) ^ 0x81;
        read({ key, value: changed });
      }
    }
  });
});

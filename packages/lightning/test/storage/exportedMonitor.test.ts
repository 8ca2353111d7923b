import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { applyUpdate, newMonitor } from "#src/onchain/channelMonitor";
import {
  exportMonitor,
  type ImportedMonitor,
  importMonitor,
  type MonitorRecords,
} from "#src/storage/v1/exportedMonitor";
import { monitorPrefix, monitorSetupKey } from "#src/storage/v1/keys";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { StoredMonitor } from "#src/storage/v1/storedMonitor";
import { concatBytes } from "#src/util/bytes";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { hashes, monitoredPair, settle } from "../onchain/monitoredPair.ts";
import { entriesOf } from "./entriesOf.ts";
import { chainPosition, otherChannelId } from "./examples.ts";

/** The records of a monitor that has revoked commitments, HTLCs of the past and HTLCs that are pending. */
function records(format: FormatName): MonitorRecords {
  const [a, b] = monitoredPair(format);
  const hash = present(hashes[0], "a hash");
  for (let i = 0; i < 4; i++) {
    a.add(msat(20_000_000), hash, 500 + i);
    b.add(msat(30_000_000), hash, 520 + i);
    settle(a, b);
    for (const htlc of a.removable().slice(1)) a.fail(htlc);
    settle(a, b);
  }
  const stored = new StoredMonitor(a.setup);
  let monitor = newMonitor(a.setup);
  const store = new Map<string, Uint8Array>();
  const keep = (writes: ReturnType<StoredMonitor["setupWrites"]>): void => {
    for (const { key, value } of writes) {
      if (value === undefined) store.delete(key);
      else store.set(key, value);
    }
  };
  keep(stored.setupWrites());
  for (const update of a.updates) {
    keep(stored.updateWrites([update], monitor));
    const outcome = applyUpdate(monitor, update);
    assert.ok(outcome.kind === "applied");
    monitor = outcome.monitor;
  }
  assert.ok(monitor.past !== undefined && monitor.rows.length > 0 && monitor.secrets.entries.length > 1);
  return { channelId: a.setup.channelId, position: chainPosition, entries: entriesOf(store, "") };
}

function read(bytes: Uint8Array): ImportedMonitor {
  const imported = importMonitor(bytes);
  if (!imported.ok) throw new Error(imported.error.text);
  return imported.value;
}

function refusal(bytes: Uint8Array): string {
  const imported = importMonitor(bytes);
  assert.ok(!imported.ok, "bad bytes were taken for a monitor");
  return `${imported.error.kind}: ${imported.error.text}`;
}

/** `bytes` after `change`, with the checksum that belongs to them. */
function forged(bytes: Uint8Array, change: (body: Uint8Array) => void): Uint8Array {
  const body = bytes.slice(0, -32);
  change(body);
  return concatBytes(body, crypto().sha256(body));
}

describe("an exported monitor", () => {
  for (const format of formatNames) {
    it(`is the one that the store gives, with its rows and its place in the chain, ${format}`, () => {
      const given = records(format);
      const { restored, ...rest } = read(exportMonitor(given));
      assert.deepEqual(rest, given);
      const whole = restoreMonitors(given.entries);
      assert.ok(whole.ok);
      assert.deepEqual(restored.monitor, whole.value[0]?.monitor);
      assert.deepEqual(exportMonitor(rest), exportMonitor(given));
    });
  }

  const given = records("anchors-zero-fee-htlc");
  const bytes = exportMonitor(given);

  it("is refused whichever of its bytes is damaged", () => {
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      assert.match(refusal(damaged), /^corrupt: .*checksum/);
    }
  });

  it("is refused when it is cut, and when something follows it", () => {
    for (let length = 0; length < bytes.length; length += 7) refusal(bytes.slice(0, length));
    refusal(concatBytes(bytes, Uint8Array.of(0)));
    assert.match(refusal(forged(bytes.slice(0, -40), () => {})), /^corrupt/);
  });

  it("is refused when a newer program made it and says so", () => {
    const newer = forged(bytes, (body) => body.set([9, 9]));
    assert.match(refusal(newer), /^from-the-future: .*version 9/);
    const readable = forged(bytes, (body) => body.set([9, 1]));
    assert.deepEqual(read(readable).entries, given.entries);
  });

  it("is refused without one of its rows, with one twice, and with one that is nobody's", () => {
    const { entries } = given;
    for (const [index, { key }] of entries.entries()) {
      assert.match(
        refusal(exportMonitor({ ...given, entries: entries.toSpliced(index, 1) })),
        /^missing/,
        key,
      );
    }
    const doubled = entries.flatMap((entry) => [entry, entry]);
    assert.match(refusal(exportMonitor({ ...given, entries: doubled })), /^corrupt: .*order/);
    assert.match(refusal(exportMonitor({ ...given, entries: entries.toReversed() })), /^corrupt: .*order/);
    const strange = { key: `${monitorPrefix(given.channelId)}zzz`, value: new Uint8Array(3) };
    assert.match(refusal(exportMonitor({ ...given, entries: [...entries, strange] })), /^corrupt: .*unknown/);
    assert.match(refusal(exportMonitor({ ...given, entries: [] })), /^corrupt: .*no rows/);
  });

  it("is of one channel", () => {
    const strange = { key: monitorSetupKey(otherChannelId), value: new Uint8Array(3) };
    assert.throws(() => exportMonitor({ ...given, entries: [...given.entries, strange] }), {
      name: "InvariantError",
    });
    const entries = given.entries.map(({ key, value }) => ({
      key: key.replace(given.channelId, otherChannelId),
      value,
    }));
    assert.match(
      refusal(exportMonitor({ ...given, channelId: otherChannelId, entries })),
      /^corrupt: .*of channel/,
    );
  });
});

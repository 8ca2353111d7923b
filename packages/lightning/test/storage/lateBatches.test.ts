import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvWrite } from "#src/chain/kvStore";
import { applyUpdate, type ChannelMonitor, newMonitor } from "#src/onchain/channelMonitor";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { StoredMonitor } from "#src/storage/v1/storedMonitor";
import { present } from "#src/util/invariant";
import { feeratePerKw, msat } from "#src/util/units";
import { hashes, monitoredPair, settle } from "../onchain/monitoredPair.ts";

function essence({ latestUpdateId, holder, counterparty, preimages, secrets, rows }: ChannelMonitor) {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  return { latestUpdateId, holder, counterparty, preimages, secrets, byKey };
}

/** A peer that signs and withholds its revocation, so that rows are many and are made one. */
function walked(lag: number): { readonly most: number; readonly left: number } {
  const [a, b] = monitoredPair("anchors-zero-fee-htlc");
  const stored = new StoredMonitor(b.setup);
  const entries = new Map<string, Uint8Array>();
  const commit = (writes: readonly KvWrite[]) => {
    for (const { key, value } of writes) entries.set(key, present(value, "a value"));
  };
  commit(stored.setupWrites());
  const monitors = [newMonitor(b.setup)];
  const rows = () => [...entries.keys()].filter((key) => key.includes("/update/")).length;
  /** Of what is written, the last `lag` batches are not known to be durable; the node may die after each. */
  const store = () => {
    for (const update of b.updates.slice(monitors.length - 1)) {
      const durable = present(monitors[Math.max(0, monitors.length - 1 - lag)], "a monitor");
      commit(stored.updateWrites([update], durable));
      const outcome = applyUpdate(present(monitors.at(-1), "a monitor"), update);
      assert.ok(outcome.kind === "applied");
      monitors.push(outcome.monitor);
      const sorted = [...entries].sort(([x], [y]) => (x < y ? -1 : 1));
      const restored = restoreMonitors(sorted.map(([key, value]) => ({ key, value })));
      assert.ok(restored.ok, restored.ok ? "" : restored.error.text);
      const [one] = restored.value;
      assert.deepEqual(one && essence(one.monitor), essence(outcome.monitor));
    }
  };
  for (const hash of hashes) a.add(msat(20_000_000), hash, 500);
  settle(a, b);
  store();
  b.fulfill(present(b.removable()[0], "an HTLC"));
  b.sign();
  const withheld: typeof a.inbox = [];
  for (let n = 0; n < 80; n++) {
    a.setFeerate(feeratePerKw(500 + n));
    a.sign();
    while (b.inbox.length > 0) b.receive();
    if (n === 40) b.learn(present(b.removable()[0], "an HTLC").paymentHash);
    store();
    const answers = a.inbox.splice(0);
    withheld.push(...answers.filter(({ kind }) => kind !== "revoke"));
    a.inbox.push(...answers.filter(({ kind }) => kind === "revoke"));
    a.receive();
  }
  const most = rows();
  a.inbox.push(...withheld);
  settle(a, b);
  store();
  return { most, left: rows() };
}

describe("a stored monitor whose batches are late", () => {
  for (const lag of [3, 40]) {
    it(`is whole after each of them, when ${lag} are written ahead of what is known to be durable`, () => {
      const { most, left } = walked(lag);
      assert.ok(most >= 64 && left <= 64 + lag, `${most} rows, ${left} in the end`);
    });
  }
});

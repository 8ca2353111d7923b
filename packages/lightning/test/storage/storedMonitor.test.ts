import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvEntry, KvWrite } from "#src/chain/kvStore";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "#src/onchain/channelMonitor";
import type { ChannelMonitorUpdate } from "#src/onchain/channelMonitorUpdate";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { StoredMonitor } from "#src/storage/v1/storedMonitor";
import { feeratePerKw, msat } from "#src/util/units";
import { hashes, type MonitoredParty, monitoredPair, settle } from "../onchain/monitoredPair.ts";
import { Dice } from "./storedPair.ts";

/** A monitor and its store, as a host keeps them. */
class Keeper {
  readonly entries = new Map<string, Uint8Array>();
  /** Bytes that each update wrote beyond its share; negative when it kept to it. */
  readonly excess: number[] = [];
  monitor: ChannelMonitor;
  stored: StoredMonitor;

  constructor({ setup }: MonitoredParty) {
    this.stored = new StoredMonitor(setup);
    this.commit(this.stored.setupWrites());
    this.monitor = newMonitor(setup);
  }

  update(update: ChannelMonitorUpdate): void {
    const writes = this.stored.updateWrites(update, this.monitor);
    const [step] = update.steps;
    const [commitment] = step?.kind === "holder-commitment" ? step.commitments : [];
    this.excess.push(bytesOf(writes) - 1024 - 100 * (commitment?.htlcSignatures.length ?? 0));
    this.commit(writes);
    const outcome = applyUpdate(this.monitor, update);
    assert.ok(outcome.kind === "applied" || outcome.kind === "refused");
    this.monitor = outcome.monitor;
  }

  commit(writes: readonly KvWrite[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) assert.ok(this.entries.delete(key), `${key} was not there`);
      else this.entries.set(key, value);
    }
  }

  sorted(): readonly KvEntry[] {
    return [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value }));
  }

  /** The store alone gives the monitor that is in memory. */
  check(): StoredMonitor {
    const restored = restoreMonitors(this.sorted());
    assert.ok(restored.ok, restored.ok ? "" : restored.error.text);
    const [one] = restored.value;
    assert.ok(one !== undefined);
    assert.deepEqual(comparable(one.monitor), comparable(this.monitor));
    return one.stored;
  }

  rows(kind: string): number {
    return [...this.entries.keys()].filter((key) => key.split("/")[2] === kind).length;
  }
}

function bytesOf(writes: readonly KvWrite[]): number {
  return writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}

/** Signatures and HTLCs of equal monitors may come in another order. */
function comparable({ past, rows, holder, ...rest }: ChannelMonitor) {
  const old = [];
  for (let part = past; part !== undefined; part = part.before) old.push(...part.htlcs);
  const byId = (a: { readonly id: bigint }, b: { readonly id: bigint }) => (a.id < b.id ? -1 : 1);
  const commitments = holder.commitments.map((one) => {
    const incoming = one.htlcSignatures.filter(({ direction }) => direction === "incoming");
    const outgoing = one.htlcSignatures.filter(({ direction }) => direction === "outgoing");
    return { ...one, htlcSignatures: [...incoming.sort(byId), ...outgoing.sort(byId)] };
  });
  const keyed = (htlc: { readonly direction: string; readonly id: bigint }) => `${htlc.direction} ${htlc.id}`;
  const past_ = old.map((one) => [keyed(one.htlc), one] as const);
  const rows_ = rows.map((one) => [one.key, one] as const);
  return { ...rest, holder: { ...holder, commitments }, past: new Map(past_), rows: new Map(rows_) };
}

/** One random action of one end; what its monitor is given goes to its keeper. */
function randomStep([a, b]: readonly [MonitoredParty, MonitoredParty], dice: Dice): void {
  const party = dice.roll(2) === 0 ? a : b;
  const removable = party.removable();
  const htlc = removable[dice.roll(Math.max(1, removable.length))];
  switch (dice.roll(8)) {
    case 0:
    case 1: {
      const hash = hashes[dice.roll(hashes.length)];
      if (hash === undefined || party.commitments.htlcs.length >= 20) return;
      party.add(
        msat(dice.roll(4) === 0 ? 100_000 : 20_000_000 + dice.roll(1_000_000)),
        hash,
        500 + dice.roll(50),
      );
      return;
    }
    case 2:
      if (htlc !== undefined) party.fulfill(htlc);
      return;
    case 3:
      if (htlc !== undefined) party.fail(htlc);
      return;
    case 4:
      if (party === a && dice.roll(6) === 0) a.setFeerate(feeratePerKw(500 + dice.roll(1_000)));
      return;
    case 5:
      if (party.canSign()) party.sign();
      return;
    default:
      party.receive();
  }
}

function walked(format: FormatName, steps: number, each: (keepers: readonly Keeper[], n: number) => void) {
  const pair = monitoredPair(format);
  const keepers = pair.map((party) => new Keeper(party));
  const dice = new Dice(steps);
  const given = [0, 0];
  for (let n = 0; n < steps; n++) {
    randomStep(pair, dice);
    if (n % 37 === 0) settle(...pair);
    pair.forEach(({ updates }, i) => {
      for (const update of updates.slice(given[i])) keepers[i]?.update(update);
      given[i] = updates.length;
    });
    each(keepers, n);
  }
  return keepers;
}

describe("a stored monitor", () => {
  for (const format of formatNames) {
    it(`is the one in memory at any time, and writes its share at most, ${format}`, () => {
      const keepers = walked(format, 300, ([a, b], n) => {
        if (n % 23 === 0) a?.check();
        if (n % 29 === 0) b?.check();
      });
      for (const keeper of keepers) {
        assert.ok(keeper.excess.length > 60);
        assert.ok(Math.max(...keeper.excess) <= 0, `${Math.max(...keeper.excess)} bytes too much`);
        assert.ok(
          keeper.rows("update") < 40,
          `${keeper.rows("update")} rows of ${keeper.excess.length} updates`,
        );
        assert.ok(keeper.monitor.secrets.entries.length > 4);
        assert.ok(keeper.rows("secret") > 3);
      }
    });
  }

  it("is folded after a restart as before it", () => {
    const [one] = walked("anchors-zero-fee-htlc", 300, ([a], n) => {
      if (a !== undefined && n % 50 === 0) a.stored = a.check();
    });
    assert.ok(one !== undefined && one.rows("update") < 40);
    one.check();
  });

  it("writes no more for 483 HTLCs that come with one signature", () => {
    const [a, b] = monitoredPair("anchors-zero-fee-htlc");
    const [hash] = hashes;
    assert.ok(hash !== undefined);
    const dice = new Dice(5);
    const keeper = new Keeper(b);
    for (let i = 0; i < 483; i++)
      a.add(msat(3_000_000 + dice.roll(2_000_000)), hash, 800_000 + dice.roll(100));
    settle(a, b);
    for (const update of b.updates) keeper.update(update);
    assert.ok(keeper.monitor.holder.commitments[0]?.htlcSignatures.length === 483);
    for (const htlc of b.removable()) b.fail(htlc);
    settle(a, b);
    for (const update of b.updates.slice(keeper.excess.length)) keeper.update(update);
    assert.ok(Math.max(...keeper.excess) <= 0, `${Math.max(...keeper.excess)} bytes too much`);
    keeper.check();
  });

  it("keeps a lock, and refuses again what it had refused", () => {
    const [a, b] = monitoredPair("static-remotekey");
    const keeper = new Keeper(a);
    a.add(msat(20_000_000), hashes[0] ?? assert.fail(), 500);
    settle(a, b);
    const [first, ...others] = a.updates;
    keeper.update(first ?? assert.fail("no update"));
    keeper.monitor = locked(keeper.monitor, true, "deadline");
    // In the store before the lock, and refused after it.
    for (const update of others) keeper.update(update);
    keeper.commit(keeper.stored.stateWrites(keeper.monitor));
    assert.equal(keeper.monitor.holder.number, 0);
    assert.equal(keeper.monitor.latestUpdateId, a.updates.length + 1);
    keeper.check();
  });

  it("is not restored without any one of its rows, but for its last update, whose lack it shows", () => {
    const [keeper] = walked("anchors-zero-fee-htlc", 200, () => undefined);
    assert.ok(keeper !== undefined);
    const all = keeper.sorted();
    const last = all.findLast(({ key }) => key.includes("/update/"))?.key;
    const kinds = new Set<string>();
    for (const { key } of all) {
      const restored = restoreMonitors(all.filter((entry) => entry.key !== key));
      if (restored.ok) {
        assert.equal(key, last);
        assert.equal(restored.value[0]?.monitor.latestUpdateId, keeper.monitor.latestUpdateId - 1);
        continue;
      }
      assert.equal(restored.error.kind, "missing", restored.error.text);
      assert.ok(key.startsWith(restored.error.key), `${restored.error.key} for ${key}`);
      kinds.add(key.split("/")[2] ?? "");
    }
    assert.deepEqual([...kinds].sort(), ["htlcs", "secret", "setup", "state", "update"]);
  });

  it("is not restored from bytes that are not what was written, nor does that throw", () => {
    const [keeper] = walked("anchors-zero-fee-htlc", 150, () => undefined);
    assert.ok(keeper !== undefined);
    const all = keeper.sorted();
    for (const [index, { key, value }] of all.entries()) {
      for (const at of [0, 2, value.length >> 1, value.length - 1]) {
        const changed = value.slice();
        changed[at] = (changed[at] ?? 0) ^ 0x55;
        restoreMonitors(all.with(index, { key, value: changed }));
      }
      const short = restoreMonitors(all.with(index, { key, value: value.slice(0, -1) }));
      assert.ok(!short.ok, key);
    }
    const unknown = restoreMonitors([...all, { key: `${all[0]?.key}x`, value: new Uint8Array(0) }]);
    assert.ok(!unknown.ok && unknown.error.kind === "corrupt");
  });
});

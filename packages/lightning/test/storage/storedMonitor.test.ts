import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvEntry, KvWrite } from "#src/chain/kvStore";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "#src/onchain/channelMonitor";
import type { ChannelMonitorUpdate } from "#src/onchain/channelMonitorUpdate";
import { allPastHtlcs } from "#src/onchain/pastHtlcs";
import { readStoredUpdates } from "#src/storage/v1/monitorRows";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { lastOf, StoredMonitor } from "#src/storage/v1/storedMonitor";
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

  /** All that one batch has. */
  update(...updates: readonly ChannelMonitorUpdate[]): void {
    if (updates.length === 0) return;
    const writes = this.stored.updateWrites(updates, this.monitor);
    let share = 1024 * updates.length;
    for (const step of updates.flatMap(({ steps }) => steps)) {
      const [commitment] = step.kind === "holder-commitment" ? step.commitments : [];
      share += 100 * (commitment?.htlcSignatures.length ?? 0);
    }
    this.excess.push(bytesOf(writes) - share);
    this.commit(writes);
    for (const update of updates) {
      const outcome = applyUpdate(this.monitor, update);
      assert.ok(outcome.kind === "applied" || outcome.kind === "refused");
      this.monitor = outcome.monitor;
    }
  }

  commit(writes: readonly KvWrite[]): void {
    assert.equal(new Set(writes.map(({ key }) => key)).size, writes.length);
    for (const { key, value } of writes) {
      assert.ok(value !== undefined, `${key} is deleted`);
      this.entries.set(key, value);
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

  /** The key of the row with the last updates. */
  newestRow(): string | undefined {
    let newest: { readonly key: string; readonly last: number } | undefined;
    for (const entry of this.sorted().filter(({ key }) => key.includes("/update/"))) {
      const row = readStoredUpdates(entry);
      assert.ok(row.ok);
      const last = lastOf(row.value);
      if (last > (newest?.last ?? 0)) newest = { key: entry.key, last };
    }
    return newest?.key;
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
  const byId = (a: { readonly id: bigint }, b: { readonly id: bigint }) => (a.id < b.id ? -1 : 1);
  const commitments = holder.commitments.map((one) => {
    const incoming = one.htlcSignatures.filter(({ direction }) => direction === "incoming");
    const outgoing = one.htlcSignatures.filter(({ direction }) => direction === "outgoing");
    return { ...one, htlcSignatures: [...incoming.sort(byId), ...outgoing.sort(byId)] };
  });
  const keyed = (htlc: { readonly direction: string; readonly id: bigint }) => `${htlc.direction} ${htlc.id}`;
  const past_ = allPastHtlcs(past).map((one) => [keyed(one.htlc), one] as const);
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
  const [dice, batches] = [new Dice(steps), new Dice(1)];
  const given = [0, 0];
  for (let n = 0; n < steps; n++) {
    randomStep(pair, dice);
    if (n % 37 === 0) settle(...pair);
    pair.forEach(({ updates }, i) => {
      // A batch has what a few steps bring.
      if (batches.roll(2) === 0) return;
      keepers[i]?.update(...updates.slice(given[i]));
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
        assert.ok(keeper.excess.length > 20);
        assert.ok(Math.max(...keeper.excess) <= 0, `${Math.max(...keeper.excess)} bytes too much`);
        assert.ok(
          keeper.rows("update") < 20,
          `${keeper.rows("update")} rows of ${keeper.excess.length} batches`,
        );
        assert.ok(keeper.monitor.secrets.entries.length > 4);
        assert.ok(keeper.rows("secret") > 3);
      }
    });
  }

  it("goes on after a restart as before it", () => {
    const [one] = walked("anchors-zero-fee-htlc", 300, ([a], n) => {
      if (a !== undefined && n % 50 === 0) a.stored = a.check();
    });
    assert.ok(one !== undefined && one.rows("update") < 20);
    one.check();
  });

  it("does not grow with what a peer signs while it revokes nothing", () => {
    const [a, b] = monitoredPair("anchors-zero-fee-htlc");
    const keeper = new Keeper(b);
    const withheld: MonitoredParty["inbox"] = [];
    let given = 0;
    const told = () => {
      for (const update of b.updates.slice(given)) keeper.update(update);
      given = b.updates.length;
    };
    a.add(msat(20_000_000), hashes[0] ?? assert.fail(), 500);
    a.add(msat(30_000_000), hashes[1] ?? assert.fail(), 500);
    settle(a, b);
    // One is claimed while the peer revokes nothing, so that the preimage counts all the time.
    b.fulfill(b.removable()[1] ?? assert.fail());
    b.sign();
    for (let n = 0; n < 200; n++) {
      a.setFeerate(feeratePerKw(500 + n));
      a.sign();
      while (b.inbox.length > 0) b.receive();
      told();
      const answers = a.inbox.splice(0);
      withheld.push(...answers.filter(({ kind }) => kind !== "revoke"));
      a.inbox.push(...answers.filter(({ kind }) => kind === "revoke"));
      a.receive();
      if (n % 20 === 0) keeper.stored = keeper.check();
      else if (n % 7 === 0) keeper.check();
    }
    assert.equal(keeper.monitor.counterparty.length, 2);
    assert.equal(keeper.monitor.preimages.length, 1);
    assert.ok(keeper.rows("update") <= 65, `${keeper.rows("update")} rows`);
    assert.ok(b.commitments.feerates.length < 5, `${b.commitments.feerates.length} feerates`);
    // It goes on as if nothing had been.
    a.inbox.push(...withheld);
    settle(a, b);
    told();
    keeper.stored = keeper.check();
    assert.equal(keeper.monitor.preimages.length, 0);
    b.add(msat(10_000_000), hashes[2] ?? assert.fail(), 500);
    settle(a, b);
    told();
    keeper.check();
    assert.equal(keeper.monitor.holder.number, b.commitments.localNumber);
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
    const taken = b.updates.length;
    assert.ok(keeper.monitor.holder.commitments[0]?.htlcSignatures.length === 483);
    for (const htlc of b.removable()) b.fail(htlc);
    settle(a, b);
    for (const update of b.updates.slice(taken)) keeper.update(update);
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

  it("is not restored without any one of its rows, but for its last updates, whose lack it shows", () => {
    const [keeper] = walked("anchors-zero-fee-htlc", 200, () => undefined);
    assert.ok(keeper !== undefined);
    const all = keeper.sorted();
    const newest = keeper.newestRow();
    const kinds = new Set<string>();
    let free = 0;
    for (const { key } of all) {
      const restored = restoreMonitors(all.filter((entry) => entry.key !== key));
      if (key === newest) {
        // Unless a secret shows that something came after.
        const latest = restored.ok ? (restored.value[0]?.monitor.latestUpdateId ?? 0) : 0;
        assert.ok(latest < keeper.monitor.latestUpdateId);
        continue;
      }
      if (restored.ok) {
        const [one] = restored.value;
        assert.ok(one !== undefined && key.includes("/update/"), key);
        assert.deepEqual(comparable(one.monitor), comparable(keeper.monitor));
        free++;
        continue;
      }
      assert.equal(restored.error.kind, "missing", restored.error.text);
      assert.ok(key.startsWith(restored.error.key), `${restored.error.key} for ${key}`);
      kinds.add(key.split("/")[2] ?? "");
    }
    assert.deepEqual([...kinds].sort(), ["htlcs", "secret", "setup", "state", "update"]);
    assert.ok(free > 0 && free < keeper.rows("update") - 2);
  });

  it("is never an older one when a row is older than the others", () => {
    const older = new Map<string, Uint8Array>();
    let seen = new Map<string, Uint8Array>();
    const kinds = new Set<string>();
    let taken = 0;
    walked("anchors-zero-fee-htlc", 200, ([keeper], n) => {
      if (keeper === undefined) return;
      for (const [key, value] of keeper.entries) {
        const before = seen.get(key);
        if (before !== undefined && before !== value) older.set(key, before);
      }
      seen = new Map(keeper.entries);
      if (n % 17 !== 0) return;
      const newest = keeper.newestRow();
      for (const [key, value] of older) {
        const restored = restoreMonitors(
          keeper.sorted().map((entry) => (entry.key === key ? { key, value } : entry)),
        );
        kinds.add(key.split("/")[2] ?? "");
        if (!restored.ok) continue;
        const [one] = restored.value;
        assert.ok(one !== undefined);
        taken++;
        if (key === newest) assert.ok(one.monitor.latestUpdateId < keeper.monitor.latestUpdateId);
        else assert.deepEqual(comparable(one.monitor), comparable(keeper.monitor), key);
      }
    });
    assert.deepEqual([...kinds].sort(), ["secret", "update"]);
    assert.ok(taken > 0);
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

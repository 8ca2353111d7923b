import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeaseClock } from "#src/postgres/clock";
import { LeasedPostgresStore } from "#src/postgres/leasedPostgresStore";
import { checkOptions } from "#src/postgres/settings";
import { StandBy } from "#src/postgres/standBy";
import { FakeDatabase } from "./fakeDatabase.ts";
import { SimulatedTime, settled } from "./simulatedTime.ts";

const duration = 6_000;

function scene() {
  const time = new SimulatedTime();
  const database = new FakeDatabase((action, delay) => time.schedule(action, delay));
  let opened = 0;
  const open = async (
    options: {
      readonly clock?: LeaseClock;
      readonly leaseDuration?: number;
      readonly patient?: boolean;
      readonly signal?: AbortSignal;
    } = {},
  ) => {
    opened++;
    const candidate = { id: `store ${opened}`, name: `process ${opened} on host` };
    const { clock = time.clock(), leaseDuration = duration, patient = false, signal } = options;
    const checked = checkOptions({ connection: "", node: "n", leaseDuration, clock });
    const standBy = new StandBy({ options: checked, candidate, connect: database.connect, patient, signal });
    return new LeasedPostgresStore(checked, database.connect, await standBy.take());
  };
  return { time, database, open };
}

/** What a promise has come to, by now. */
function outcomeOf(promise: Promise<unknown>): { state: string } {
  const outcome = { state: "pending" };
  promise.then(
    () => {
      outcome.state = "fulfilled";
    },
    (error: { code?: string; name: string }) => {
      outcome.state = error.name === "AbortError" ? error.name : (error.code ?? error.name);
    },
  );
  return outcome;
}

const put = (n: number) => [{ key: "n", value: Uint8Array.of(n) }];

test("a lease that is renewed goes on; one that is not ends its duration after the last renewal was sent", async () => {
  const { time, database, open } = scene();
  const store = await open();
  await time.advance(60_000);
  assert.equal(store.holdsLease(), true);
  assert.ok(database.statements.filter((kind) => kind === "renew").length >= 30);
  // Renewals are sent every 1.5 s, the last one at 60 s.
  database.fate = () => undefined;
  await time.advance(5_999);
  assert.equal(store.holdsLease(), true);
  await time.advance(1);
  assert.equal(store.holdsLease(), false);
});

test("an answer that comes late does not make the lease longer", async () => {
  const { time, database, open } = scene();
  const store = await open();
  database.fate = (kind) => (kind === "renew" ? { there: 0, back: 2_900 } : { there: 0, back: 0 });
  // Sent at 1.5 s, answered at 4.4 s; the next is sent at 5.9 s and lost.
  await time.advance(4_500);
  database.fate = () => undefined;
  await time.advance(2_999);
  assert.equal(store.holdsLease(), true);
  await time.advance(1);
  assert.equal(store.holdsLease(), false);
});

test("when nobody has taken over meanwhile, a lease that ran out is held again, in the same epoch", async () => {
  const { time, database, open } = scene();
  const store = await open();
  const lost = outcomeOf(new Promise((resolve) => store.onLost(resolve)));
  database.fate = () => undefined;
  await time.advance(60_000);
  assert.equal(store.holdsLease(), false);
  assert.equal(outcomeOf(store.commit(put(1))).state, "pending");
  database.fate = () => ({ there: 0, back: 0 });
  await time.advance(1_500);
  assert.deepEqual([store.holdsLease(), store.epoch, lost.state], [true, 1n, "pending"]);
  await store.commit(put(2));
});

test("time that the machine slept through counts, although the monotonic clock stood still", async () => {
  const { time, open } = scene();
  let slept = 0;
  const clock = time.clock();
  const store = await open({ clock: { ...clock, wall: () => clock.wall() + slept } });
  assert.equal(store.holdsLease(), true);
  slept = duration;
  assert.equal(store.holdsLease(), false);
  await time.advance(1_500);
  assert.equal(store.holdsLease(), true);
  // A clock that is set back does no harm either.
  slept = -1_000_000;
  assert.equal(store.holdsLease(), true);
});

test("a machine's clock that is set back does not make the lease longer", async () => {
  const { time, database, open } = scene();
  let setBack = 0;
  const clock = time.clock();
  const store = await open({ clock: { ...clock, wall: () => clock.wall() - setBack } });
  database.fate = () => undefined;
  setBack = 100_000;
  await time.advance(duration);
  assert.equal(store.holdsLease(), false);
});

test("a stand-by waits for the holder's duration, not its own, from when it saw the last change", async () => {
  const { time, database, open } = scene();
  const active = await open({ leaseDuration: 20_000 });
  const standBy = open({ patient: true, leaseDuration: 1_200 });
  const state = outcomeOf(standBy);
  await time.advance(60_000);
  assert.equal(state.state, "pending");
  const { fate } = database;
  database.fate = (kind) => (kind === "look" || kind === "take" ? fate(kind) : undefined);
  await time.advance(20_000);
  assert.deepEqual([active.holdsLease(), state.state], [false, "pending"]);
  await time.advance(2_300);
  assert.equal(state.state, "fulfilled");
  assert.equal((await standBy).epoch, 2n);
});

test("who starts while the lease is renewed is told who has it; who was told to wait can be told to stop", async () => {
  const { time, open } = scene();
  const active = await open();
  const second = open();
  const outcome = outcomeOf(second);
  await time.advance(2_500);
  assert.equal(outcome.state, "locked");
  await assert.rejects(second, /process 1 on host/);
  const abort = new AbortController();
  const waiting = outcomeOf(open({ patient: true, signal: abort.signal }));
  await time.advance(30_000);
  abort.abort();
  await settled();
  assert.equal(waiting.state, "AbortError");
  assert.equal(active.holdsLease(), true);
});

test("a store that is closed gives its lease back, and holds it no longer from the call on", async () => {
  const { time, database, open } = scene();
  const first = await open();
  const commit = first.commit(put(1));
  const closing = first.close();
  assert.equal(first.holdsLease(), false);
  await Promise.all([commit, closing]);
  assert.equal(database.lease?.holder, null);
  const second = await open();
  assert.equal(second.epoch, 2n);
  await time.advance(20_000);
  assert.equal(second.holdsLease(), true);
});

test("who was taken over from can neither write nor read, and is told once", async () => {
  const { time, database, open } = scene();
  const old = await open();
  const told: string[] = [];
  old.onLost((error) => void told.push(error.message));
  await old.commit(put(1));
  const { fate } = database;
  const cutOff = { isOn: true };
  database.fate = (kind) =>
    cutOff.isOn && ["renew", "read", "session", "commit"].includes(kind) ? undefined : fate(kind);
  const standBy = open({ patient: true });
  await time.advance(9_000);
  const successor = await standBy;
  cutOff.isOn = false;
  await successor.commit(put(7));
  for (const call of [() => old.commit(put(2)), () => old.read("n"), () => old.scan("", undefined, 1)]) {
    await assert.rejects(call, { code: "lease-lost", isFatal: true });
  }
  assert.deepEqual([old.holdsLease(), told.length, database.entries.get("n")?.[0]], [false, 1, 7]);
  let late = 0;
  old.onLost(() => late++);
  assert.equal(late, 1);
  await old.close();
  assert.equal(database.lease?.holder, "store 2");
  assert.deepEqual([...((await successor.read("n")) ?? [])], [7]);
});

test("an idle node learns of it with its next renewal", async () => {
  const { time, database, open } = scene();
  const old = await open();
  let isLost = false;
  old.onLost(() => {
    isLost = true;
  });
  if (database.lease !== undefined) database.lease.epoch++;
  await time.advance(1_500);
  assert.equal(isLost, true);
  const { length } = database.statements;
  await time.advance(60_000);
  assert.equal(database.statements.length, length);
});

test("a lost answer -- unknown, those behind it are not written; what is on its way still does nothing later", async () => {
  const { time, database, open } = scene();
  const store = await open();
  await store.commit(put(1));
  // It reaches the database five seconds after the connection was cut.
  database.fate = (kind) => (kind === "commit" ? { there: 5_000, cut: 10 } : { there: 0, back: 0 });
  const unknown = outcomeOf(store.commit(put(2)));
  await settled();
  const behind = outcomeOf(store.commit(put(3)));
  await time.advance(10);
  assert.deepEqual([unknown.state, behind.state], ["outcome-unknown", "commit-failed"]);
  database.fate = () => ({ there: 0, back: 0 });
  await store.commit(put(2));
  await store.commit(put(4));
  await time.advance(10_000);
  assert.deepEqual(
    database.applied.map(({ values }) => values[0]?.[0]),
    [1, 2, 4],
  );
  assert.deepEqual([...((await store.read("n")) ?? [])], [4]);
});

test("a database that has lost commits is refused, by the holder and by a stand-by", async () => {
  const { time, database, open } = scene();
  const store = await open();
  await store.commit(put(1));
  const waiting = open({ patient: true });
  const outcome = outcomeOf(waiting);
  await time.advance(500);
  await store.commit(put(2));
  await time.advance(500);
  // As a replica would that had not got the last commit.
  if (database.lease !== undefined) database.lease.beat -= 1;
  await assert.rejects(store.commit(put(3)), { code: "rolled-back", isFatal: true });
  if (database.lease !== undefined) database.lease.beat -= 3;
  await time.advance(500);
  assert.equal(outcome.state, "rolled-back");
  // Who comes later knows nothing of it, but is told.
  assert.equal(database.lease?.isRolledBack, true);
  await assert.rejects(open(), { code: "rolled-back" });
  await assert.rejects(open({ patient: true }), { code: "rolled-back" });
});

test("options that cannot be meant are refused", () => {
  const given = { connection: "postgresql://u:hunter2@h/d", node: "n" };
  for (const wrong of [
    { node: "" },
    { node: "a b" },
    { node: "n'; DROP TABLE fulmen_entries" },
    { node: "x".repeat(101) },
    { leaseDuration: 0 },
    { leaseDuration: Number.NaN },
    { leaseDuration: 600_000 },
    { answerTimeout: -1 },
  ]) {
    assert.throws(
      () => checkOptions({ ...given, ...wrong }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "open-failed");
        assert.ok(!error.message.includes("hunter2"));
        return true;
      },
    );
  }
  assert.equal(checkOptions(given).leaseDuration, 6_000);
});

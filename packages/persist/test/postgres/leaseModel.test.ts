import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeasedStore } from "@fulmen/lightning/chain";
import { LeasedPostgresStore } from "#src/postgres/leasedPostgresStore";
import { checkOptions } from "#src/postgres/settings";
import { StandBy } from "#src/postgres/standBy";
import { FakeDatabase, type Fate } from "./fakeDatabase.ts";
import { SimulatedTime } from "./simulatedTime.ts";

/** 0 up to 1, the same for the same seed. */
function dice(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

interface Totals {
  readonly epochs: number;
  readonly commits: number;
  readonly unknown: number;
}

/**
 * Three machines whose clocks run up to 4 % too fast or too slow want to be one node over a network that delays, drops,
 * and cuts. The one that has the lease counts: it commits n + 1 after what it read, the same again when that failed.
 */
async function run(seed: number): Promise<Totals> {
  const random = dice(seed);
  const time = new SimulatedTime();
  const database = new FakeDatabase((action, delay) => time.schedule(action, delay));
  const stores = new Set<LeasedStore>();
  let acknowledged = 0;
  let unknown = 0;
  let isOver = false;

  const work = async (store: LeasedStore): Promise<void> => {
    let n = ((await retried(() => store.read("n"))) ?? Uint8Array.of(0))[0] ?? 0;
    assert.ok(n >= acknowledged, `seed ${seed}: read ${n} after ${acknowledged} was acknowledged`);
    while (!isOver) {
      n = (n + 1) % 256;
      await retried(() => store.commit([{ key: "n", value: Uint8Array.of(n) }]));
      acknowledged = n;
      await pause(random() * 2_000);
    }
  };
  const retried = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const { code, isFatal } = error as { code?: string; isFatal?: boolean };
        if (code === "outcome-unknown") unknown++;
        if (isFatal !== false) throw error;
        await pause(100 + random() * 500);
      }
    }
  };
  const pause = (delay: number): Promise<void> =>
    new Promise((resolve) => {
      time.schedule(resolve, delay);
    });

  const machine = async (id: number): Promise<void> => {
    const clock = time.clock(0.96 + random() * 0.08, random() * 1e6);
    let isCutOff = false;
    const toggle = (): void => {
      isCutOff = !isCutOff && random() < 0.5;
      if (!isOver) time.schedule(toggle, 1_000 + random() * 8_000);
    };
    toggle();
    const fate = (): Fate | undefined => {
      // What is under way when a network is cut may arrive all the same, late.
      if (isCutOff) return random() < 0.5 ? undefined : { there: random() * 9_000, cut: random() * 2_000 };
      if (random() < 0.05) return { cut: random() * 500, ...(random() < 0.7 && { there: random() * 9_000 }) };
      return { there: random() * 200, back: random() * (random() < 0.1 ? 3_000 : 200) };
    };
    const connect = database.connectThrough(fate);
    for (let life = 1; !isOver; life++) {
      const candidate = { id: `${id}/${life}`, name: `machine ${id}` };
      const options = checkOptions({
        connection: "",
        node: "n",
        leaseDuration: 3_000,
        answerTimeout: 4_000,
        clock,
      });
      const taken = await new StandBy({ options, candidate, connect, patient: true }).take();
      const store = new LeasedPostgresStore(options, connect, taken);
      stores.add(store);
      await work(store).catch((error: { code?: string }) => assert.equal(error.code, "lease-lost"));
    }
  };
  const machines = [1, 2, 3].map(machine);
  await time.advance(120_000, () => {
    const holders = [...stores].filter((store) => store.holdsLease());
    assert.ok(holders.length <= 1, `seed ${seed}: two hold the lease at ${time.now}`);
  });
  isOver = true;
  await Promise.race([Promise.all(machines), new Promise((resolve) => setImmediate(resolve))]);

  // What took effect, one after the other: each the same as the last or the next one, and never of an epoch that is
  // over.
  let [lastEpoch, lastValue] = [0, 0];
  for (const { epoch, values } of database.applied) {
    const value = values[0]?.[0] ?? 0;
    assert.ok(epoch >= lastEpoch, `seed ${seed}: epoch ${epoch} wrote after ${lastEpoch}`);
    assert.ok(
      value === lastValue || value === (lastValue + 1) % 256,
      `seed ${seed}: ${value} after ${lastValue}`,
    );
    [lastEpoch, lastValue] = [epoch, value];
  }
  return { epochs: lastEpoch, commits: database.applied.length, unknown };
}

test("through cuts, delays and clocks that drift nobody acts beside another, and every count follows its last one", async () => {
  const totals = { epochs: 0, commits: 0, unknown: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    const { epochs, commits, unknown } = await run(seed);
    totals.epochs += epochs;
    totals.commits += commits;
    totals.unknown += unknown;
  }
  // That there was something to go wrong.
  assert.ok(totals.epochs > 25 && totals.commits > 300 && totals.unknown > 30, JSON.stringify(totals));
});

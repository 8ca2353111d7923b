import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { KvWrite, LeasedStore } from "@fulmen/lightning/chain";
import { waitForLease } from "@fulmen/persist/postgres";
import { PostgresServer, TcpProxy } from "@fulmen/testkit/postgres";
import type { LeaseClock } from "#src/postgres/clock";

// timeout: 180 s

// Two machines want to be one node, each over a network of its own to a real PostgreSQL. Something happens to one of
// them at one step of what it asks the database for; each step has everything happen to it once.

const leaseDuration = 500;
const day = 24 * 3_600_000;
/** Runs at once: they wait most of the time. */
const runsAtOnce = 8;
/** What each machine commits, as often as it has to begin anew for that. */
const commits = 3;

/** What a machine asks the database for, by what is in the bytes. */
const steps: Readonly<Record<string, string>> = {
  connect: "application_name",
  "ask for settings": "pg_settings",
  "make settings": "set_config",
  "look at the tables": "fulmen_schema",
  "look at the lease": "SELECT epoch",
  "create the lease": "INSERT INTO fulmen_leases",
  "take the lease over": "SET epoch = epoch + 1",
  "renew the lease": "SET beat = beat + 1 WHERE node = $1 AND epoch = $2 AND holder = $3 RETURNING beat",
  "begin a session": "SET session = session + 1, beat = beat + 1",
  commit: "WITH lease",
  read: "entry.key = $4",
  "give the lease back": "SET holder = NULL",
};

/** The clock of a machine that can leap. */
class LeapingClock implements LeaseClock {
  slept = 0;
  set = 0;
  monotonic = (): number => performance.now() + this.slept;
  wall = (): number => Date.now() + this.slept + this.set;
  schedule(action: () => void, delay: number): () => void {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  }
}

interface Machine {
  readonly proxy: TcpProxy;
  readonly clock: LeapingClock;
  /** Commits that it has sent. */
  sent: number;
}

/** What happens when a machine asks; what it gives happens instead of the answer. */
type Fault = (machine: Machine, cut: () => void) => (() => void) | undefined;

/** The bytes reach the database when other things have happened there. */
async function arriveLate({ proxy }: Machine, delay: number, isTime = () => false): Promise<void> {
  proxy.holds = true;
  setImmediate(() => {
    proxy.holds = false;
  });
  const end = performance.now() + delay;
  do await pause(20);
  while (!isTime() && performance.now() < end);
  proxy.release();
}

const faults: Readonly<Record<string, Fault>> = {
  "the line is cut before it arrives": (_, cut) => void cut(),
  "the answer is lost": (_, cut) => cut,
  "the line is cut, and it arrives after the next one": (machine, cut) => {
    const after = machine.sent + 2;
    void arriveLate(machine, 1.8 * leaseDuration, () => machine.sent >= after);
    cut();
    return undefined;
  },
  "the line is cut, and it arrives after the end of the lease": (machine, cut) => {
    void arriveLate(machine, 1.8 * leaseDuration);
    cut();
    return undefined;
  },
  "it is held up until after the end of the lease": (machine) =>
    void arriveLate(machine, 1.3 * leaseDuration),
  "the network is dead from then on, for twice the lease": ({ proxy }) => {
    proxy.isDead = true;
    setTimeout(() => {
      proxy.isDead = false;
      proxy.cutClients();
    }, 2 * leaseDuration);
    return undefined;
  },
  "the clock is set forward by a day": ({ clock }) => {
    clock.set += day;
    return undefined;
  },
  "the clock is set back by a day": ({ clock }) => {
    clock.set -= day;
    return undefined;
  },
  "the machine has slept": ({ clock }) => {
    clock.slept += 2 * leaseDuration;
    return undefined;
  },
};

let server: PostgresServer;
before(async () => {
  server = await PostgresServer.start();
  // The tables are there, as they are for all but the first process.
  await (await waitForLease({ connection: server.url(), node: "first" })).close();
});
after(() => server.stop());

/** What both machines do, and what must hold of it. */
class Run {
  readonly #node: string;
  readonly #stores = new Set<LeasedStore>();
  #acknowledged = 0;

  constructor(node: string) {
    this.#node = node;
  }

  checkHolders(): void {
    const holders = [...this.#stores].filter((store) => store.holdsLease());
    assert.ok(holders.length <= 1, `${this.#node}: two hold the lease`);
  }

  /** Counts on from where the last one stopped, as the node, however often it loses the lease. */
  async work({ proxy, clock }: Machine): Promise<void> {
    for (let left = commits; left > 0; ) {
      const store = await this.#open(server.url("postgres", proxy.port), clock);
      try {
        let count = (await retried(() => store.read("count")))?.[0] ?? 0;
        assert.ok(count >= this.#acknowledged, `${count} of ${this.#acknowledged} are there`);
        for (; left > 0; left--) {
          count++;
          const writes = writesOf(count, store.epoch);
          await retried(() => store.commit(writes));
          this.checkHolders();
          this.#acknowledged = count;
          await pause(leaseDuration / 4);
        }
        assert.deepEqual(await retried(() => store.read("count")), Uint8Array.of(count));
      } catch (error) {
        if ((error as { code?: string }).code !== "lease-lost") throw error;
      } finally {
        await store.close();
      }
    }
  }

  /** Nothing is missing, and nobody wrote whose time was over. */
  async check(): Promise<void> {
    const store = await this.#open(server.url());
    const count = (await store.read("count"))?.[0] ?? 0;
    assert.ok(count >= 2 * commits && count >= this.#acknowledged, `${count} of ${this.#acknowledged}`);
    const epochs = new Map<number, number>();
    for (const { key, value } of await store.scan("log/", undefined, 100))
      epochs.set(Number(key.slice("log/".length)), value[0] ?? 0);
    assert.equal(epochs.size, count);
    for (let n = 2; n <= count; n++)
      assert.ok(
        (epochs.get(n) ?? 0) >= (epochs.get(n - 1) ?? 0),
        `${n} was written by one whose lease was over`,
      );
    const marks = await store.scan("mark/", undefined, 100);
    assert.deepEqual(
      marks.map(({ key }) => key),
      [`mark/${count}`],
      "what was late has changed something",
    );
    await store.close();
  }

  async #open(connection: string, clock?: LeaseClock): Promise<LeasedStore> {
    const given = { connection, node: this.#node, leaseDuration, answerTimeout: 2 * leaseDuration };
    const store = await waitForLease({ ...given, ...(clock && { clock }) });
    this.#stores.add(store);
    return store;
  }
}

/** The count, a line for a log that tells who wrote it, and a mark that the next one takes away. */
function writesOf(count: number, epoch: bigint): readonly KvWrite[] {
  return [
    { key: "count", value: Uint8Array.of(count) },
    { key: `log/${count}`, value: Uint8Array.of(Number(epoch)) },
    { key: `mark/${count}`, value: Uint8Array.of(1) },
    { key: `mark/${count - 1}`, value: undefined },
  ];
}

/** Asks again for as long as the store says that this may help. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { isFatal?: boolean }).isFatal !== false) throw error;
      await pause(20);
    }
  }
}

/** Gives whether the step was taken at all. */
async function runOnce(node: string, step: string, fault: Fault): Promise<boolean> {
  const run = new Run(node);
  const machines: Machine[] = [];
  let hasHappened = false;
  for (let i = 0; i < 2; i++) {
    const machine = { proxy: await TcpProxy.start(server.port), clock: new LeapingClock(), sent: 0 };
    machine.proxy.onRequest = (bytes, cut) => {
      const text = Buffer.from(bytes);
      if (text.includes(steps["commit"] ?? "")) machine.sent++;
      if (hasHappened || !text.includes(step)) return undefined;
      hasHappened = true;
      return fault(machine, cut);
    };
    machines.push(machine);
  }
  let failure: unknown;
  const watch = setInterval(() => {
    try {
      run.checkHolders();
    } catch (error) {
      failure ??= error;
    }
  }, 2);
  try {
    await Promise.all(machines.map((machine) => run.work(machine)));
    await run.check();
    if (failure !== undefined) throw failure;
  } finally {
    clearInterval(watch);
    await Promise.all(machines.map(({ proxy }) => proxy.stop()));
  }
  return hasHappened;
}

test("whatever happens at whichever step, there are never two writers, nothing is lost, and both get on", async () => {
  const waiting = Object.entries(steps).flatMap(([name, bytes]) =>
    Object.entries(faults).map(([what, fault]) => ({ name: `${name}: ${what}`, bytes, fault })),
  );
  const { length } = waiting;
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, bytes, fault } = next;
      const node = `node-${waiting.length}`;
      const hasHappened = await runOnce(node, bytes, fault).catch((error: unknown) => {
        throw new Error(name, { cause: error });
      });
      assert.ok(hasHappened, `${name}: it was never asked for`);
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, lane));
  assert.equal(length, 12 * 9);
});

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import type { LeasedStore } from "@fulmen/lightning/chain";
import { openPostgresStore, type PostgresStoreOptions, waitForLease } from "@fulmen/persist/postgres";
import { PostgresServer, TcpProxy } from "@fulmen/testkit/postgres";
import pg from "pg";

// timeout: 180 s

const leaseDuration = 1_000;
let server: PostgresServer;
let proxy: TcpProxy;
let nodes = 0;
const opened: LeasedStore[] = [];

before(async () => {
  server = await PostgresServer.start();
  proxy = await TcpProxy.start(server.port);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});
afterEach(async () => {
  proxy.isDead = false;
  proxy.onRequest = undefined;
  proxy.release();
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

/** Options for a new node: `near` goes to the database directly, `far` through the network that can be harmed. */
function newNode(options: Partial<PostgresStoreOptions> = {}) {
  nodes++;
  const common = { node: `node-${nodes}`, leaseDuration, answerTimeout: 2_000, ...options };
  return {
    node: common.node,
    near: { ...common, connection: server.url() },
    far: { ...common, connection: server.url("postgres", proxy.port) },
  };
}

async function open(options: PostgresStoreOptions): Promise<LeasedStore> {
  const store = await openPostgresStore(options);
  opened.push(store);
  return store;
}

async function standBy(options: PostgresStoreOptions): Promise<LeasedStore> {
  const store = await waitForLease(options);
  opened.push(store);
  return store;
}

async function sql(
  text: string,
  values: readonly string[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await pause(10);
  }
}

const put = (n: number, key = "n") => [{ key, value: Uint8Array.of(n) }];
const isCommit = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes("WITH lease");

async function stored(store: LeasedStore, key = "n"): Promise<number | undefined> {
  return (await store.read(key))?.[0];
}

describe("a commit whose answer is lost", () => {
  it("is of unknown outcome, took effect, and can be committed again", async () => {
    const { node, far } = newNode();
    const store = await open(far);
    await store.commit(put(1));
    proxy.onRequest = (bytes) => (isCommit(bytes) ? () => proxy.cutClients() : undefined);
    const lost = assert.rejects(store.commit(put(2)), { code: "outcome-unknown", isFatal: false });
    await until("it took effect", async () => {
      const rows = await sql("SELECT value FROM fulmen_entries WHERE node = $1", [node]);
      return (rows[0]?.["value"] as Buffer | undefined)?.[0] === 2;
    });
    await lost;
    proxy.onRequest = undefined;
    await store.commit([...put(2), ...put(3, "next")]);
    assert.deepEqual([await stored(store), await stored(store, "next"), store.epoch], [2, 3, 1n]);
    assert.equal(store.holdsLease(), true);
  });

  it("does nothing when it reaches the database after the next one", async () => {
    const { far } = newNode();
    const store = await open(far);
    await store.commit(put(1));
    await pause(50);
    let isHeld = false;
    proxy.onRequest = (bytes) => {
      if (!isCommit(bytes)) return undefined;
      proxy.holds = true;
      isHeld = true;
      return () => {};
    };
    const lost = assert.rejects(store.commit(put(2)), { code: "outcome-unknown" });
    await until("it is on its way", () => isHeld);
    proxy.onRequest = undefined;
    proxy.cutClients();
    await lost;
    const held = proxy.heldBytes;
    assert.ok(held > 100);
    // Later connections are not held up: only what was on its way comes late.
    proxy.holds = false;
    await store.commit(put(3));
    proxy.release();
    await pause(200);
    assert.equal(await stored(store), 3);
  });

  it("that waits inside the database is waited for by the next one", async () => {
    const { node, far } = newNode();
    const store = await open(far);
    await store.commit(put(1));
    const blocker = new pg.Client({ connectionString: server.url() });
    await blocker.connect();
    await blocker.query("BEGIN");
    await blocker.query("SELECT 1 FROM fulmen_entries WHERE node = $1 FOR UPDATE", [node]);
    const lost = assert.rejects(store.commit(put(2)), { code: "outcome-unknown" });
    await pause(200);
    proxy.cutClients();
    await lost;
    const next = store.commit(put(3));
    await pause(200);
    await blocker.query("COMMIT");
    await blocker.end();
    await next;
    assert.equal(await stored(store), 3);
  });

  it("takes those behind it along, which are not written", async () => {
    const { far } = newNode();
    const store = await open(far);
    await store.commit(put(1));
    proxy.onRequest = (bytes) => (isCommit(bytes) ? () => proxy.cutClients() : undefined);
    const first = store.commit(put(2));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const outcomes = await Promise.allSettled([first, store.commit(put(3, "x")), store.commit(put(4))]);
    proxy.onRequest = undefined;
    const codes = outcomes.map(
      (outcome) => outcome.status === "rejected" && (outcome.reason as { code: string }).code,
    );
    assert.deepEqual(codes, ["outcome-unknown", "commit-failed", "commit-failed"]);
    assert.deepEqual([await stored(store), await stored(store, "x")], [2, undefined]);
  });
});

describe("a network that is dead", () => {
  it("ends the lease; another host takes over, and the first can do nothing when it is back", async () => {
    const { near, far } = newNode();
    const old = await open(far);
    await old.commit(put(1));
    const took = performance.now();
    const second = standBy(near);
    await pause(300);
    const lost = new Promise((resolve) => old.onLost(resolve));
    proxy.isDead = true;
    const cut = performance.now();
    const commit = assert.rejects(old.commit(put(2)));
    const successor = await second;
    const waited = performance.now() - cut;
    assert.equal(old.holdsLease(), false);
    assert.ok(waited > 500 && waited < 3 * leaseDuration, `${waited} ms after ${cut - took}`);
    assert.equal(successor.epoch, 2n);
    await successor.commit(put(7));
    proxy.isDead = false;
    await lost;
    await commit;
    await assert.rejects(old.commit(put(3)), { code: "lease-lost", isFatal: true });
    await assert.rejects(old.read("n"), { code: "lease-lost", isFatal: true });
    assert.deepEqual([await stored(successor), successor.holdsLease()], [7, true]);
  });

  it("a commit of the old holder that arrives after the takeover does nothing", async () => {
    const { near, far } = newNode();
    const old = await open(far);
    await old.commit(put(1));
    proxy.holds = true;
    const commit = assert.rejects(old.commit(put(2)));
    await until("it is on its way", () => proxy.heldBytes > 0);
    const successor = await standBy(near);
    assert.equal(await stored(successor), 1);
    // Now the session's number is the same as the old one's: the epoch alone tells them apart.
    await successor.commit(put(8));
    proxy.release();
    await commit;
    await pause(200);
    assert.equal(await stored(successor), 8);
    await assert.rejects(old.commit(put(3)), { code: "lease-lost", isFatal: true });
  });

  it("the first call of one who does not know yet that it was taken over from is refused, whichever it is", async () => {
    const calls: readonly ((store: LeasedStore) => Promise<unknown>)[] = [
      (store) => store.read("n"),
      (store) => store.scan("", undefined, 10),
      (store) => store.commit(put(9)),
    ];
    for (const call of calls) {
      const { node, near } = newNode({ leaseDuration: 60_000 });
      const store = await open(near);
      await store.commit(put(1));
      await sql("UPDATE fulmen_leases SET epoch = epoch + 1, beat = beat + 1 WHERE node = $1", [node]);
      assert.equal(store.holdsLease(), true);
      await assert.rejects(call(store), { code: "lease-lost", isFatal: true });
      assert.equal(store.holdsLease(), false);
      // A row that was deleted and made anew has the same numbers, but another holder.
      const other = newNode({ leaseDuration: 60_000 });
      const second = await open(other.near);
      await second.commit(put(1));
      await sql("UPDATE fulmen_leases SET holder = 'somebody', beat = beat + 1 WHERE node = $1", [
        other.node,
      ]);
      await assert.rejects(call(second), { code: "lease-lost", isFatal: true });
    }
  });

  it("a short one harms nobody", async () => {
    const { near, far } = newNode();
    const store = await open(far);
    const abort = new AbortController();
    const second = waitForLease(near, abort.signal);
    for (let round = 0; round < 3; round++) {
      proxy.isDead = true;
      await pause(300);
      proxy.isDead = false;
      proxy.cutClients();
      await until("it is held again", () => store.holdsLease());
      for (let n = 0; ; n++) {
        try {
          await store.commit(put(round));
          break;
        } catch (error) {
          assert.equal((error as { isFatal: boolean }).isFatal, false);
          if (n > 20) throw error;
        }
      }
      await pause(400);
    }
    assert.deepEqual([await stored(store), store.epoch], [2, 1n]);
    abort.abort();
    await assert.rejects(second, { name: "AbortError" });
  });
});

describe("a database that is killed", () => {
  it("is found again with all that it had acknowledged, by the same holder, beside a stand-by", async () => {
    const { near } = newNode();
    const store = await open(near);
    const abort = new AbortController();
    const second = waitForLease(near, abort.signal);
    let last = 0;
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 20; n++) {
        last++;
        await store.commit(put(last));
      }
      last++;
      const under = store.commit(put(last)).then(
        () => true,
        (error: { isFatal: boolean }) => error.isFatal,
      );
      await new Promise(setImmediate);
      await server.kill();
      const isAcknowledged = await under;
      await pause(2 * leaseDuration);
      assert.equal(store.holdsLease(), false);
      await server.restart();
      await until("the lease is held again", () => store.holdsLease());
      const found = await stored(store);
      assert.ok(found === last || (found === last - 1 && !isAcknowledged), `${found} after ${last}`);
      await store.commit(put(last));
    }
    assert.deepEqual([await stored(store), store.epoch], [last, 1n]);
    abort.abort();
    await assert.rejects(second, { name: "AbortError" });
  });
});

describe("a database that has lost commits", () => {
  it("is refused by the holder, marked, and refused by everyone from then on", async () => {
    const { node, near } = newNode();
    const store = await open(near);
    await store.commit(put(1));
    const lost = new Promise<Error>((resolve) => store.onLost(resolve));
    // As after a failover to a replica that had not got the last change yet.
    await sql("UPDATE fulmen_leases SET beat = beat - 1 WHERE node = $1", [node]);
    await assert.rejects(store.commit(put(2)), { code: "rolled-back", isFatal: true });
    assert.match((await lost).message, /has lost commits/);
    await until("it is marked", async () => {
      const [row] = await sql("SELECT rolled_back FROM fulmen_leases WHERE node = $1", [node]);
      return row?.["rolled_back"] === true;
    });
    await store.close();
    await assert.rejects(openPostgresStore(near), { code: "rolled-back" });
    await assert.rejects(waitForLease(near), { code: "rolled-back" });
  });
});

describe("opening", () => {
  it("of five at once, one gets the lease; the others one after the other when it is given back", async () => {
    const { near } = newNode();
    const held: LeasedStore[] = [];
    const all = Array.from({ length: 5 }, async () => {
      const store = await waitForLease(near);
      assert.equal(held.filter((other) => other.holdsLease()).length, 0);
      held.push(store);
      const count = (await stored(store)) ?? 0;
      await store.commit(put(count + 1));
      await pause(50);
      await store.close();
    });
    await Promise.all(all);
    const last = await open(near);
    assert.deepEqual([await stored(last), last.epoch], [5, 6n]);
  });

  it("while another one holds the lease, and renews it, is refused at once with its name", async () => {
    const { near } = newNode();
    await open(near);
    const began = performance.now();
    await assert.rejects(openPostgresStore(near), (error: Error & { code: string }) => {
      assert.equal(error.code, "locked");
      assert.match(error.message, new RegExp(`process ${process.pid} on `));
      return true;
    });
    assert.ok(performance.now() - began < leaseDuration);
  });

  it("nodes that share a database know nothing of one another", async () => {
    const [a, b] = await Promise.all([open(newNode().near), open(newNode().near)]);
    await Promise.all([a.commit(put(1)), b.commit(put(2))]);
    assert.deepEqual([await stored(a), await stored(b)], [1, 2]);
    assert.equal((await a.scan("", undefined, 10)).length, 1);
  });

  it("without the right password, host, or database says so, and never the password", async () => {
    const { node } = newNode();
    const wrong = "p@ss/word?#hunter2";
    const encoded = encodeURIComponent(wrong);
    const parts = {
      host: "127.0.0.1",
      port: server.port,
      user: "fulmen",
      database: "postgres",
      password: wrong,
    };
    const connections: PostgresStoreOptions["connection"][] = [
      `postgresql://fulmen:${encoded}@127.0.0.1:${server.port}/postgres`,
      `postgresql://fulmen:${wrong}@127.0.0.1:${server.port}/postgres`,
      `postgresql://fulmen:${encoded}@127.0.0.1:1/postgres`,
      `postgresql://fulmen:${encoded}@:::/postgres`,
      `postgresql://fulmen@127.0.0.1:${server.port}/postgres?password=${encoded}`,
      parts,
      { ...parts, password: () => Promise.reject(new Error("the vault is closed")) },
      { ...parts, password: "", ssl: true },
    ];
    for (const connection of connections) {
      await assert.rejects(
        openPostgresStore({ connection, node, answerTimeout: 2_000 }),
        (error: Error & { code: string }) => {
          assert.equal(error.code, "open-failed", error.message);
          const text = inspect(error, { depth: 10, showHidden: true });
          for (const secret of [wrong, encoded, "hunter2"]) assert.ok(!text.includes(secret), text);
          return true;
        },
      );
    }
    // A stand-by does not wait for what will not come.
    await assert.rejects(waitForLease({ connection: parts, node }), { code: "open-failed" });
    const elsewhere = server.url("nowhere");
    await assert.rejects(openPostgresStore({ connection: elsewhere, node }), /"nowhere" does not exist/);
  });

  it("tables of a later version, or another program's, are left alone", async () => {
    await sql("CREATE DATABASE later");
    await (await openPostgresStore({ connection: server.url("later"), node: "n" })).close();
    const change = new pg.Client({ connectionString: server.url("later") });
    await change.connect();
    await change.query("UPDATE fulmen_schema SET version = 2");
    await assert.rejects(openPostgresStore({ connection: server.url("later"), node: "n" }), {
      code: "newer-schema",
    });
    await change.query("ALTER TABLE fulmen_schema RENAME COLUMN version TO colour");
    await assert.rejects(openPostgresStore({ connection: server.url("later"), node: "n" }), {
      code: "foreign-file",
    });
    await change.end();
  });

  it("a server that does not wait for its disk is refused, unless one says so; others are made to wait", async () => {
    await server.kill();
    await server.restart(["fsync=off", "synchronous_commit=off"]);
    const { near } = newNode();
    await assert.rejects(openPostgresStore(near), { code: "unsafe-server", isFatal: true });
    const store = await open({ ...near, trustServer: true });
    await store.commit(put(1));
    await store.close();
    await server.kill();
    await server.restart();
  });
});

describe("settings of the server's that are not its defaults", () => {
  it("serializable transactions do not make renewals and commits fail one another", async () => {
    await sql("ALTER ROLE fulmen SET default_transaction_isolation = 'serializable'");
    await sql("ALTER ROLE fulmen SET synchronous_commit = 'off'");
    try {
      const log: string[] = [];
      const store = await open(newNode({ leaseDuration: 500, log: (text) => log.push(text) }).near);
      const end = performance.now() + 2_000;
      for (let n = 0; performance.now() < end; n++) await store.commit(put(n % 256));
      assert.deepEqual([store.holdsLease(), log], [true, []]);
    } finally {
      await sql("ALTER ROLE fulmen RESET ALL");
    }
  });
});

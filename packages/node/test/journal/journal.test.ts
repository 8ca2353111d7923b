import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { msat, type NodeId } from "@fulmen/lightning/util";
import { NodeError } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { Journal, type JournalTransaction } from "#src/journal/index";
import { readEvents } from "#src/running/index";

const logger = { log: () => undefined };
const peer = `02${"11".repeat(32)}` as NodeId;
const refused = (funding: bigint) =>
  ({ kind: "channel-refused", peer, funding: msat(funding) as never, reason: "no" }) as const;

function open(store: KVStore, maxEvents = 1_000): Promise<Journal> {
  return Journal.open({ store, logger, now: () => 1_700_000_000, maxEvents });
}

async function indexes(journal: Journal, after: number): Promise<readonly number[]> {
  const signal = AbortSignal.timeout(10);
  const found: number[] = [];
  for await (const { index } of readEvents(journal, { after, signal })) found.push(index);
  return found;
}

function counted(): { readonly store: MemoryStore; readonly commits: () => number } {
  const store = new MemoryStore();
  const commit = store.commit.bind(store);
  let commits = 0;
  store.commit = (batch) => {
    commits++;
    return commit(batch);
  };
  return { store, commits: () => commits };
}

function book(transaction: JournalTransaction, amount: bigint): void {
  transaction.entry({
    kind: "deposit",
    postings: [
      { account: "wallet", amount },
      { account: "onchain/received", amount: -amount },
    ],
    reference: "",
    text: "",
  });
}

describe("Journal", () => {
  it("numbers go on where they were, and so do accounts", async () => {
    const store = new MemoryStore();
    const first = await open(store);
    await first.run((journal) => {
      journal.event(refused(1n));
      book(journal, 5n);
    });
    const second = await open(store);
    await second.run((journal) => journal.event(refused(2n)));
    assert.deepEqual(await indexes(second, 0), [1, 2]);
    assert.equal(second.accounts.get("wallet"), 5n);
  });

  it("an entry that does not add up is a bug, and nothing of it is stored", async () => {
    const journal = await open(new MemoryStore());
    const wrong = {
      kind: "deposit",
      postings: [{ account: "wallet", amount: 5n }],
      reference: "",
      text: "",
    } as const;
    await assert.rejects(
      journal.run((transaction) => {
        transaction.event(refused(1n));
        transaction.entry(wrong);
      }),
      /off by 5 msat/,
    );
    assert.deepEqual(await indexes(journal, 0), []);
    assert.equal(journal.accounts.size, 0);
  });

  it("what follows from a transaction happens when it is durable, and never when it fails", async () => {
    const journal = await open(new MemoryStore());
    const seen: string[] = [];
    const first = journal.run((transaction) => {
      transaction.whenDurable(() => seen.push("first"));
      transaction.event(refused(1n));
      assert.deepEqual(seen, []);
    });
    const second = journal.runAlone((transaction) => {
      assert.deepEqual(seen, ["first"]);
      transaction.whenDurable(() => seen.push("second"));
      throw new Error("it fails");
    });
    await Promise.all([first, assert.rejects(second, /it fails/)]);
    assert.deepEqual(seen, ["first"]);
  });

  it("those that wait are committed together, in their order, and what one of them throws undoes it alone", async () => {
    const { store, commits } = counted();
    const journal = await open(store);
    const ended: string[] = [];
    const calls = ["a", "b", "c", "d"].map((key) =>
      journal.run(async (transaction) => {
        const before = (await transaction.get<{ readonly keys: string }>("journal/peer/keys"))?.keys ?? "";
        transaction.put("journal/peer/keys", { keys: before + key });
        transaction.event(refused(BigInt(before.length)));
        book(transaction, 1n);
        assert.equal(transaction.account("wallet"), BigInt(before.length) + 1n);
        if (key === "b") throw new Error("not b");
        return key;
      }),
    );
    for (const call of calls)
      void call.then(
        (key) => ended.push(key),
        () => ended.push("thrown"),
      );
    const results = await Promise.allSettled(calls);
    assert.deepEqual(
      results.map((one) => one.status === "fulfilled" && one.value),
      ["a", false, "c", "d"],
    );
    assert.deepEqual(ended, ["a", "thrown", "c", "d"]);
    assert.deepEqual(await journal.get("journal/peer/keys"), { keys: "acd" });
    assert.deepEqual(await indexes(journal, 0), [1, 2, 3]);
    assert.equal(journal.accounts.get("wallet"), 3n);
    assert.deepEqual((await open(store)).accounts, journal.accounts);
    assert.equal(commits(), 1);
  });

  it("a call that wants to be alone has a commit of its own, in its turn", async () => {
    const { store, commits } = counted();
    const journal = await open(store);
    const put = (key: string) => (transaction: JournalTransaction) => {
      transaction.put(`journal/peer/${key}`, {});
      return commits();
    };
    const calls = [
      journal.run(put("a")),
      journal.run(put("b")),
      journal.runAlone(put("c")),
      journal.run(put("d")),
    ];
    assert.deepEqual(await Promise.all(calls), [0, 0, 1, 2]);
    assert.equal(commits(), 3);
  });

  it("nobody hears of what is not durable, not even by being refused", async () => {
    const { store } = counted();
    const journal = await open(store);
    store.commit = () => Promise.reject(Object.assign(new Error("gone"), { isFatal: true }));
    const first = journal.run((transaction) => transaction.put("journal/peer/a", {}));
    const second = journal.run(async (transaction) => {
      if ((await transaction.get("journal/peer/a")) !== undefined) throw new Error("it is there");
    });
    await assert.rejects(first, { code: "frozen" });
    await assert.rejects(second, { code: "frozen" });
  });

  it("a commit that fails is tried again, and what comes behind waits for it", async () => {
    const store = new MemoryStore();
    const journal = await open(store);
    let failures = 2;
    const commit = store.commit.bind(store);
    store.commit = (batch: readonly KvWrite[]) =>
      failures-- > 0 ? Promise.reject(new Error("disk full")) : commit(batch);
    await Promise.all([
      journal.run((one) => one.event(refused(1n))),
      journal.run((one) => one.event(refused(2n))),
    ]);
    assert.deepEqual(await indexes(journal, 0), [1, 2]);
  });

  it("readers do not disturb each other, and get what comes later", async () => {
    const journal = await open(new MemoryStore());
    await journal.run((one) => one.event(refused(1n)));
    const signal = AbortSignal.timeout(2_000);
    const early = readEvents(journal, { after: 0, signal });
    const late = readEvents(journal, { signal });
    assert.equal((await early.next()).value?.index, 1);
    const waiting = [early.next(), late.next()];
    await journal.run((one) => one.event(refused(2n)));
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ value }) => value?.index),
      [2, 2],
    );
    const ends = [early.next(), late.next()];
    await journal.close();
    assert.deepEqual(
      (await Promise.all(ends)).map(({ done }) => done),
      [true, true],
    );
  });

  it("the oldest events are forgotten when there are too many", async () => {
    const journal = await open(new MemoryStore(), 3);
    for (let i = 0; i < 6; i++) await journal.run((one) => one.event(refused(1n)));
    assert.deepEqual(await indexes(journal, 0), [4, 5, 6]);
  });

  it("a row that is damaged is named", async () => {
    const store = new MemoryStore();
    const journal = await open(store);
    await journal.run((one) => one.event(refused(1n)));
    await store.commit([{ key: "journal/head", value: Uint8Array.of(1, 2, 3) }]);
    await assert.rejects(open(store), (error: unknown) => {
      assert.ok(error instanceof NodeError);
      assert.equal(error.code, "store-unusable");
      assert.match(error.message, /journal\/head/);
      return true;
    });
  });
});

describe("a call that waits for a store which fails", () => {
  it("waits for one that is only slow", async () => {
    const inner = new MemoryStore();
    const store: KVStore = {
      read: (key) => inner.read(key),
      scan: (prefix, after, limit) => inner.scan(prefix, after, limit),
      commit: (writes) => new Promise((resolve) => setTimeout(resolve, 50)).then(() => inner.commit(writes)),
      close: () => inner.close(),
    };
    const journal = await Journal.open({ store, logger, now: () => 0, maxEvents: 10, patience: 5 });
    await journal.call((transaction) => transaction.event(refused(1n)));
    assert.equal(journal.head.nextEvent, 2);
  });

  it("is answered in time, and what comes of it later is told", async () => {
    const inner = new MemoryStore();
    let isFull = true;
    const store: KVStore = {
      read: (key) => inner.read(key),
      scan: (prefix, after, limit) => inner.scan(prefix, after, limit),
      commit: (writes) => (isFull ? Promise.reject(new Error("disk full")) : inner.commit(writes)),
      close: () => inner.close(),
    };
    const journal = await Journal.open({ store, logger, now: () => 0, maxEvents: 10, patience: 20 });
    const body = (transaction: { event(event: ReturnType<typeof refused>): void }): string => {
      transaction.event(refused(1n));
      return "written";
    };
    const late = new Promise((resolve) => {
      void assert.rejects(journal.call(body, resolve), { code: "frozen" }).then(() => {
        isFull = false;
      });
    });
    assert.equal(await late, "written");
    assert.equal(journal.head.nextEvent, 2);
    assert.equal(await journal.call(body, () => assert.fail("it was in time")), "written");
  });
});

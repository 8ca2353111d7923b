import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvEntry } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";
import { Journal } from "#src/journal/index";
import { listPayments } from "#src/running/index";

/** Writes down how many rows are read at a time. */
class CountingStore extends MemoryStore {
  pages: number[] = [];

  override async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    const found = await super.scan(prefix, after, limit);
    this.pages.push(found.length);
    return found;
  }
}

describe("the list of payments", () => {
  it("reads no more than it gives, and lets others have their turn where what fits is far back", async () => {
    const store = new CountingStore();
    const journal = await Journal.open({
      store,
      logger: { log: () => undefined },
      now: () => 0,
      maxEvents: 10,
    });
    await journal.run((transaction) => {
      for (let n = 1; n <= 350; n++) {
        const id = n.toString(16).padStart(64, "0");
        const direction = n <= 5 ? "sent" : "received";
        const rest = { kind: "bolt11", status: "succeeded", createdAt: n, attempts: [] } as const;
        transaction.addPayment({ id, direction, ...rest });
      }
    });
    const sequences = async (query: Parameters<typeof listPayments>[1]): Promise<readonly number[]> => {
      store.pages = [];
      return (await listPayments(journal, query, 0)).map(({ sequence }) => sequence);
    };
    assert.deepEqual(await sequences({ limit: 3 }), [350, 349, 348]);
    assert.deepEqual(store.pages, [3]);
    assert.deepEqual(await sequences({ limit: 2, after: 348 }), [347, 346]);
    assert.equal((await sequences({ limit: 1_000 })).length, 350);
    assert.deepEqual(await sequences({ status: "failed" }), []);

    let turns = 0;
    const count = (): void => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    assert.deepEqual(await sequences({ direction: "sent", limit: 4 }), [5, 4, 3, 2]);
    clearImmediate(immediate);
    assert.ok(Math.max(...store.pages) <= 100, `${store.pages} rows`);
    assert.ok(turns >= store.pages.length - 1, `${turns} turns`);
  });
});

import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { expectBytes, expectSame } from "./expect.ts";

/**
 * Takes `steps` random steps, the same for the same `seed`, on the store that `open` opens and on a map beside it:
 * batches, some of them without waiting, reads, scans and reopenings. Throws as soon as the two differ.
 */
export async function modelTest(open: () => Promise<KVStore>, seed: number, steps: number): Promise<void> {
  const below = randomNumbers(seed);
  const model = new Map<string, Uint8Array>();
  const randomKey = (): string =>
    Array.from({ length: 1 + below(3) }, () => "/1aZ_"[below(5)] ?? "a").join("");
  const randomBatch = (): readonly KvWrite[] =>
    Array.from({ length: below(6) }, () => ({
      key: randomKey(),
      value: below(3) === 0 ? undefined : Uint8Array.from({ length: below(40) }, () => below(256)),
    }));
  const commit = (store: KVStore): Promise<void> => {
    const batch = randomBatch();
    for (const { key, value } of batch) {
      if (value === undefined) model.delete(key);
      else model.set(key, value);
    }
    return store.commit(batch);
  };

  let store = await open();
  try {
    for (let step = 0; step < steps; step++) {
      const what = `seed ${seed}, step ${step}`;
      const choice = below(10);
      if (choice < 4) await commit(store);
      else if (choice < 6) await Promise.all(Array.from({ length: below(8) }, () => commit(store)));
      else if (choice < 7) {
        const key = randomKey();
        expectBytes(await store.read(key), model.get(key), `${what}: ${key}`);
      } else if (choice < 9) {
        const prefix = below(2) === 0 ? "" : randomKey();
        const after = below(2) === 0 ? undefined : randomKey();
        await compareScan({ store, model, prefix, after, limit: below(20), what });
      } else {
        await store.close();
        store = await open();
      }
    }
    await compareScan({
      store,
      model,
      prefix: "",
      after: undefined,
      limit: model.size + 1,
      what: `seed ${seed}, end`,
    });
  } finally {
    await store.close();
  }
}

interface Scan {
  readonly store: KVStore;
  readonly model: ReadonlyMap<string, Uint8Array>;
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
  readonly what: string;
}

async function compareScan({ store, model, prefix, after, limit, what }: Scan): Promise<void> {
  const found = await store.scan(prefix, after, limit);
  const expected = [...model]
    .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit);
  const query = `${what}: scan of "${prefix}" after "${after ?? ""}"`;
  expectSame(found.map(({ key }) => key).join(" "), expected.map(([key]) => key).join(" "), query);
  for (const [index, [key, value]] of expected.entries())
    expectBytes(found[index]?.value, value, `${query}: ${key}`);
}

/** Numbers below a bound from a small linear congruential generator: the same ones for the same seed. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * bound);
  };
}

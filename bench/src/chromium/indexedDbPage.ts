import { openIndexedDbStore } from "@fulmen/persist/indexeddb";
import { kvStoreConformance } from "@fulmen/testkit/conformance";

// The program of a page: all that a store must do, in a browser's own IndexedDB. It tells which tests passed and which
// did not.

const passed: string[] = [];
const failures: string[] = [];
const tests: { readonly name: string; readonly body: () => Promise<void> }[] = [];
let databases = 0;

kvStoreConformance(
  {
    describe: (_name, body) => body(),
    it: (name, body) => void tests.push({ name, body }),
  },
  async () => {
    const name = `conformance-${databases++}`;
    return { open: () => openIndexedDbStore(name), remove: async () => {} };
  },
);

tests.push({
  name: "keeps out a second one of the same name",
  body: async () => {
    const store = await openIndexedDbStore("alone");
    const second = await openIndexedDbStore("alone").catch((error: unknown) => String(error));
    await store.close();
    if (typeof second !== "string" || !second.includes("in use by another tab"))
      throw new Error("it was opened");
    await (await openIndexedDbStore("alone")).close();
  },
});

tests.push({
  name: "stops when its database is to be deleted",
  body: async () => {
    const store = await openIndexedDbStore("deleted");
    await store.commit([{ key: "a", value: Uint8Array.of(1) }]);
    const { indexedDB } = globalThis as {
      readonly indexedDB?: { deleteDatabase(name: string): unknown };
    };
    indexedDB?.deleteDatabase("deleted");
    let refused = "";
    for (let attempt = 0; attempt < 100 && refused === ""; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      refused = await store.read("a").then(
        () => "",
        (error: unknown) => String(error),
      );
    }
    await store.close();
    if (!refused.includes("another page wants to delete")) throw new Error(`not refused: ${refused}`);
  },
});

const begin = performance.now();
for (const { name, body } of tests) {
  try {
    await body();
    passed.push(name);
  } catch (error) {
    failures.push(`${name}: ${String(error)}`);
  }
}
const seconds = (performance.now() - begin) / 1_000;
await fetch("/result", {
  method: "POST",
  body: JSON.stringify({ passed: passed.length, failures, seconds }),
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvEntry } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";
import { kvStoreConformance } from "@fulmen/testkit/conformance";

describe("the store in memory", () => {
  kvStoreConformance({ describe, it }, async () => {
    let entries: () => readonly KvEntry[] = () => [];
    return {
      open: async () => {
        const store = new MemoryStore(entries());
        entries = () => store.snapshot();
        return store;
      },
      remove: async () => {},
    };
  });

  it("keeps a Buffer as it was, though its slices share its memory", async () => {
    const store = new MemoryStore();
    const value = Buffer.from("before");
    const committed = store.commit([{ key: "a", value }]);
    value.write("after!");
    await committed;
    assert.deepEqual(await store.read("a"), new TextEncoder().encode("before"));
  });

  it("a snapshot does not change with the store it was taken of", async () => {
    const store = new MemoryStore();
    await store.commit([{ key: "a", value: Uint8Array.of(1) }]);
    const snapshot = store.snapshot();
    await store.commit([{ key: "a", value: Uint8Array.of(2) }]);
    assert.deepEqual(snapshot, [{ key: "a", value: Uint8Array.of(1) }]);
    assert.deepEqual(await new MemoryStore(snapshot).read("a"), Uint8Array.of(1));
  });
});

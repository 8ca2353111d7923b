import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { EntropySource, KvEntry } from "@fulmen/lightning/chain";
import { xchacha20Poly1305Decrypt, xchacha20Poly1305Encrypt } from "@fulmen/lightning/crypto";
import { StoreError, type StoreErrorCode } from "@fulmen/persist";
import { encryptedStore } from "@fulmen/persist/encrypted";
import { MemoryStore } from "@fulmen/persist/memory";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";

const key = new Uint8Array(32).fill(7);

/** Bytes of a hash of a counter. */
function countingEntropy(): EntropySource {
  let count = 0;
  return {
    randomBytes: (length) =>
      new Uint8Array(createHash("sha256").update(`${count++}`).digest()).slice(0, length),
  };
}

const hasCode = (code: StoreErrorCode) => (error: unknown) =>
  error instanceof StoreError && error.code === code && error.isFatal;

describe("the encrypted store", () => {
  kvStoreConformance({ describe, it }, async () => {
    let entries: () => readonly KvEntry[] = () => [];
    return {
      open: async () => {
        const inner = new MemoryStore(entries());
        entries = () => inner.snapshot();
        return encryptedStore({ store: inner, key, entropy: countingEntropy() });
      },
      remove: async () => {},
    };
  });

  it("has the lease of the store behind it, and none where that has none", async () => {
    const plain = await encryptedStore({ store: new MemoryStore(), key, entropy: countingEntropy() });
    assert.equal("holdsLease" in plain, false);
    const listeners: ((error: Error) => void)[] = [];
    const state = { isHeld: true };
    const lease = {
      epoch: 7n,
      holdsLease: () => state.isHeld,
      onLost: (listener: (error: Error) => void) => void listeners.push(listener),
    };
    const store = await encryptedStore({
      store: Object.assign(new MemoryStore(), lease),
      key,
      entropy: countingEntropy(),
    });
    assert.deepEqual([store.epoch, store.holdsLease?.()], [7n, true]);
    state.isHeld = false;
    assert.equal(store.holdsLease?.(), false);
    let lost = "";
    store.onLost?.((error) => {
      lost = error.message;
    });
    for (const tell of listeners) tell(new Error("taken over"));
    assert.equal(lost, "taken over");
  });

  it("lets nothing of a value through, and adds 40 bytes", async () => {
    const inner = new MemoryStore();
    const store = await encryptedStore({ store: inner, key, entropy: countingEntropy() });
    const value = new TextEncoder().encode("a value that is easy to find");
    await store.commit([
      { key: "a", value },
      { key: "b", value },
    ]);
    const rows = inner.snapshot().filter(({ key }) => key !== "encryption-check");
    assert.deepEqual(
      rows.map(({ key, value }) => [key, value.length]),
      [
        ["a", value.length + 40],
        ["b", value.length + 40],
      ],
    );
    for (const row of rows) assert.equal(Buffer.from(row.value).indexOf("easy"), -1);
    assert.notDeepEqual(rows[0]?.value, rows[1]?.value);
    await store.commit([{ key: "a", value }]);
    assert.notDeepEqual(await inner.read("a"), rows[0]?.value, "the same value has another nonce");
  });

  it("refuses another key, and a store with plain values", async () => {
    const inner = new MemoryStore();
    const store = await encryptedStore({ store: inner, key, entropy: countingEntropy() });
    await store.commit([{ key: "a", value: key }]);
    const other = { store: inner, key: new Uint8Array(32).fill(8), entropy: countingEntropy() };
    await assert.rejects(encryptedStore(other), hasCode("wrong-key"));
    const again = await encryptedStore({ ...other, key });
    assert.deepEqual(await again.read("a"), key);

    const plain = new MemoryStore([{ key: "a", value: key }]);
    await assert.rejects(encryptedStore({ ...other, store: plain }), hasCode("not-encrypted"));
    assert.equal(plain.snapshot().length, 1);
  });

  it("refuses a value that was put under another key, changed or cut", async () => {
    const inner = new MemoryStore();
    const store = await encryptedStore({ store: inner, key, entropy: countingEntropy() });
    await store.commit([{ key: "a", value: key }]);
    const sealed = (await inner.read("a")) ?? new Uint8Array(0);
    await inner.commit([{ key: "b", value: sealed }]);
    await assert.rejects(store.read("b"), hasCode("corrupt"));
    await assert.rejects(store.scan("b", undefined, 1), hasCode("corrupt"));
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      await inner.commit([{ key: "a", value: changed }]);
      await assert.rejects(store.read("a"), hasCode("corrupt"), `byte ${at}`);
      await inner.commit([{ key: "a", value: sealed.subarray(0, at) }]);
      await assert.rejects(store.read("a"), hasCode("corrupt"), `cut at ${at}`);
    }
  });

  it("does not show its own row", async () => {
    const inner = new MemoryStore();
    const store = await encryptedStore({ store: inner, key, entropy: countingEntropy() });
    assert.deepEqual(await store.scan("", undefined, 10), []);
    assert.equal(await store.read("encryption-check"), undefined);
    await store.commit([
      { key: "a", value: key },
      { key: "z", value: key },
    ]);
    const keys = (await store.scan("", undefined, 2)).map((entry) => entry.key);
    assert.deepEqual(keys, ["a", "z"]);
    await assert.rejects(store.commit([{ key: "encryption-check", value: key }]), /own key/);
  });
});

describe("XChaCha20-Poly1305", () => {
  it("is what another implementation gives", () => {
    const { randomBytes } = countingEntropy();
    for (let length = 0; length < 200; length += 13) {
      const [secret, nonce, aad] = [randomBytes(32), randomBytes(24), randomBytes(length % 32)];
      const plain = new Uint8Array(length).fill(length);
      const sealed = xchacha20Poly1305Encrypt(secret, nonce, aad, plain);
      assert.deepEqual(sealed, xchacha20poly1305(secret, nonce, aad).encrypt(plain));
      assert.deepEqual(xchacha20Poly1305Decrypt(secret, nonce, aad, sealed), plain);
    }
  });
});

import { openIndexedDbStore } from "@fulmen/persist/indexeddb";

// The program of a page: says what the store holds, then commits batch after batch, each of which sets ten keys to its
// number. When some are acknowledged it says how many, and goes on until the browser is killed.

const store = await openIndexedDbStore("commits");
const rows = await store.scan("k/", undefined, 100);
const found = rows.map(({ value }) => new DataView(value.buffer, value.byteOffset).getUint32(0));
const start = found[0] ?? 0;
for (let n = start + 1; ; n++) {
  const value = new Uint8Array(2_000);
  new DataView(value.buffer).setUint32(0, n);
  await store.commit(Array.from({ length: 10 }, (_, k) => ({ key: `k/${k}`, value })));
  if (n !== start + 30) continue;
  // Nobody waits: the next commits are under way when the browser is killed.
  void fetch("/result", { method: "POST", body: JSON.stringify({ found, acknowledged: n }) });
}

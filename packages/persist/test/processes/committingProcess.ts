import { type StoreKind, storeKinds } from "./storeKinds.ts";

/*
 * Commits batch after batch to the store of the kind and at the path of its first parameters until it is killed or a
 * commit fails; then it says why and what the store holds, and ends. Batch n sets ten keys to n, followed by as many
 * bytes as the third parameter says. After each commit it prints n.
 */

const [kind, path = "", padding = "0"] = process.argv.slice(2);
const keyCount = 10;

function batch(n: number, bytes: number): { readonly key: string; readonly value: Uint8Array }[] {
  const value = new Uint8Array(4 + bytes);
  new DataView(value.buffer).setUint32(0, n);
  return Array.from({ length: keyCount }, (_, k) => ({ key: `k/${k}`, value }));
}

try {
  const store = await storeKinds[kind as StoreKind].open(path);
  const [first] = await store.scan("k/", undefined, 1);
  const start =
    first === undefined ? 0 : new DataView(first.value.buffer, first.value.byteOffset).getUint32(0);
  for (let n = start + 1; ; n++) {
    try {
      // Every second batch goes in one transaction with the next one.
      const commits = [store.commit(batch(n, Number(padding)))];
      if (n % 2 === 0) commits.push(store.commit(batch(++n, Number(padding))));
      await Promise.all(commits);
      process.stdout.write(`${n}\n`);
    } catch (error) {
      const entries = await store.scan("k/", undefined, keyCount);
      const values = entries.map(({ value }) => new DataView(value.buffer, value.byteOffset).getUint32(0));
      process.stdout.write(`failed: ${String(error)}\nstill there: ${[...new Set(values)].join(" ")}\n`);
      break;
    }
  }
  await store.close();
} catch (error) {
  process.stdout.write(`refused: ${String(error)}\n`);
}

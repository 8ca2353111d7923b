import type { KVStore, KvEntry } from "@fulmen/lightning/chain";

const pageLength = 1_000;

/** All entries whose keys begin with `prefix`, in key order, up to 1,000 at a time. Rejects with the store's errors. */
export async function* pagesBelow(store: KVStore, prefix: string): AsyncGenerator<readonly KvEntry[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.scan(prefix, after, pageLength);
    if (page.length > 0) yield page;
    if (page.length < pageLength) return;
    after = page.at(-1)?.key;
  }
}

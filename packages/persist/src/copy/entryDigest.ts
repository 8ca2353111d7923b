import { crypto } from "@fulmen/bitcoin/crypto";
import type { KVStore, KvEntry } from "@fulmen/lightning/chain";
import { concatBytes, toHex } from "@fulmen/lightning/util";
import { encodeWrites } from "../encodedWrites.ts";

const pageLength = 200;

/** A number and a hash of entries, in their order: each is hashed together with the hash of those before it. */
export class EntryDigest {
  #hash: Uint8Array = new Uint8Array(32);
  #count = 0;

  add(entry: KvEntry): void {
    this.#hash = crypto().sha256(concatBytes(this.#hash, encodeWrites([entry])));
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  get hash(): Uint8Array {
    return this.#hash.slice();
  }

  get text(): string {
    return `${this.#count} entries, ${toHex(this.#hash)}`;
  }
}

/** All entries of a store, in key order, page by page. */
export async function* pagesOf(store: KVStore): AsyncGenerator<readonly KvEntry[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.scan("", after, pageLength);
    if (page.length > 0) yield page;
    if (page.length < pageLength) return;
    after = page.at(-1)?.key;
  }
}

import type { KvEntry } from "#src/chain/kvStore";

/** The entries whose keys start with `prefix`, as a store gives them: in the order of their keys. */
export function entriesOf(
  store: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  after = "",
): readonly KvEntry[] {
  return [...store]
    .filter(([key]) => key.startsWith(prefix) && key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

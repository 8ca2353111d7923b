import type { KvEntry, KvWrite } from "@fulmen/lightning/chain";

/** The entries of a snapshot as `changes`, in key order, left them, in key order. */
export async function* mergedEntries(
  entries: AsyncIterable<KvEntry> | undefined,
  changes: Iterable<KvWrite>,
): AsyncGenerator<KvEntry> {
  const rest = changes[Symbol.iterator]();
  let change = rest.next().value as KvWrite | undefined;
  for await (const entry of entries ?? []) {
    while (change !== undefined && change.key < entry.key) {
      if (change.value !== undefined) yield { key: change.key, value: change.value };
      change = rest.next().value;
    }
    if (change?.key !== entry.key) {
      yield entry;
      continue;
    }
    if (change.value !== undefined) yield { key: change.key, value: change.value };
    change = rest.next().value;
  }
  for (; change !== undefined; change = rest.next().value) {
    if (change.value !== undefined) yield { key: change.key, value: change.value };
  }
}

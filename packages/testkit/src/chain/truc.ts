import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import type { TrucRule } from "./refusal.ts";

/** The version of topologically restricted transactions (BIP 431). */
export const trucVersion = 3;
/** Virtual bytes of a version 3 transaction, and of one that spends an unconfirmed other. */
const maxSize = 10_000;
const maxChildSize = 1000;

/**
 * The rule of version 3 that a transaction breaks (BIP 431), or the sibling that has to go for it: the only other child
 * of its parent, which is replaced as if the two spent the same output.
 */
export function checkTruc(
  entry: MempoolEntry,
  graph: MempoolGraph,
  conflicts: ReadonlySet<MempoolEntry>,
): { readonly broken?: TrucRule; readonly sibling?: MempoolEntry } {
  const parents = graph.parents(entry.transaction);
  const restricted = entry.transaction.version === trucVersion;
  const mixed = parents.some(({ transaction }) => (transaction.version === trucVersion) !== restricted);
  if (mixed) return { broken: restricted ? "version-3-spends-other" : "other-spends-version-3" };
  if (!restricted) return {};
  if (entry.vsize > maxSize) return { broken: "too-large" };
  const [parent, ...others] = parents;
  if (parent === undefined) return {};
  if (others.length > 0 || graph.parents(parent.transaction).length > 0)
    return { broken: "too-many-ancestors" };
  if (entry.vsize > maxChildSize) return { broken: "child-too-large" };
  const siblings = graph.children(parent).filter((child) => !conflicts.has(child));
  const [sibling, ...more] = siblings;
  if (sibling === undefined) return {};
  const evictable = more.length === 0 && graph.withDescendants(sibling).size === 1;
  return evictable ? { sibling } : { broken: "too-many-descendants" };
}

import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import type { MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";

/** A child up to this size, of one unconfirmed parent only, may exceed the parent's limit by one ("carve-out"). */
const carveOutSize = 10_000;

/** Why a chain of unconfirmed transactions would grow too long or too large, `evicted` gone. */
export function chainLimitRefusal(
  entry: MempoolEntry,
  graph: MempoolGraph,
  evicted: ReadonlySet<MempoolEntry>,
  policy: MempoolPolicy,
): Refusal | undefined {
  const ancestors = graph.ancestors(entry.transaction);
  const count = ancestors.size + 1;
  if (count > policy.maxAncestors) return tooLong("ancestors", count, policy.maxAncestors);
  const size = sizeOf(ancestors) + entry.vsize;
  if (size > policy.maxChainSize) return tooLong("ancestors-size", size, policy.maxChainSize);
  const carvedOut = entry.vsize <= carveOutSize && ancestors.size === 1;
  const most = policy.maxDescendants + (carvedOut ? 1 : 0);
  const mostSize = policy.maxChainSize + (carvedOut ? carveOutSize : 0);
  for (const ancestor of ancestors) {
    const kept = [...graph.withDescendants(ancestor)].filter((each) => !evicted.has(each));
    const descendants = kept.length + 1;
    if (descendants > most) return tooLong("descendants", descendants, policy.maxDescendants);
    const descendantsSize = sizeOf(kept) + entry.vsize;
    if (descendantsSize > mostSize) return tooLong("descendants-size", descendantsSize, policy.maxChainSize);
  }
  return undefined;
}

function sizeOf(entries: Iterable<MempoolEntry>): number {
  let size = 0;
  for (const { vsize } of entries) size += vsize;
  return size;
}

type Limit = Extract<Refusal, { kind: "too-long-chain" }>["limit"];

function tooLong(limit: Limit, have: number, most: number): Refusal {
  return { kind: "too-long-chain", limit, have, most };
}

import type { Sat } from "@fulmen/bitcoin/primitives";
import { weight } from "@fulmen/bitcoin/transaction";
import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import { feeAt } from "./policy.ts";

/** Left to header, count and coinbase. */
const reservedWeight = 8000;

/** What miners want of a block. */
export interface SelectionRules {
  /** Satoshis per 1,000 virtual bytes below which nothing is taken. */
  readonly minFeerate: bigint;
  readonly maxWeight: number;
}

/**
 * Entries for a block: again and again the one that pays best per virtual byte together with what it builds on, parents
 * before children, until nothing fits any more.
 */
export function selectByFeerate(graph: MempoolGraph, rules: SelectionRules): readonly MempoolEntry[] {
  const arrival = new Map(graph.entries().map((entry, i) => [entry, i]));
  const chosen = new Set<MempoolEntry>();
  const left = new Set(graph.entries());
  let room = rules.maxWeight - reservedWeight;
  while (left.size > 0) {
    const best = bestPackage(graph, left, chosen, arrival);
    if (best === undefined || best.fee < feeAt(rules.minFeerate, best.vsize)) break;
    const size = best.entries.reduce((sum, { transaction }) => sum + weight(transaction), 0);
    if (size <= room) {
      room -= size;
      for (const entry of best.entries) {
        chosen.add(entry);
        left.delete(entry);
      }
    } else {
      left.delete(best.last);
    }
  }
  return [...chosen];
}

interface AncestorPackage {
  readonly last: MempoolEntry;
  /** Parents before children. */
  readonly entries: readonly MempoolEntry[];
  readonly fee: Sat;
  readonly vsize: number;
}

function bestPackage(
  graph: MempoolGraph,
  left: ReadonlySet<MempoolEntry>,
  chosen: ReadonlySet<MempoolEntry>,
  arrival: ReadonlyMap<MempoolEntry, number>,
): AncestorPackage | undefined {
  let best: AncestorPackage | undefined;
  for (const last of left) {
    const missing = [...graph.ancestors(last.transaction)].filter((each) => !chosen.has(each));
    const entries = [...missing, last].sort((a, b) => (arrival.get(a) ?? 0) - (arrival.get(b) ?? 0));
    const fee = entries.reduce((sum, each) => sum + each.fee, 0n) as Sat;
    const vsize = entries.reduce((sum, each) => sum + each.vsize, 0);
    if (best === undefined || fee * BigInt(best.vsize) > best.fee * BigInt(vsize)) {
      best = { last, entries, fee, vsize };
    }
  }
  return best;
}

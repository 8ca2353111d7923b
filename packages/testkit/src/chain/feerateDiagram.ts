import { weight } from "@fulmen/bitcoin/transaction";
import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import { feerateOf } from "./policy.ts";
import type { Refusal } from "./refusal.ts";

/** Transactions that miners take together: none of them is worth more without the others. */
interface Chunk {
  readonly fee: bigint;
  /** Of weight, not virtual: rounding must not decide between equals. */
  readonly size: bigint;
}

/**
 * Why miners would lose by a replacement: with the best transactions first, some block space would earn less than
 * before, or none would earn more. Bitcoin Core asks this of packages since version 28, of all since it keeps clusters.
 */
export function diagramRefusal(
  added: readonly MempoolEntry[],
  evicted: ReadonlySet<MempoolEntry>,
  graph: MempoolGraph,
): Refusal | undefined {
  if (evicted.size === 0) return undefined;
  const relatives = added.flatMap(({ transaction }) => graph.parents(transaction));
  const touched = clustersOf([...evicted, ...relatives], graph);
  const changed = graph.changed(added, evicted);
  const before = diagramOf(touched, graph);
  const kept = [...touched].filter((entry) => !evicted.has(entry));
  const after = diagramOf(new Set([...kept, ...added]), changed);
  if (improves(before, after)) return undefined;
  return { kind: "replacement-earns-less", have: bestFeerate(after), best: bestFeerate(before) };
}

/** Satoshis per 1,000 virtual bytes. */
function bestFeerate([best]: readonly Chunk[]): bigint {
  return best === undefined ? 0n : feerateOf(best.fee * 4n, Number(best.size));
}

/** All that is connected with `entries` by spending one another. */
function clustersOf(entries: Iterable<MempoolEntry>, graph: MempoolGraph): ReadonlySet<MempoolEntry> {
  const found = new Set(entries);
  // A set is walked through in the order of insertion, entries that come while walking included.
  for (const entry of found) {
    for (const parent of graph.parents(entry.transaction)) found.add(parent);
    for (const child of graph.children(entry)) found.add(child);
  }
  return found;
}

/** What miners would take, the best for its size first: again and again the best entry with all that it needs. */
function diagramOf(entries: ReadonlySet<MempoolEntry>, graph: MempoolGraph): readonly Chunk[] {
  const left = new Set(entries);
  const chunks: Chunk[] = [];
  while (left.size > 0) {
    let best: { readonly chunk: Chunk; readonly entries: readonly MempoolEntry[] } | undefined;
    for (const last of left) {
      const needed = [last, ...[...graph.ancestors(last.transaction)].filter((each) => left.has(each))];
      const chunk = sumOf(needed.map(chunkOf));
      if (best === undefined || paysMore(chunk, best.chunk)) best = { chunk, entries: needed };
    }
    for (const entry of best?.entries ?? []) left.delete(entry);
    let chunk = best?.chunk ?? sumOf([]);
    for (let previous = chunks.at(-1); previous && paysMore(chunk, previous); previous = chunks.at(-1)) {
      chunk = sumOf([previous, chunk]);
      chunks.pop();
    }
    chunks.push(chunk);
  }
  return chunks;
}

function chunkOf({ fee, transaction }: MempoolEntry): Chunk {
  return { fee, size: BigInt(weight(transaction)) };
}

function sumOf(chunks: readonly Chunk[]): Chunk {
  let [fee, size] = [0n, 0n];
  for (const chunk of chunks) {
    fee += chunk.fee;
    size += chunk.size;
  }
  return { fee, size };
}

/** For its size. */
function paysMore(a: Chunk, b: Chunk): boolean {
  return a.fee * b.size > b.fee * a.size;
}

/** Whether no amount of block space earns less, and some earns more. */
function improves(before: readonly Chunk[], after: readonly Chunk[]): boolean {
  let isMore = false;
  for (const size of [...ends(before), ...ends(after)]) {
    const [was, is] = [earnings(before, size), earnings(after, size)];
    const difference = is.numerator * was.denominator - was.numerator * is.denominator;
    if (difference < 0n) return false;
    if (difference > 0n) isMore = true;
  }
  return isMore;
}

/** The size up to the end of each chunk. */
function ends(chunks: readonly Chunk[]): readonly bigint[] {
  let end = 0n;
  return chunks.map(({ size }) => (end += size));
}

/** What the best up to `size` earn, parts of chunks in proportion. */
function earnings(
  chunks: readonly Chunk[],
  size: bigint,
): { readonly numerator: bigint; readonly denominator: bigint } {
  let [fee, left] = [0n, size];
  for (const chunk of chunks) {
    if (left < chunk.size) {
      return { numerator: fee * chunk.size + chunk.fee * left, denominator: chunk.size };
    }
    fee += chunk.fee;
    left -= chunk.size;
  }
  return { numerator: fee, denominator: 1n };
}

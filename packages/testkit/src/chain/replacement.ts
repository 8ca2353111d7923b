import type { Sat } from "@fulmen/bitcoin/primitives";
import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import { feeAt, feerateOf, type MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import { trucVersion } from "./truc.ts";

/** What has to go for a new transaction. */
export interface Replacement {
  /** Spend the same outputs, or are siblings in version 3. */
  readonly conflicts: ReadonlySet<MempoolEntry>;
  /** The conflicts and all that builds on them. */
  readonly evicted: ReadonlySet<MempoolEntry>;
}

const maxEvicted = 100;

/** What goes together with `conflicts`. */
export function replacementOf(graph: MempoolGraph, conflicts: ReadonlySet<MempoolEntry>): Replacement {
  const evicted = new Set<MempoolEntry>();
  for (const conflict of conflicts) for (const each of graph.withDescendants(conflict)) evicted.add(each);
  return { conflicts, evicted };
}

/** Why conflicts may not be replaced, fees aside (BIP 125, rules 1 and 5). */
export function replaceableRefusal(
  entry: MempoolEntry,
  graph: MempoolGraph,
  { conflicts, evicted }: Replacement,
  policy: MempoolPolicy,
): Refusal | undefined {
  for (const ancestor of graph.ancestors(entry.transaction)) {
    if (conflicts.has(ancestor)) return { kind: "spends-conflict", conflict: ancestor.txid };
  }
  const fixed = policy.fullReplacement ? undefined : [...conflicts].find((each) => !signals(each, graph));
  if (fixed !== undefined) return { kind: "conflict-not-replaceable", conflict: fixed.txid };
  return evicted.size > maxEvicted ? { kind: "too-many-replacements", have: evicted.size } : undefined;
}

/** Why a replacement may not have its inputs: an unconfirmed one must be of a parent that a conflict had (rule 2). */
export function addedInputRefusal(
  { transaction }: MempoolEntry,
  graph: MempoolGraph,
  { conflicts }: Replacement,
): Refusal | undefined {
  if (conflicts.size === 0) return undefined;
  const parentsBefore = new Set([...conflicts].flatMap((each) => parentIds(each)));
  const added = transaction.inputs.find(
    ({ outPoint }) => graph.entry(outPoint.txid) !== undefined && !parentsBefore.has(outPoint.txid),
  );
  return added && { kind: "replacement-adds-unconfirmed", outPoint: added.outPoint };
}

/** What replaces: fee and size of one transaction, or of both of a package. */
export interface Payer {
  readonly fee: bigint;
  readonly vsize: number;
}

/** Why a replacement pays too little (BIP 125, rules 3 and 4, and that miners must gain by it). */
export function replacementFeeRefusal(
  { fee, vsize }: Payer,
  { conflicts, evicted }: Replacement,
  policy: MempoolPolicy,
): Refusal | undefined {
  const have = feerateOf(fee, vsize);
  for (const conflict of conflicts) {
    const above = feerateOf(conflict.fee, conflict.vsize);
    if (fee * BigInt(conflict.vsize) <= conflict.fee * BigInt(vsize)) {
      return { kind: "replacement-feerate-too-low", have, above };
    }
  }
  if (evicted.size === 0) return undefined;
  let replaced = 0n;
  for (const each of evicted) replaced += each.fee;
  const need = (replaced + feeAt(policy.incrementalFeerate, vsize)) as Sat;
  return fee < need ? { kind: "replacement-fee-too-low", have: fee as Sat, need } : undefined;
}

/** Why a package does not stand together: its child must raise what the parent pays per virtual byte alone. */
export function childFeerateRefusal({ fee, vsize }: Payer, parent: Payer): Refusal | undefined {
  if (fee * BigInt(parent.vsize) > parent.fee * BigInt(vsize)) return undefined;
  const [have, above] = [feerateOf(fee, vsize), feerateOf(parent.fee, parent.vsize)];
  return { kind: "replacement-feerate-too-low", have, above };
}

/** Whether a transaction or one that it builds on may be replaced: by a sequence below 2^32 - 2, or by version 3. */
function signals(entry: MempoolEntry, graph: MempoolGraph): boolean {
  return [entry, ...graph.ancestors(entry.transaction)].some(
    ({ transaction }) =>
      transaction.version === trucVersion ||
      transaction.inputs.some(({ sequence }) => sequence < 0xffff_fffe),
  );
}

function parentIds({ transaction }: MempoolEntry) {
  return transaction.inputs.map(({ outPoint }) => outPoint.txid);
}

import type { Sat, Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { err, ok, type Result } from "@fulmen/lightning/util";
import {
  type Candidate,
  candidateOf,
  candidateScriptRefusal,
  ephemeralRefusal,
  type Pool,
} from "./candidate.ts";
import { chainLimitRefusal } from "./chainLimits.ts";
import { diagramRefusal } from "./feerateDiagram.ts";
import type { MempoolEntry } from "./mempool.ts";
import { feeAt } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import {
  addedInputRefusal,
  childFeerateRefusal,
  type Payer,
  type Replacement,
  replaceableRefusal,
  replacementFeeRefusal,
  replacementOf,
} from "./replacement.ts";
import { checkTruc, trucVersion } from "./truc.ts";

/** What a transaction that may enter the mempool changes there. */
export interface Admission {
  readonly added: readonly MempoolEntry[];
  readonly evicted: ReadonlySet<MempoolEntry>;
}

/** A refusal of one of a package's transactions. */
export interface PackageRefusal {
  readonly txid: Txid;
  readonly refusal: Refusal;
}

/** Whether a transaction may enter by itself; `minimum` is the feerate below which a full mempool takes nothing. */
export function admit(tx: Transaction, pool: Pool, minimum: bigint): Result<Admission, Refusal> {
  const candidate = candidateOf(tx, pool);
  if (!candidate.ok) return candidate;
  const { entry } = candidate.value;
  const placed = place(entry, pool, { siblings: true });
  if (!placed.ok) return placed;
  const refusal =
    minimumRefusal(entry, larger(minimum, pool.policy.minRelayFeerate)) ??
    addedInputRefusal(entry, pool.graph, placed.value) ??
    replacementFeeRefusal(entry, placed.value, pool.policy) ??
    diagramRefusal([entry], placed.value.evicted, pool.graph) ??
    ephemeralRefusal(entry, pool.graph) ??
    candidateScriptRefusal(candidate.value, pool);
  return refusal === undefined ? ok({ added: [entry], evicted: placed.value.evicted }) : err(refusal);
}

/** Whether a transaction of a block that left the chain may come back: fees, chains and version 3 are not looked at. */
export function readmit(tx: Transaction, pool: Pool): Result<Admission, Refusal> {
  const candidate = candidateOf(tx, pool);
  if (!candidate.ok) return candidate;
  const [conflict] = pool.graph.conflicts(tx);
  if (conflict !== undefined) return err({ kind: "conflict-not-replaceable", conflict: conflict.txid });
  const refusal = candidateScriptRefusal(candidate.value, pool);
  return refusal === undefined ? ok({ added: [candidate.value.entry], evicted: new Set() }) : err(refusal);
}

/**
 * Whether a parent that pays too little may enter together with a child that pays for both. A parent below the relay
 * feerate itself must have version 3: nothing else is kept in the mempool by its child alone.
 */
export function admitPackage(
  parentTx: Transaction,
  childTx: Transaction,
  pool: Pool,
  minimum: bigint,
): Result<Admission, PackageRefusal> {
  const refused = (tx: Transaction, refusal: Refusal) => err({ txid: txidOf(tx), refusal });
  const parent = candidateOf(parentTx, pool);
  if (!parent.ok) return refused(parentTx, parent.error);
  const alone = parentTx.version === trucVersion ? 0n : pool.policy.minRelayFeerate;
  const tooCheap = minimumRefusal(parent.value.entry, alone);
  if (tooCheap !== undefined) return refused(parentTx, tooCheap);
  const placedParent = place(parent.value.entry, pool, { siblings: false });
  if (!placedParent.ok) return refused(parentTx, placedParent.error);

  const graph = pool.graph.changed([parent.value.entry], placedParent.value.evicted);
  const withParent = { ...pool, graph };
  const child = candidateOf(childTx, withParent);
  if (!child.ok) return refused(childTx, child.error);
  const placedChild = place(child.value.entry, withParent, { siblings: false });
  if (!placedChild.ok) return refused(childTx, placedChild.error);

  const both = [parent.value, child.value] as const;
  const replacement = union(placedParent.value, placedChild.value);
  const refusal =
    packageFeeRefusal(both, replacement, pool, minimum) ?? ephemeralRefusal(both[1].entry, graph);
  if (refusal !== undefined) return refused(childTx, refusal);
  for (const candidate of both) {
    const script = candidateScriptRefusal(candidate, pool);
    if (script !== undefined) return refused(candidate.entry.transaction, script);
  }
  return ok({ added: both.map(({ entry }) => entry), evicted: replacement.evicted });
}

function packageFeeRefusal(
  [parent, child]: readonly [Candidate, Candidate],
  replacement: Replacement,
  pool: Pool,
  minimum: bigint,
): Refusal | undefined {
  const total: Payer = {
    fee: parent.entry.fee + child.entry.fee,
    vsize: parent.entry.vsize + child.entry.vsize,
  };
  const belowMinimum = minimumRefusal(total, larger(minimum, pool.policy.minRelayFeerate));
  if (belowMinimum !== undefined || replacement.evicted.size === 0) return belowMinimum;
  // A replacing package stands alone, and its child pays for more than the right to replace.
  const ancestors = [
    ...pool.graph.parents(parent.entry.transaction),
    ...pool.graph.parents(child.entry.transaction),
  ];
  const unconfirmed = ancestors.find((each) => !replacement.evicted.has(each));
  if (unconfirmed !== undefined) {
    return { kind: "replacement-adds-unconfirmed", outPoint: { txid: unconfirmed.txid, index: 0 } };
  }
  // What a package replaces may pay more for each virtual byte than the package: the diagram judges that (Core 28).
  const withoutConflicts = { ...replacement, conflicts: new Set<MempoolEntry>() };
  return (
    replacementFeeRefusal(total, withoutConflicts, pool.policy) ??
    childFeerateRefusal(total, parent.entry) ??
    diagramRefusal([parent.entry, child.entry], replacement.evicted, pool.graph)
  );
}

/** Where an entry would stand: what it evicts, or why there is no place for it. */
function place(
  entry: MempoolEntry,
  { graph, policy }: Pool,
  { siblings }: { readonly siblings: boolean },
): Result<Replacement, Refusal> {
  const conflicts = new Set(graph.conflicts(entry.transaction));
  const { broken, sibling } = checkTruc(entry, graph, conflicts);
  if (broken !== undefined) return err({ kind: "truc", rule: broken });
  if (sibling !== undefined && !siblings) return err({ kind: "truc", rule: "too-many-descendants" });
  if (sibling !== undefined) conflicts.add(sibling);
  const replacement = replacementOf(graph, conflicts);
  const refusal =
    replaceableRefusal(entry, graph, replacement, policy) ??
    chainLimitRefusal(entry, graph, replacement.evicted, policy);
  return refusal === undefined ? ok(replacement) : err(refusal);
}

function minimumRefusal({ fee, vsize }: Payer, feerate: bigint): Refusal | undefined {
  const need = feeAt(feerate, vsize);
  return fee < need ? { kind: "min-fee-not-met", have: fee as Sat, need } : undefined;
}

function union(a: Replacement, b: Replacement): Replacement {
  return {
    conflicts: new Set([...a.conflicts, ...b.conflicts]),
    evicted: new Set([...a.evicted, ...b.evicted]),
  };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

import { standardFlags } from "@fulmen/bitcoin/interpreter";
import type { OutPoint } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import {
  isCoinbase,
  type Transaction,
  txid as txidOf,
  vsize,
  wtxid as wtxidOf,
} from "@fulmen/bitcoin/transaction";
import { err, ok, type Result } from "@fulmen/lightning/util";
import type { ChainState } from "./chainState.ts";
import type { Coin, CoinView } from "./coins.ts";
import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import type { MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import { dustOutputs, formRefusal, inputsRefusal } from "./standardness.ts";
import { isFinal, lockRefusal } from "./timelocks.ts";
import { fundingOf, malformedRule, scriptRefusal } from "./transactionCheck.ts";

/** What candidates are checked against. */
export interface Pool {
  readonly chain: ChainState;
  readonly graph: MempoolGraph;
  readonly policy: MempoolPolicy;
  /** Ids, with witness, of transactions whose scripts are known to pass by `standardFlags`. */
  readonly verified: Set<string>;
}

/** A transaction that is valid by itself, and standard; fees, conflicts and chains were not looked at. */
export interface Candidate {
  readonly entry: MempoolEntry;
  readonly coins: readonly Coin[];
}

/** Checks all that does not depend on other transactions in the mempool, but on which outputs exist. */
export function candidateOf(tx: Transaction, pool: Pool): Result<Candidate, Refusal> {
  const early = formOrFamiliar(tx, pool);
  if (early !== undefined) return err(early);
  const next = pool.chain.nextBlock();
  if (!isFinal(tx, next)) return err({ kind: "non-final", locktime: tx.locktime });
  const funding = fundingOf(tx, coinsFor(pool), next.height);
  if (!funding.ok) return funding;
  const { coins, fee } = funding.value;
  const refusal = lockRefusal(tx, coins, next) ?? inputsRefusal(tx, coins);
  if (refusal !== undefined) return err(refusal);
  const dust = dustOutputs(tx);
  // Nobody should want to mine dust alone: what has some pays no fee, so that only a child that spends it can.
  if (dust.length > 0 && fee > 0n) return err({ kind: "dust", outputs: dust });
  return ok({
    coins,
    entry: { transaction: tx, txid: txidOf(tx), wtxid: wtxidOf(tx), fee, vsize: vsize(tx) },
  });
}

/** Runs the scripts, once per transaction. */
export function candidateScriptRefusal({ entry, coins }: Candidate, pool: Pool): Refusal | undefined {
  if (pool.verified.has(entry.wtxid)) return undefined;
  const refusal = scriptRefusal(entry.transaction, coins, standardFlags);
  if (refusal === undefined) pool.verified.add(entry.wtxid);
  return refusal;
}

/** Why a child does not spend all dust of its unconfirmed parents. */
export function ephemeralRefusal({ transaction }: MempoolEntry, graph: MempoolGraph): Refusal | undefined {
  const unspent: OutPoint[] = [];
  for (const parent of graph.parents(transaction)) {
    for (const [index, { value, script }] of parent.transaction.outputs.entries()) {
      const isSpent = transaction.inputs.some(
        ({ outPoint }) => outPoint.txid === parent.txid && outPoint.index === index,
      );
      if (!isSpent && value < dustLimit(script)) unspent.push({ txid: parent.txid, index });
    }
  }
  return unspent.length > 0 ? { kind: "unspent-ephemeral-dust", outPoints: unspent } : undefined;
}

function formOrFamiliar(tx: Transaction, { chain, graph, policy }: Pool): Refusal | undefined {
  const rule = malformedRule(tx);
  if (rule !== undefined) return { kind: "malformed", rule };
  if (isCoinbase(tx)) return { kind: "coinbase" };
  const refusal = formRefusal(tx, policy);
  if (refusal !== undefined) return refusal;
  const txid = txidOf(tx);
  if (graph.entry(txid) !== undefined) return { kind: "already-in-mempool" };
  const confirmed = chain.confirmation(txid);
  return confirmed && { kind: "already-confirmed", height: confirmed.block.height };
}

/** The chain's coins and the mempool's, spent in the mempool or not: conflicts are for replacement to judge. */
function coinsFor({ chain, graph }: Pool): CoinView {
  const height = chain.tip.height + 1;
  return {
    coin(outPoint) {
      const output = graph.output(outPoint);
      if (output !== undefined) return { outPoint, output, height, coinbase: false };
      return chain.coins.coin(outPoint);
    },
  };
}

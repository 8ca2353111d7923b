import { equalBytes, type OutPoint, outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import type { SharedChain } from "#src/index";
import type { Side } from "./ourPair.ts";

/** Nobody's is what neither side has the script of: anchors that were left. */
type Owner = Side | "nobody";

/** What one side has in the end. */
export interface Account {
  /** Satoshis in unspent outputs, less the coins of its wallet that went in. */
  readonly received: bigint;
  /** Of transactions that its wallet's coins pay for, and of those without such coins that pay to it. */
  readonly fees: bigint;
}

export interface Ledger {
  readonly us: Account;
  readonly ldk: Account;
  /** Fee of the transaction that spent the funding output. */
  readonly closingFee: bigint;
  /** That transaction's outputs, and who had what became of each in the end. */
  readonly outputs: readonly { readonly value: bigint; readonly owner: Owner }[];
  /** In unspent outputs whose script is neither side's: anchors. */
  readonly left: bigint;
  /** Every transaction that stems from the funding output, the one that spent it first. */
  readonly transactions: ReadonlyMap<Txid, Transaction>;
}

/**
 * Follows every satoshi of `funding` through confirmed transactions. It looks at values, and at the scripts that sweeps
 * and wallets pay to: of commitments and claims it knows nothing.
 */
export function ledgerOf(
  chain: SharedChain["chain"],
  funding: OutPoint,
  scripts: Readonly<Record<Side, readonly Uint8Array[]>>,
): Ledger {
  const transactions = descendants(chain, funding);
  const [closing] = transactions.values();
  if (closing === undefined) throw new Error("the funding output is unspent");
  const received = { us: 0n, ldk: 0n, nobody: 0n };
  const fees = { us: 0n, ldk: 0n, nobody: 0n };
  const ownerOf = (script: Uint8Array): Owner => {
    if (scripts.us.some((one) => equalBytes(one, script))) return "us";
    return scripts.ldk.some((one) => equalBytes(one, script)) ? "ldk" : "nobody";
  };
  /**
   * Who has what became of an output in the end: of the output beside the input that spent it, since the two belong
   * together in an HTLC transaction; or of the only one.
   */
  const heirOf = (outPoint: OutPoint): Owner => {
    const key = outPointKey(outPoint);
    const spender = confirmedSpender(chain, outPoint);
    if (spender === undefined) return ownerOf(present(chain.output(outPoint), "an output").script);
    const beside = spender.inputs.findIndex((input) => outPointKey(input.outPoint) === key);
    return heirOf({ txid: txid(spender), index: beside < spender.outputs.length ? beside : 0 });
  };
  for (const [id, transaction] of transactions) {
    const coinOwners = new Set<Owner>();
    for (const { outPoint } of transaction.inputs) {
      if (outPointKey(outPoint) === outPointKey(funding)) continue;
      const { value, script } = present(chain.output(outPoint), "an output");
      if (ownerOf(script) !== "nobody") coinOwners.add(ownerOf(script));
      if (!transactions.has(outPoint.txid)) received[ownerOf(script)] -= value;
    }
    for (const [index, { value, script }] of transaction.outputs.entries()) {
      if (confirmedSpender(chain, { txid: id, index }) === undefined) received[ownerOf(script)] += value;
    }
    if (transaction === closing) continue;
    const [payer = heirOf({ txid: id, index: 0 })] = coinOwners;
    fees[payer] += present(chain.feeOf(id), "a fee");
  }
  const id = txid(closing);
  return {
    us: { received: received.us, fees: fees.us },
    ldk: { received: received.ldk, fees: fees.ldk },
    closingFee: chain.feeOf(id) ?? 0n,
    outputs: closing.outputs.map(({ value }, index) => ({ value, owner: heirOf({ txid: id, index }) })),
    left: received.nobody,
    transactions,
  };
}

function descendants(chain: SharedChain["chain"], funding: OutPoint): ReadonlyMap<Txid, Transaction> {
  const found = new Map<Txid, Transaction>();
  const open = [funding];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const spender = confirmedSpender(chain, next);
    if (spender === undefined || found.has(txid(spender))) continue;
    found.set(txid(spender), spender);
    open.push(...outPointsOf(spender));
  }
  return found;
}

function confirmedSpender(chain: SharedChain["chain"], outPoint: OutPoint): Transaction | undefined {
  const found = chain.outputSpentBy(outPoint);
  return found?.block && found.transaction;
}

function outPointsOf(transaction: Transaction): readonly OutPoint[] {
  const id = txid(transaction);
  return transaction.outputs.map((_, index) => ({ txid: id, index }));
}

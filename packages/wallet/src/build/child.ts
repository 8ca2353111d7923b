import type { Txid } from "@fulmen/bitcoin/primitives";
import { weight } from "@fulmen/bitcoin/transaction";
import type { PaidParent } from "@fulmen/lightning/chain";
import { err, type FeeratePerKw, ok, type Result, type Sat } from "@fulmen/lightning/util";
import type { Coin, Ledger, WalletTransaction } from "../ledger/index.ts";
import type { WalletRefusal } from "./refusal.ts";
import {
  carryOut,
  type FundedTransaction,
  maxStandardWeight,
  maxUnconfirmed,
  spendableCoins,
  type Workbench,
} from "./workbench.ts";

/** A transaction whose confirmation is worth paying for. */
export interface ChildRequest {
  readonly txid: Txid;
  /** What the child, its parent and all unconfirmed transactions below pay together. */
  readonly feerate: FeeratePerKw;
  /** What `txid` pays; needed only when it spends coins of others. */
  readonly parentFee?: Sat;
  /** What must be left unlocked, as for `FundRequest`. */
  readonly keep?: Sat;
}

/** Version 3: topologically restricted until confirmation (BIP 431), and what its child may weigh. */
const trucVersion = 3;
const maxTrucChildWeight = 4_000;

/**
 * Drafts a child that spends the most valuable own output of an unconfirmed transaction, and confirmed coins if it
 * needs them, to a change script of the wallet, and pays for all of its unconfirmed ancestors ("child pays for
 * parent"). The parent's outputs and id stay as they are.
 */
export function child(bench: Workbench, request: ChildRequest): Result<FundedTransaction, WalletRefusal> {
  const { ledger } = bench;
  const { txid, feerate, parentFee, keep } = request;
  const parent = ledger.transaction(txid);
  if (parent === undefined) return err({ kind: "unknown-transaction", txid });
  const { position, transaction } = parent;
  if (position.kind === "confirmed") return err({ kind: "already-confirmed", txid, height: position.height });
  if (!ledger.view.isActive(txid)) return err({ kind: "conflicted", txid });
  const coin = mostValuableOutput(ledger, txid);
  if (coin === undefined) return err({ kind: "no-own-output", txid });
  if (ledger.holder(coin.outPoint) !== undefined)
    return err({ kind: "coin-locked", outPoint: coin.outPoint });
  const paid = packageOf(ledger, parent, parentFee);
  if (!paid.ok) return paid;
  const isTruc = transaction.version === trucVersion;
  return carryOut(bench, {
    required: [coin],
    choices: [spendableCoins(bench, "confirmed")],
    outputs: [],
    feerate,
    version: isTruc ? trucVersion : 2,
    maxWeight: isTruc ? maxTrucChildWeight : maxStandardWeight,
    parent: paid.value,
    ...(keep === undefined ? {} : { keep }),
    isReplaceable: true,
  });
}

function mostValuableOutput(ledger: Ledger, txid: Txid): Coin | undefined {
  const own = [...ledger.view.coins.values()].filter(({ outPoint }) => outPoint.txid === txid);
  return own.reduce<Coin | undefined>(
    (best, each) => (best === undefined || each.output.value > best.output.value ? each : best),
    undefined,
  );
}

/** Weight and fees of a transaction and of the unconfirmed ones that it builds on. */
function packageOf(
  ledger: Ledger,
  top: WalletTransaction,
  topFee: Sat | undefined,
): Result<PaidParent, WalletRefusal> {
  const seen = new Map<Txid, WalletTransaction>([[top.txid, top]]);
  let [total, fees] = [0, 0n];
  // A map that grows while it is gone through is gone through to its end.
  for (const each of seen.values()) {
    let fee: bigint = 0n;
    let isKnown = true;
    for (const { outPoint } of each.transaction.inputs) {
      const below = ledger.transaction(outPoint.txid);
      if (below?.position.kind === "unconfirmed") seen.set(below.txid, below);
      const spent = below?.transaction.outputs[outPoint.index];
      if (spent === undefined) isKnown = false;
      else fee += spent.value;
    }
    fee -= each.transaction.outputs.reduce((sum, { value }) => sum + value, 0n);
    if (!isKnown && (each !== top || topFee === undefined))
      return err({ kind: "unknown-fee", txid: each.txid });
    fees += isKnown ? fee : (topFee ?? 0n);
    total += weight(each.transaction);
    if (seen.size > maxUnconfirmed) {
      const { txid } = top;
      return err({ kind: "too-long-chain", txid, unconfirmed: seen.size, most: maxUnconfirmed });
    }
  }
  return ok({ weight: total, fee: fees as Sat });
}

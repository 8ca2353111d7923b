import { outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { vsize } from "@fulmen/bitcoin/transaction";
import { err, type FeeratePerKw, feeratePerKw, ok, type Result, type Sat } from "@fulmen/lightning/util";
import type { Coin, Ledger, WalletTransaction } from "../ledger/index.ts";
import type { WalletRefusal } from "./refusal.ts";
import {
  carryOut,
  type FundedTransaction,
  maxStandardWeight,
  spendableCoins,
  type Workbench,
} from "./workbench.ts";

/** A transaction that is to be replaced. */
export interface ReplacementRequest {
  readonly txid: Txid;
  readonly feerate: FeeratePerKw;
  /** What must be left unlocked, as for `FundRequest`. */
  readonly keep?: Sat;
}

/**
 * Drafts a transaction that replaces an unconfirmed one of the wallet's at a higher feerate (BIP 125): the same inputs,
 * further confirmed ones if they are needed, every recipient, and change to the same script. It pays what the
 * replaced one paid and one satoshi for each of its own virtual bytes, or more.
 */
export function replace(
  bench: Workbench,
  { txid, feerate, keep }: ReplacementRequest,
): Result<FundedTransaction, WalletRefusal> {
  const { ledger } = bench;
  const found = replaceable(ledger, txid);
  if (!found.ok) return found;
  const { spent, fee } = found.value;
  const { transaction } = found.value.replaced;
  const least = feeratePerKw((fee * 1000n) / BigInt(4 * vsize(transaction)) + 1n);
  if (feerate < least) return err({ kind: "feerate-too-low", feerate, least });
  const isChange = ({ script }: { readonly script: Uint8Array }) =>
    ledger.keyring.place(script)?.keychain === "change";
  const change = transaction.outputs.find(isChange);
  return carryOut(bench, {
    required: spent,
    choices: [spendableCoins(bench, "confirmed")],
    outputs: transaction.outputs.filter((output) => !isChange(output)),
    feerate,
    ...(change === undefined ? {} : { change }),
    version: transaction.version,
    maxWeight: maxStandardWeight,
    replaces: txid,
    outbids: { fee, feerate: least },
    ...(keep === undefined ? {} : { keep }),
    isReplaceable: true,
  });
}

interface Replaceable {
  readonly replaced: WalletTransaction;
  readonly spent: readonly Coin[];
  readonly fee: Sat;
}

function replaceable(ledger: Ledger, txid: Txid): Result<Replaceable, WalletRefusal> {
  const replaced = ledger.transaction(txid);
  if (replaced === undefined) return err({ kind: "unknown-transaction", txid });
  const { transaction, position, isReplaceable } = replaced;
  if (position.kind === "confirmed") return err({ kind: "already-confirmed", txid, height: position.height });
  if (!ledger.view.isActive(txid)) return err({ kind: "conflicted", txid });
  if (!isReplaceable) return err({ kind: "not-replaceable", txid });
  const spent: Coin[] = [];
  for (const { outPoint } of transaction.inputs) {
    const coin = ledger.output(outPoint);
    if (coin === undefined) return err({ kind: "unknown-fee", txid });
    const holder = ledger.holder(outPoint);
    if (holder !== undefined) return err({ kind: "coin-locked", outPoint });
    spent.push(coin);
  }
  const descendants = new Set<Txid>();
  for (const index of transaction.outputs.keys()) {
    // Whatever is drafted on an output, a channel's funding perhaps, would be undone without a word.
    if (ledger.holder({ txid, index }) !== undefined)
      return err({ kind: "coin-locked", outPoint: { txid, index } });
    const spender = ledger.view.spenders.get(outPointKey({ txid, index }));
    if (spender !== undefined) descendants.add(spender.txid);
  }
  if (descendants.size > 0) return err({ kind: "has-descendants", txids: [...descendants] });
  const paid = transaction.outputs.reduce((total, { value }) => total + value, 0n);
  const fee = (spent.reduce((total, { output }) => total + output.value, 0n) - paid) as Sat;
  return ok({ replaced, spent, fee });
}

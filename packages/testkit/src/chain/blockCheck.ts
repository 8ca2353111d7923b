import { type Block, hasProofOfWork, isBlockIntact } from "@fulmen/bitcoin/block";
import { consensusFlags } from "@fulmen/bitcoin/interpreter";
import { networks } from "@fulmen/bitcoin/network";
import { type BlockHash, equalBytes, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { script } from "@fulmen/bitcoin/script";
import { isCoinbase, type Transaction, weight } from "@fulmen/bitcoin/transaction";
import { err, ok, type Result } from "@fulmen/lightning/util";
import { type Coin, CoinOverlay, type CoinView, coinsOf } from "./coins.ts";
import type { ConsensusRefusal } from "./refusal.ts";
import { regtestBits, regtestSubsidy } from "./regtest.ts";
import { type LockContext, lockRefusal } from "./timelocks.ts";
import { fundingOf, malformedRule, maxBlockWeight, scriptRefusal } from "./transactionCheck.ts";

/** Why a block does not extend the chain. */
export type BlockRefusal =
  | { readonly kind: "not-on-tip"; readonly previous: BlockHash }
  | { readonly kind: "proof-of-work" }
  /** Not above the median of the last eleven blocks. */
  | { readonly kind: "time-too-old"; readonly have: number; readonly above: number }
  | { readonly kind: "version"; readonly version: number }
  /** Transactions or witnesses are not those that header and coinbase commit to. */
  | { readonly kind: "commitment" }
  | { readonly kind: "weight"; readonly have: number }
  | { readonly kind: "coinbase-height" }
  | { readonly kind: "misplaced-coinbase" }
  | { readonly kind: "coinbase-value"; readonly have: Sat; readonly most: Sat }
  | { readonly kind: "transaction"; readonly txid: Txid; readonly refusal: ConsensusRefusal };

/** What a block is checked against. */
export interface BlockContext extends LockContext {
  readonly tip: BlockHash;
  readonly coins: CoinView;
  /** Whether the scripts of this transaction are known to pass, so that they need not run again. */
  isVerified(tx: Transaction): boolean;
}

/** What a valid block changes. */
export interface CheckedBlock {
  readonly txids: readonly Txid[];
  readonly spent: readonly (readonly Coin[])[];
  readonly fees: Sat;
}

/**
 * Checks a block by the rules of regtest: header, commitments, size, lock times, amounts and all scripts. Limits on
 * signature operations are left out.
 */
export function checkBlock(
  block: Block,
  txids: readonly Txid[],
  context: BlockContext,
): Result<CheckedBlock, BlockRefusal> {
  const refusal = headerRefusal(block, context) ?? shapeRefusal(block, txids, context);
  if (refusal !== undefined) return err(refusal);
  const view = new CoinOverlay(context.coins);
  const spent: (readonly Coin[])[] = [];
  let fees = 0n;
  for (const [i, tx] of block.transactions.entries()) {
    const txid = txids[i];
    if (txid === undefined) return err({ kind: "commitment" });
    if (i > 0) {
      const checked = checkTransaction(tx, view, context);
      if (!checked.ok) return err({ kind: "transaction", txid, refusal: checked.error });
      spent.push(checked.value.coins);
      fees += checked.value.fee;
    } else {
      spent.push([]);
    }
    for (const { outPoint } of tx.inputs) view.remove(outPoint);
    for (const coin of coinsOf(tx, txid, context.height)) view.add(coin);
  }
  const created = (block.transactions[0]?.outputs ?? []).reduce((sum, { value }) => sum + value, 0n) as Sat;
  const most = (regtestSubsidy(context.height) + fees) as Sat;
  if (created > most) return err({ kind: "coinbase-value", have: created, most });
  return ok({ txids, spent, fees: fees as Sat });
}

function headerRefusal({ header }: Block, context: BlockContext): BlockRefusal | undefined {
  if (header.previous !== context.tip) return { kind: "not-on-tip", previous: header.previous };
  if (header.bits !== regtestBits || !hasProofOfWork(header, networks.regtest))
    return { kind: "proof-of-work" };
  if (header.time <= context.medianTime) {
    return { kind: "time-too-old", have: header.time, above: context.medianTime };
  }
  // Blocks below version 4 signal that their miner does not know BIP 34, 65 and 66.
  return header.version < 4 ? { kind: "version", version: header.version } : undefined;
}

function shapeRefusal(
  block: Block,
  txids: readonly Txid[],
  { height }: BlockContext,
): BlockRefusal | undefined {
  if (!isBlockIntact(block, txids)) return { kind: "commitment" };
  const [coinbase, ...others] = block.transactions;
  if (coinbase === undefined || others.some(isCoinbase)) return { kind: "misplaced-coinbase" };
  const rule = malformedRule(coinbase);
  const [txid] = txids;
  if (rule !== undefined && txid !== undefined) {
    return { kind: "transaction", txid, refusal: { kind: "malformed", rule } };
  }
  const heightPush = script(BigInt(height));
  const scriptSig = coinbase.inputs[0]?.scriptSig ?? new Uint8Array(0);
  if (!equalBytes(scriptSig.subarray(0, heightPush.length), heightPush)) return { kind: "coinbase-height" };
  const blockWeight = weightOf(block);
  return blockWeight > maxBlockWeight ? { kind: "weight", have: blockWeight } : undefined;
}

function checkTransaction(tx: Transaction, view: CoinView, context: BlockContext) {
  const rule = malformedRule(tx);
  if (rule !== undefined) return err<ConsensusRefusal>({ kind: "malformed", rule });
  const funding = fundingOf(tx, view, context.height);
  if (!funding.ok) return funding;
  const locked = lockRefusal(tx, funding.value.coins, context);
  if (locked !== undefined) return err(locked);
  if (context.isVerified(tx)) return funding;
  const refused = scriptRefusal(tx, funding.value.coins, consensusFlags);
  return refused === undefined ? funding : err(refused);
}

/** Header (80 bytes) and count of transactions weigh fourfold. */
function weightOf({ transactions }: Block): number {
  return transactions.reduce((sum, tx) => sum + weight(tx), 4 * (80 + 9));
}

/** A block was asked for that cannot be valid: a mistake of the test that asked. */
export class BlockRefusedError extends Error {
  override readonly name = "BlockRefusedError";
  readonly refusal: BlockRefusal;

  constructor(refusal: BlockRefusal) {
    const detail = refusal.kind === "transaction" ? `transaction ${refusal.txid}: ` : "";
    const { kind } = refusal.kind === "transaction" ? refusal.refusal : refusal;
    super(`block refused: ${detail}${kind}`);
    this.refusal = refusal;
  }
}

import { inspect } from "node:util";
import { encodeBlock } from "@fulmen/bitcoin/block";
import {
  type BlockHash,
  equalBytes,
  type OutPoint,
  outPointKey,
  type Sat,
  type Txid,
} from "@fulmen/bitcoin/primitives";
import { decodeTransaction, type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { feeratePerKw, present, type ShortChannelIdParts, sat } from "@fulmen/lightning/util";
import type { Coin, SimulatedChain } from "@fulmen/testkit/chain";
import type { Faucet } from "@fulmen/testkit/wallet";

/** An output that nobody has spent, in the chain or in the mempool. */
export interface UnspentOutput {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  readonly confirmed: boolean;
}

/** A transaction that the faucet did not make, and what it pays to the miner. */
export interface FeePaid {
  readonly txid: Txid;
  readonly fee: Sat;
  readonly inputs: readonly { readonly outPoint: OutPoint; readonly output: TxOut }[];
  readonly outputs: readonly TxOut[];
}

/** What the faucet has paid to one script. */
export interface Minted {
  readonly script: Uint8Array;
  readonly value: Sat;
}

/** All coins but the faucet's own, with where they came from and what was lost to fees; the mempool counts as mined. */
export interface ChainAccounts {
  readonly minted: readonly Minted[];
  readonly unspent: readonly UnspentOutput[];
  readonly fees: readonly FeePaid[];
}

/** How the chain went on. More blocks than fit are given by the next call. */
export interface BlocksAfter {
  readonly forkPoint: { readonly hash: BlockHash; readonly height: number };
  /** Blocks that the asker has and the chain no longer has. */
  readonly disconnected: number;
  /** Encoded with witnesses, the lowest first; they follow the fork point. */
  readonly blocks: readonly Uint8Array[];
}

const blocksPerAnswer = 500;
/** 2 satoshis per virtual byte. */
const faucetFeerate = feeratePerKw(500);

/** What nodes, and the playground, ask of the chain. */
export interface ChainService {
  tip(): BlockLocator;
  blocksAfter(locator: Pick<BlockLocator, "hash" | "ancestors">): BlocksAfter;
  /** Offers transactions to the mempool, two as a package; answers why not, or nothing. What is known already is fine. */
  submit(encoded: readonly Uint8Array[]): string | undefined;
  /** Coins of these output scripts, in the chain or the mempool, that nothing spends. */
  unspent(scripts: readonly Uint8Array[]): readonly UnspentOutput[];
  /** The coin at this place of the chain, unless it is spent: what a short channel id names. */
  coinAt(place: ShortChannelIdParts): Coin | undefined;
  /** Pays `value` satoshis of the faucet's to a script; it confirms with the next block. */
  fund(script: Uint8Array, value: bigint): Txid;
  /** Mines blocks; gives the new height. */
  mine(count: number): number;
  mempool(): readonly Txid[];
  accounts(): ChainAccounts;
}

export function chainService(chain: SimulatedChain, faucet: Faucet): ChainService {
  const minted: Minted[] = [];
  const faucetPayments = new Set<Txid>();
  return {
    tip: () => chain.locator(),
    blocksAfter(locator) {
      const { forkPoint, disconnected, connected } = chain.blocksSince(locator);
      return {
        forkPoint: { hash: forkPoint.hash, height: forkPoint.height },
        disconnected: disconnected.length,
        blocks: connected.slice(0, blocksPerAnswer).map(({ block }) => encodeBlock(block)),
      };
    },
    submit: (encoded) => submit(chain, encoded.map(decodeTransaction)),
    unspent: (scripts) =>
      unspentOutputs(chain).filter(({ output }) =>
        scripts.some((script) => equalBytes(script, output.script)),
      ),
    coinAt({ height, txIndex, outputIndex }) {
      const id = chain.blockAt(height)?.txids[txIndex];
      return id && chain.coin({ txid: id, index: outputIndex });
    },
    fund(script, amount) {
      const value = sat(amount);
      const payment = faucet.fund(chain, [{ value, script }], faucetFeerate);
      const result = chain.submit(payment);
      if (!result.ok) throw new Error(`the faucet's transaction was refused: ${result.error.kind}`);
      const id = txid(payment);
      minted.push({ script, value });
      faucetPayments.add(id);
      return id;
    },
    mine(count) {
      chain.mine(count);
      return chain.tip.height;
    },
    mempool: () => chain.mempool,
    accounts: () => ({
      minted,
      unspent: unspentOutputs(chain).filter(({ output }) => !equalBytes(output.script, faucet.script)),
      fees: transactionsOf(chain)
        .filter((transaction) => !faucetPayments.has(txid(transaction)))
        .map((transaction) => feePaid(chain, transaction)),
    }),
  };
}

function submit(chain: SimulatedChain, transactions: readonly Transaction[]): string | undefined {
  const [parent, child, ...more] = transactions;
  const results =
    parent !== undefined && child !== undefined && more.length === 0
      ? [chain.submitPackage(parent, child)]
      : transactions.map((transaction) => chain.submit(transaction));
  for (const result of results) {
    if (result.ok) continue;
    const refusal = "refusal" in result.error ? result.error.refusal : result.error;
    if (refusal.kind === "already-in-mempool" || refusal.kind === "already-confirmed") continue;
    return inspect(refusal, { breakLength: Infinity });
  }
  return undefined;
}

function unspentOutputs(chain: SimulatedChain): readonly UnspentOutput[] {
  const outputs = new Map<string, UnspentOutput>();
  for (const { outPoint, output } of chain.coins()) {
    outputs.set(outPointKey(outPoint), { outPoint, output, confirmed: true });
  }
  for (const id of chain.mempool) {
    const { transaction } = chain.transaction(id) ?? {};
    for (const { outPoint } of transaction?.inputs ?? []) outputs.delete(outPointKey(outPoint));
    for (const [index, output] of transaction?.outputs.entries() ?? []) {
      const outPoint = { txid: id, index };
      outputs.set(outPointKey(outPoint), { outPoint, output, confirmed: false });
    }
  }
  return [...outputs.values()];
}

/** Of the chain and the mempool, without coinbases. */
function transactionsOf(chain: SimulatedChain): readonly Transaction[] {
  const transactions: Transaction[] = [];
  for (let height = 1; height <= chain.tip.height; height++) {
    const { block } = present(chain.blockAt(height), "a block of the chain");
    transactions.push(...block.transactions.slice(1));
  }
  for (const id of chain.mempool) {
    transactions.push(present(chain.transaction(id), "a transaction of the mempool").transaction);
  }
  return transactions;
}

function feePaid(chain: SimulatedChain, transaction: Transaction): FeePaid {
  const id = txid(transaction);
  const inputs = transaction.inputs.map(({ outPoint }) => ({
    outPoint,
    output: present(chain.output(outPoint), "an output that is spent"),
  }));
  const { outputs } = transaction;
  return { txid: id, fee: present(chain.feeOf(id), "the fee of a transaction"), inputs, outputs };
}

import { equalBytes, type OutPoint, outPointKey, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw, present, sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
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

/** What clients of the served chain log in with. */
export const chainCredentials = { user: "fulmen", password: "playground" } as const;

/** 2 satoshis per virtual byte. */
const faucetFeerate = feeratePerKw(500);

/** What the playground asks of the chain. */
export interface ChainService {
  height(): number;
  /** Pays `value` satoshis of the faucet's to a script; it confirms with the next block. */
  fund(script: Uint8Array, value: bigint): Txid;
  /** Mines blocks; gives the new height. */
  mine(count: number): number;
  mempool(): readonly Txid[];
  accounts(): ChainAccounts;
}

/** `changed` is called when there are new blocks. */
export function chainService(chain: SimulatedChain, faucet: Faucet, changed: () => void): ChainService {
  const minted: Minted[] = [];
  const faucetPayments = new Set<Txid>();
  return {
    height: () => chain.tip.height,
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
      changed();
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

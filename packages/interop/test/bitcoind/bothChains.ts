import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { OutPoint, Sat, Txid } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { present, type Result } from "@fulmen/lightning/util";
import {
  type Accepted,
  createFundedChain,
  type Faucet,
  inputOf,
  type PackageRefusal,
  type Refusal,
  type SpentInput,
  type TestChain,
} from "@fulmen/testkit";
import { createFundedBitcoindChain } from "#src/bitcoind/index";

/** Does things to a chain, and gives what came of them. */
export type Scenario<T> = (chain: TestChain, faucet: Faucet) => T;

/**
 * Runs a scenario in the simulated chain and on Bitcoin Core, which must come to the same, the mempool at the end
 * included; gives what it came to. `tolerates` names refusals of ours that are known not to be Core's.
 */
export async function onBoth<T>(
  t: TestContext,
  scenario: Scenario<T>,
  tolerates: readonly Refusal["kind"][] = [],
): Promise<T> {
  const simulated = createFundedChain();
  const real = await createFundedBitcoindChain({ tolerates: ({ kind }) => tolerates.includes(kind) });
  t.after(() => real.chain.stop());
  assert.equal(real.chain.tip.hash, simulated.chain.tip.hash);
  const outcome = scenario(real.chain, real.faucet);
  if (tolerates.length > 0) return outcome;
  assert.deepEqual(outcome, scenario(simulated.chain, simulated.faucet));
  assert.deepEqual(new Set(real.chain.mempool), new Set(simulated.chain.mempool));
  return outcome;
}

/** `taken`, or what it was refused for. */
export function verdict(result: Result<Accepted, Refusal | PackageRefusal>): string {
  if (result.ok) return "taken";
  const refusal = "refusal" in result.error ? result.error.refusal : result.error;
  return "rule" in refusal ? `${refusal.kind}: ${refusal.rule}` : refusal.kind;
}

/** Verdicts on one transaction after the other, by name. */
export function verdicts(
  chain: TestChain,
  transactions: Readonly<Record<string, Transaction>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(transactions).map(([name, tx]) => [name, verdict(chain.submit(tx))]),
  );
}

const nobody = p2wpkh(new Uint8Array(20).fill(7));

export function pay(value: bigint, script = nobody): TxOut {
  return { value: value as Sat, script };
}

/** A coin of the faucet's as an input: the `index`th of those that it has. */
export function coinOf(chain: TestChain, faucet: Faucet, index = 0, sequence?: number): SpentInput {
  const coin = present(faucet.spendable(chain)[index], "a coin");
  return { input: inputOf(coin.outPoint, sequence), output: coin.output };
}

/** An output of a transaction as an input. */
export function outputOf(tx: Transaction, index = 0, sequence?: number): SpentInput {
  const outPoint: OutPoint = { txid: txid(tx), index };
  return { input: inputOf(outPoint, sequence), output: present(tx.outputs[index], "an output") };
}

/** Spends all of `spent` to one output of `script`, less `fee`. */
export function spendAll(
  faucet: Faucet,
  spent: readonly SpentInput[],
  {
    fee,
    version = 2,
    script = nobody,
  }: { readonly fee: bigint; readonly version?: number; readonly script?: Uint8Array },
): Transaction {
  const value = spent.reduce((sum, { output }) => sum + output.value, 0n) - fee;
  return faucet.spend(spent, [pay(value, script)], { version });
}

/** Submits what must be taken. */
export function accept(chain: TestChain, tx: Transaction): Txid {
  const result = chain.submit(tx);
  assert.ok(result.ok, result.ok ? "" : result.error.kind);
  return txid(tx);
}

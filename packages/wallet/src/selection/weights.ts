import { compactSizeLength, type TxOut } from "@fulmen/bitcoin/transaction";
import type { FeeratePerKw, Sat } from "@fulmen/lightning/util";
import type { ScriptKind } from "../descriptor/index.ts";

/** Weight units of an input without script and witness: outpoint and sequence. */
const bareInputWeight = 4 * 40;

/** The length of an empty script, the count of the witness, and a length and item each. */
const satisfactionWeights: Readonly<Record<ScriptKind, number>> = {
  // A DER signature with low s is 71 bytes at most, its sighash type one more; the key is 33.
  wpkh: 4 + 1 + (1 + 72) + (1 + 33),
  // A Schnorr signature of the default sighash type (BIP 341).
  tr: 4 + 1 + (1 + 64),
};

/** Weight units of script and witness, each with its lengths, that spend an output of this kind; an upper bound. */
export function satisfactionWeight(kind: ScriptKind): number {
  return satisfactionWeights[kind];
}

/** Weight units of an input with a script and witness of this weight. */
export function inputWeight(satisfaction: number): number {
  return bareInputWeight + satisfaction;
}

/** Weight units of an output. */
export function outputWeight(script: Uint8Array): number {
  return 4 * (8 + compactSizeLength(script.length) + script.length);
}

/** Weight units of a segwit transaction with these inputs and outputs. */
export function transactionWeight(
  inputs: readonly { readonly satisfactionWeight: number }[],
  outputs: readonly Pick<TxOut, "script">[],
): number {
  let weight = frameWeight(inputs.length, outputs.length);
  for (const { satisfactionWeight: each } of inputs) weight += inputWeight(each);
  for (const { script } of outputs) weight += outputWeight(script);
  return weight;
}

/** Version, lock time, marker and flag, and the counts. */
function frameWeight(inputs: number, outputs: number): number {
  return 4 * (8 + compactSizeLength(inputs) + compactSizeLength(outputs)) + 2;
}

/**
 * What `weight` units pay at `feerate` in satoshis, rounded up twice, to whole virtual bytes and whole satoshis: nodes
 * compare a fee with what the virtual bytes cost.
 */
export function feeAtLeast(feerate: FeeratePerKw, weight: number): Sat {
  const vbytes = BigInt(Math.ceil(weight / 4));
  return ((feerate * 4n * vbytes + 999n) / 1000n) as Sat;
}

import { weight, witnessSize } from "@fulmen/bitcoin/transaction";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { type FeeratePerKw, sat, sum } from "../util/units.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import type { Claimable, DirectClaimable } from "./claimable.ts";
import type { FeeSituation } from "./feeSchedule.ts";

/** As long as a signature with its sighash type can be. */
const longestSignature = new Uint8Array(73);

/** Version, counts, locktime, marker and flag; and one output to a script of 34 bytes. */
const emptyWeight = 42;
const outputWeight = 4 * 43;
/** Outpoint, length of the empty script, sequence. */
const inputWeight = 4 * 41;
/** A coin of a wallet (P2WPKH), and its change. */
const coinAndChangeWeight = inputWeight + 108 + outputWeight;
/** Both signatures of the funding output, its script, and what is around them. */
const fundingWitnessWeight = 2 + 222;
/** A transaction that spends an anchor and a coin. */
const anchorChildWeight = emptyWeight + inputWeight + 117 + coinAndChangeWeight;

/** The witness of an output that our signature alone spends. */
export function directWitness(
  { path, witnessScript }: DirectClaimable,
  signature: Uint8Array = longestSignature,
): readonly Uint8Array[] {
  return [signature, ...path, witnessScript];
}

/** What the feerate of a claim is chosen from. The weight is near enough for that. */
export function feeSituation(
  monitor: ChannelMonitor,
  inputs: readonly Claimable[],
  at: { readonly height: number; readonly estimate: FeeratePerKw },
): FeeSituation {
  const deadline = Math.min(...inputs.map((one) => one.deadline));
  return {
    estimate: at.estimate,
    blocksLeft: deadline - at.height,
    value: sum(inputs.map(({ value }) => value)),
    atRisk: sum(inputs.map((one) => (one.kind === "holder-funding" ? one.htlcValue : one.value))),
    weight: inputs.reduce((total, one) => total + claimableWeight(monitor, one), emptyWeight + outputWeight),
    leftOver: sat(330),
  };
}

/** What one output adds to the weight of its claim, coins that pay for it included. */
export function claimableWeight(monitor: ChannelMonitor, claimable: Claimable): number {
  switch (claimable.kind) {
    case "direct":
      return inputWeight + witnessSize(directWitness(claimable));
    case "holder-htlc": {
      const { weights } = formatOf(monitor.setup.params.format);
      const { htlcTimeout, htlcSuccess } = weights;
      return (claimable.built.stage === "timeout" ? htlcTimeout : htlcSuccess) + coinAndChangeWeight;
    }
    case "holder-funding":
      return weight(claimable.commitment.built.transaction) + fundingWitnessWeight + anchorChildWeight;
  }
}

import {
  type FeeratePerKw,
  feeratePerKw,
  type Msat,
  maxOf,
  minusOrZero,
  msat,
  plus,
  satToMsat,
  times,
  zeroMsat,
} from "../util/units.ts";
import type { CommitmentFormat } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import type { HtlcDirection } from "./htlc.ts";
import { ownerOf, type Side } from "./keys.ts";
import type { ChannelParams } from "./params.ts";
import { stageOf } from "./placeOutputs.ts";
import type { SpecHtlc } from "./spec.ts";

/** At which amounts an HTLC of one direction gets an output: those below are trimmed. */
export interface TrimThresholds {
  /** At the commitment's feerate. */
  readonly present: Msat;
  /** At the feerate of the fee spike buffer. */
  readonly spiked: Msat;
  /** At the feerate to which it may rise before we can react: below, an HTLC counts as exposed. */
  readonly buffered: Msat;
}

/** What the HTLCs of one commitment do to its fee and to our exposure. */
export interface CommitmentLoad {
  readonly side: Side;
  readonly feerate: FeeratePerKw;
  readonly spikedFeerate: FeeratePerKw;
  /** HTLCs with an output. */
  readonly untrimmed: number;
  /** Those that would still have one at the spiked feerate. */
  readonly spikedUntrimmed: number;
  /**
   * Of `untrimmed` and `spikedUntrimmed` those that the peer offered, which only we can end, and what ours would give
   * it.
   */
  readonly kept: { readonly present: KeptOutputs; readonly spiked: KeptOutputs };
  /** What would go to miners if this commitment confirmed: see `loadOf`. */
  readonly exposure: Msat;
  /** By how much one more HTLC with an output raises the exposure. */
  readonly exposurePerHtlc: Msat;
  readonly thresholds: Readonly<Record<HtlcDirection, TrimThresholds>>;
}

/** Outputs of HTLCs, by who may end them. */
export interface KeptOutputs {
  /** HTLCs that the peer offered. */
  readonly offered: number;
  /** The sum of those that we offered. */
  readonly ours: Msat;
}

/** Of which commitment, and at which feerate, the load is asked. */
export interface LoadTerms {
  readonly params: ChannelParams;
  readonly side: Side;
  readonly feerate: FeeratePerKw;
  /** What the part of the feerate above it takes from the peer's commitment counts as exposure, too. */
  readonly exposureFeerate: FeeratePerKw | undefined;
}

/**
 * The load of `htlcs` on `side`'s commitment. Exposure (BOLT 2, "Bounding exposure to trimmed in-flight HTLCs") is the
 * sum of the HTLCs that are trimmed, or will be after the feerate has risen by 2,530 sat/kW or a quarter, whichever is
 * more; on the peer's commitment plus the fees that its feerate pays beyond `exposureFeerate`, since a peer that mines
 * gets them. As LDK reckons it.
 *
 * @ldk lightning::sign::tx_builder::get_dust_exposure_stats
 */
export function loadOf(terms: LoadTerms, htlcs: readonly SpecHtlc[]): CommitmentLoad {
  const { params, side, feerate, exposureFeerate = feerate } = terms;
  const format = formatOf(params.format);
  const spikedFeerate = times(feerate, format.feeSpikeMultiple);
  const bufferedFeerate = maxOf(plus(feerate, feeratePerKw(2530)), feeratePerKw((feerate * 5n) / 4n));
  const thresholds = {
    incoming: thresholdsOf("incoming"),
    outgoing: thresholdsOf("outgoing"),
  };
  const excess = side === "remote" ? minusOrZero(feerate, exposureFeerate) : feeratePerKw(0);
  let untrimmed = 0;
  let spikedUntrimmed = 0;
  const outputs = { present: { offered: 0, ours: zeroMsat }, spiked: { offered: 0, ours: zeroMsat } };
  let exposed: bigint = 0n;
  const kept = { incoming: 0, outgoing: 0 };
  for (const { direction, amount } of htlcs) {
    const { present, spiked, buffered } = thresholds[direction];
    if (amount >= present) untrimmed++;
    if (amount >= spiked) spikedUntrimmed++;
    if (amount >= present) keep(outputs.present, direction, amount);
    if (amount >= spiked) keep(outputs.spiked, direction, amount);
    if (amount < buffered) exposed += amount;
    else kept[direction]++;
  }
  const excessFee = excessFeeOf(kept.incoming, kept.outgoing);
  return {
    side,
    feerate,
    spikedFeerate,
    untrimmed,
    spikedUntrimmed,
    kept: outputs,
    exposure: plus(msat(exposed), excessFee),
    exposurePerHtlc: minusOrZero(excessFeeOf(kept.incoming, kept.outgoing + 1), excessFee),
    thresholds,
  };

  function thresholdsOf(direction: HtlcDirection): TrimThresholds {
    const { dustLimit } = ownerOf(params, side);
    const stage = stageOf(side, direction);
    const at = (rate: FeeratePerKw) => satToMsat(format.trimThreshold(stage, rate, dustLimit));
    return { present: at(feerate), spiked: at(spikedFeerate), buffered: at(bufferedFeerate) };
  }

  function excessFeeOf(incoming: number, outgoing: number): Msat {
    if (excess === 0n) return zeroMsat;
    const secondStage = plus(
      times(format.htlcFee(stageOf(side, "incoming"), excess), incoming),
      times(format.htlcFee(stageOf(side, "outgoing"), excess), outgoing),
    );
    return satToMsat(plus(format.commitmentFee(excess, incoming + outgoing), secondStage));
  }
}

function keep(outputs: { offered: number; ours: Msat }, direction: HtlcDirection, amount: Msat): void {
  if (direction === "incoming") outputs.offered++;
  else outputs.ours = plus(outputs.ours, amount);
}

/** What the opener pays: the fee of a commitment with `untrimmed` HTLC outputs, and the anchors. */
export function openerCost(format: CommitmentFormat, feerate: FeeratePerKw, untrimmed: number): Msat {
  return satToMsat(plus(format.anchorsCost, format.commitmentFee(feerate, untrimmed)));
}

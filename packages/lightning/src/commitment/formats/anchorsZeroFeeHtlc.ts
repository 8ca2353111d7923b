import { sighashAnyoneCanPay, sighashSingle } from "@fulmen/bitcoin/sighash";
import { feeOf, sat, times, zeroSat } from "../../util/units.ts";
import type { CommitmentFormat } from "../format.ts";
import {
  anchorScript,
  delayedToRemoteScript,
  scriptHashOutput,
  segwitHtlcScripts,
  toLocalScript,
} from "./segwitScripts.ts";

const weights = { commitment: 1124, htlcOutput: 172, htlcTimeout: 666, htlcSuccess: 706 };
const anchorValue = sat(330);

/**
 * The commitments of BOLT 3 with `option_anchors`: each side can raise the commitment's fee by spending its anchor,
 * and second-stage transactions carry no fee but take further inputs and outputs, as the peer signs one input and
 * one output of them only.
 */
export const anchorsZeroFeeHtlc: CommitmentFormat = {
  name: "anchors-zero-fee-htlc",
  weights,
  version: 2,
  feerateBasis: "relay",
  maxAcceptedHtlcs: 483,
  anchorsCost: times(anchorValue, 2),
  feeSpikeMultiple: 1,
  toRemoteSequence: 1,
  htlcSequence: 1,
  htlcSighashType: sighashSingle | sighashAnyoneCanPay,

  commitmentFee: (feerate, untrimmed) => feeOf(feerate, weights.commitment + weights.htlcOutput * untrimmed),
  htlcFee: () => zeroSat,
  trimThreshold: (_stage, _feerate, dustLimit) => dustLimit,

  toLocal: (keys, toSelfDelay) => scriptHashOutput(toLocalScript(keys, toSelfDelay)),
  toRemote: ({ otherPayment }) => scriptHashOutput(delayedToRemoteScript(otherPayment)),
  anchor: (fundingKey) => ({ value: anchorValue, ...scriptHashOutput(anchorScript(fundingKey)) }),
  sharedAnchor: () => undefined,
  htlcScripts: (keys) => segwitHtlcScripts(keys, true),
};

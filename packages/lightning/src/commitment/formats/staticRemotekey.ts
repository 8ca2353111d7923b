import { p2wpkhOf } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { feeOf, plus, zeroSat } from "../../util/units.ts";
import type { CommitmentFormat } from "../format.ts";
import { scriptHashOutput, segwitHtlcScripts, toLocalScript } from "./segwitScripts.ts";

const weights = { commitment: 724, htlcOutput: 172, htlcTimeout: 663, htlcSuccess: 703 };

/** The commitments of BOLT 3 without `option_anchors`: fees of both stages are fixed when they are signed. */
export const staticRemotekey: CommitmentFormat = {
  name: "static-remotekey",
  weights,
  version: 2,
  feerateBasis: "full",
  maxAcceptedHtlcs: 483,
  anchorsCost: zeroSat,
  feeSpikeMultiple: 2,
  toRemoteSequence: 0xffff_fffd,
  htlcSequence: 0,
  htlcSighashType: sighashAll,

  commitmentFee: (feerate, untrimmed) => feeOf(feerate, weights.commitment + weights.htlcOutput * untrimmed),
  htlcFee: (stage, feerate) =>
    feeOf(feerate, stage === "timeout" ? weights.htlcTimeout : weights.htlcSuccess),
  trimThreshold: (stage, feerate, dustLimit) => plus(dustLimit, staticRemotekey.htlcFee(stage, feerate)),

  toLocal: (keys, toSelfDelay) => scriptHashOutput(toLocalScript(keys, toSelfDelay)),
  toRemote: ({ otherPayment }) => ({ script: p2wpkhOf(otherPayment) }),
  anchor: () => undefined,
  sharedAnchor: () => undefined,
  htlcScripts: (keys) => segwitHtlcScripts(keys, false),
};

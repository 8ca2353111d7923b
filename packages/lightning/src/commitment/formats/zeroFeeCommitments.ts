import { p2a, p2wpkhOf } from "@fulmen/bitcoin/script";
import { sighashAnyoneCanPay, sighashSingle } from "@fulmen/bitcoin/sighash";
import { minOf, sat, zeroSat } from "../../util/units.ts";
import type { CommitmentFormat } from "../format.ts";
import { scriptHashOutput, segwitHtlcScripts, toLocalScript } from "./segwitScripts.ts";

/** From here on the shared anchor is no dust: before, a transaction that has it must not pay a fee of its own. */
const anchorDustLimit = sat(240);

/**
 * The commitments of `zero_fee_commitments` (BOLT 3 as of lightning/bolts pull request 1228): transactions of version 3
 * (BIP 431) without a fee. Who wants one confirmed spends its shared anchor, which anyone may do, in a package with it.
 * Nothing needs a delay of a block: version 3 lets an unconfirmed commitment have one small child only, which any
 * better one replaces.
 */
export const zeroFeeCommitments: CommitmentFormat = {
  name: "zero-fee-commitments",
  weights: { commitment: 776, htlcOutput: 172, htlcTimeout: 663, htlcSuccess: 703 },
  version: 3,
  feerateBasis: "none",
  // A commitment with so many of each side has just less than the 40,000 weight units of a version 3 transaction.
  maxAcceptedHtlcs: 114,
  anchorsCost: zeroSat,
  feeSpikeMultiple: 1,
  toRemoteSequence: 0xffff_fffd,
  htlcSequence: 0,
  htlcSighashType: sighashSingle | sighashAnyoneCanPay,

  commitmentFee: () => zeroSat,
  htlcFee: () => zeroSat,
  trimThreshold: (_stage, _feerate, dustLimit) => dustLimit,

  toLocal: (keys, toSelfDelay) => scriptHashOutput(toLocalScript(keys, toSelfDelay)),
  toRemote: ({ otherPayment }) => ({ script: p2wpkhOf(otherPayment) }),
  anchor: () => undefined,
  sharedAnchor: (rest) => ({ value: minOf(rest(), anchorDustLimit), script: p2a() }),
  htlcScripts: (keys) => segwitHtlcScripts(keys, false),
};

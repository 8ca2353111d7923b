export { availableToSend, type SendableRange } from "./balances.ts";
export {
  type BuiltCommitment,
  type BuiltHtlc,
  type BuiltOutput,
  buildCommitment,
  type CommitmentTerms,
} from "./build.ts";
export {
  type BuiltClosing,
  buildClosingTransaction,
  type ClosingRefusal,
  type ClosingTerms,
  closingWeight,
} from "./closing.ts";
export type {
  ActiveFunding,
  Commitments,
  FeeUpdate,
  HtlcSignature,
  LocalCommitment,
  SignedCommitment,
} from "./commitments.ts";
export type {
  CommitmentFormat,
  FeerateBasis,
  FormatWeights,
  HtlcScripts,
  OutputScript,
  ScriptHashOutput,
  SecondStage,
} from "./format.ts";
export { formatNames, formatOf } from "./formats/formatOf.ts";
export { type FundingOutput, fundingScript } from "./funding.ts";
export { type Htlc, type HtlcDirection, type HtlcInterval, type HtlcRemoval, htlcKey } from "./htlc.ts";
export { type HtlcState, type HtlcStateFacts, htlcStates } from "./htlcState.ts";
export { type CommitmentKeys, commitmentKeys, type Side } from "./keys.ts";
export {
  acceptIncomingHtlc,
  checkIncomingAdd,
  checkIncomingFee,
  checkOutgoingAdd,
  checkOutgoingFee,
  type FeerateBounds,
  type LimitsContext,
} from "./limits.ts";
export type { LimitViolation } from "./limitViolation.ts";
export { obscuredNumber, readObscuredNumber } from "./obscuredNumber.ts";
export type { Basepoints, ChannelParams, FormatName, PartyParams } from "./params.ts";
export { stageOf } from "./placeOutputs.ts";
export { type RemoteOutput, remoteOutputs } from "./remoteOutputs.ts";
export {
  closingSighash,
  commitmentSighash,
  fundingWitness,
  type HtlcSignatures,
  htlcSighash,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  ownHtlcSighash,
  withWitness,
} from "./signatures.ts";
export { type CommitmentSpec, type SpecHtlc, specOf } from "./spec.ts";

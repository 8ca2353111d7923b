export {
  type AttributionReading,
  attribute,
  attributionBytes,
  attributionDataLength,
  attributionFields,
  readFulfillAttribution,
} from "./attribution.ts";
export {
  amountToForward,
  type BlindedForwardData,
  type BlindedNextHop,
  type BlindedReceiveData,
  blindedForwardTerms,
  type EncryptedData,
  encodeEncryptedData,
  type InvalidBlindedData,
  keepsConstraints,
  type PaymentConstraints,
  type PaymentRelay,
  padEncryptedData,
  readBlindedForward,
  readBlindedReceive,
} from "./blindedData.ts";
export {
  type BlindedHop,
  type BlindedPath,
  type BlindedPayInfo,
  type BlindedPaymentPath,
  blindHops,
  type HopToBlind,
  type IntroductionNode,
  type UnblindedHop,
  type UnblindRequest,
  unblindHop,
} from "./blindedPath.ts";
export {
  aggregatePayInfo,
  type BlindedPathRefusal,
  type BlindedPaymentPathPlan,
  createBlindedPaymentPath,
  decodePaymentPathId,
  encodePaymentPathId,
  maxDummyHops,
  type PaymentForwardNode,
  type PaymentPathId,
} from "./blindedPaymentPath.ts";
export {
  createFailure,
  type DecodedFailure,
  decodeFailure,
  type FailureReport,
  failureOfMalformed,
  failureOfPayload,
  type MalformedOnion,
  malformedOnion,
} from "./failure.ts";
export { type FailurePacket, unwrapReason, wrapFailurePacket } from "./failurePacket.ts";
export {
  type BlindedFinalPayload,
  type BlindedForwardPayload,
  customTlvStart,
  decodeHopPayload,
  encodeHopPayload,
  type FinalPayload,
  type ForwardPayload,
  type HopPayload,
  type InvalidPayload,
  type PayloadContext,
  type TrampolineEntryPayload,
  type TrampolineForwardPayload,
  type TrampolineToBlindedPathsPayload,
} from "./hopPayload.ts";
export {
  largeMessagePayloadsLength,
  paymentPacketLength,
  paymentPayloadsLength,
} from "./onionPacket.ts";
export {
  type BlindedOnionTail,
  type BuiltPaymentOnion,
  buildPaymentOnion,
  onionOf,
  type PaymentHop,
  type PaymentOnionPlan,
  paymentPayloads,
  type RecipientFields,
} from "./paymentOnion.ts";
export {
  type BadOnion,
  type BadPayloadLength,
  nextPacketOf,
  type PeeledOnion,
  type PeelRequest,
  peelOnion,
} from "./peel.ts";
export {
  type BuiltOnion,
  buildOnion,
  type OnionHop,
  type OnionPlan,
  type OnionTooLarge,
  onionPayloadSize,
  pathSecrets,
} from "./sphinx.ts";
export { buildTrampolineOnion, type TrampolineHop, type TrampolineOnionPlan } from "./trampolineOnion.ts";

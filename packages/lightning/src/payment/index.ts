export {
  createInboundPayment,
  createInboundPaymentForHash,
  expandInboundPaymentKey,
  type InboundPaymentKeys,
  type InboundPaymentRefusal,
  type InboundPaymentTerms,
  type InboundTermsRefusal,
  type ReceivedPart,
  type VerifiedInboundPayment,
  verifyInboundPayment,
} from "./inboundPayment.ts";

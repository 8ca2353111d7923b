export {
  createInboundPayment,
  createInboundPaymentForHash,
  expandInboundPaymentKey,
  type InboundPayment,
  type InboundPaymentKeys,
  type InboundPaymentRefusal,
  type InboundPaymentTerms,
  type InboundTermsRefusal,
  type InvoiceClaim,
  type PreimageRefusal,
  paymentPreimageOf,
  type ReceivedPart,
  type VerifiedInboundPayment,
  verifyInboundPayment,
} from "./inboundPayment.ts";
export type { OutboundPayment, PaymentTerms, Retry } from "./outboundPayment.ts";
export type { RecentPaymentDetails } from "./outboundPayments.ts";
export { checkedRecipientFields, type RecipientOnionFields } from "./recipientOnion.ts";

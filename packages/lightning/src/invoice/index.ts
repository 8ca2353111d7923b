export {
  encodeInvoice,
  prepareInvoice,
  type RecoverableSignature,
  type UnsignedInvoice,
} from "./encodeInvoice.ts";
export {
  defaultInvoiceExpiry,
  defaultMinFinalCltvExpiryDelta,
  type Invoice,
  type InvoiceDescription,
  type InvoiceFields,
  invoiceExpiresAt,
  maxInvoiceLength,
  type OtherField,
  type RouteHintHop,
} from "./invoice.ts";
export { parseInvoice } from "./parseInvoice.ts";
export type { InvoiceRefusal, InvoiceTooLarge } from "./refusal.ts";

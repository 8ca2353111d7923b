import type { NetworkName } from "@fulmen/bitcoin/network";
import type { Bytes32, Signature } from "../util/bytes.ts";
import type { NodeId, PaymentHash, ShortChannelId, UnixSeconds } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { Features } from "../wire/features.ts";

/** Most characters of an invoice: what a QR code of upper-case letters and digits can hold. */
export const maxInvoiceLength = 7089;
/** Seconds until an invoice without an `x` field expires (BOLT 11). */
export const defaultInvoiceExpiry = 3600;
/** Blocks that the last HTLC's expiry lies ahead at least, without a `c` field (BOLT 11). */
export const defaultMinFinalCltvExpiryDelta = 18;

/** One channel of a route hint, and what it costs to pass it. */
export interface RouteHintHop {
  /** The node at the channel's start. */
  readonly nodeId: NodeId;
  readonly shortChannelId: ShortChannelId;
  readonly feeBase: Msat;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** What the payment is for: in words, or the SHA-256 of words that are found elsewhere. */
export type InvoiceDescription =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "hash"; readonly hash: Bytes32 };

/** A field that was not understood: skipped when paying, written again when encoding. */
export interface OtherField {
  /** Its bech32 letter. */
  readonly tag: string;
  /** Five bits each, at most 1,023. */
  readonly words: Uint8Array;
}

/** What a payee states in an invoice: BOLT 11. */
export interface InvoiceFields {
  /** Of networks that share a prefix, as `testnet` and `testnet4` do, the first: an invoice cannot tell them apart. */
  readonly network: NetworkName;
  /** Left to the payer when absent; never zero. */
  readonly amount?: Msat;
  /** Below 2^35. */
  readonly timestamp: UnixSeconds;
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: Bytes32;
  /** The payee's words: show them through `printable` only. */
  readonly description: InvoiceDescription;
  /** Seconds from the timestamp. */
  readonly expirySeconds: number;
  /** Blocks. */
  readonly minFinalCltvExpiryDelta: number;
  /** The payee as the `n` field names it; without that field the signature tells. */
  readonly namedPayee?: NodeId;
  /** On-chain addresses, the preferred first. */
  readonly fallbackAddresses: readonly string[];
  /** Ways to the payee through channels that are not public, the preferred first. */
  readonly routeHints: readonly (readonly RouteHintHop[])[];
  readonly features: Features;
  /** To be given back in `payment_metadata`. */
  readonly metadata?: Uint8Array;
  readonly otherFields: readonly OtherField[];
}

/** A signed invoice. @ldk lightning_invoice::Bolt11Invoice */
export interface Invoice extends InvoiceFields {
  /** Who is paid: the key that signed. */
  readonly payee: NodeId;
  readonly signature: Signature;
  /** 0..3; with it the key is found from the signature. */
  readonly recoveryId: number;
}

/** The first second at which the invoice should not be paid any more. */
export function invoiceExpiresAt({ timestamp, expirySeconds }: InvoiceFields): UnixSeconds {
  return (timestamp + expirySeconds) as UnixSeconds;
}

import type { FeatureName } from "../wire/featureTable.ts";

/** Why a text is no invoice that can be paid. */
export type InvoiceRefusal =
  /** More than 7,089 characters, the most that a QR code holds. */
  | { readonly kind: "too-long"; readonly length: number }
  /** Not bech32: a bad character, mixed case, no separator, or a wrong checksum. */
  | { readonly kind: "not-bech32" }
  /** Not one of `lnbc`, `lntb`, `lntbs`, `lnbcrt`. */
  | { readonly kind: "unknown-network"; readonly prefix: string }
  /** The amount has a wrong form, is zero or too large, or divides a millisatoshi. */
  | { readonly kind: "invalid-amount"; readonly amount: string }
  /** Too short to hold a timestamp and a signature. */
  | { readonly kind: "too-short" }
  /** A tagged field, by its letter, is not what BOLT 11 says it is. */
  | { readonly kind: "invalid-field"; readonly field: string; readonly reason: string }
  /** `p`: no payment hash; `s`: no payment secret; `d`: no description and no hash of one. */
  | { readonly kind: "missing-field"; readonly field: "p" | "s" | "d" }
  /** Both `d` and `h`. */
  | { readonly kind: "two-descriptions" }
  /** The payee requires features that this kit does not know. */
  | { readonly kind: "unknown-features"; readonly bits: readonly number[] }
  /** A feature is set without one that it needs. */
  | { readonly kind: "missing-feature"; readonly feature: FeatureName; readonly needs: FeatureName }
  /** The signature fits no key, or not the key in `n`, or has a high S beside an `n`. */
  | { readonly kind: "invalid-signature" };

/** Why an invoice cannot be written. */
export type InvoiceTooLarge =
  /** A field, by its letter, is longer than the 639 bytes that it may have. */
  | { readonly kind: "field-too-long"; readonly field: string }
  /** More than 7,089 characters in all. */
  | { readonly kind: "too-long"; readonly length: number };

import type { TlvRecord } from "../codec/tlv.ts";
import { customTlvStart } from "../onion/index.ts";
import { err, ok, type Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";

/** What the recipient is told besides amount and expiry. @ldk lightning::ln::outbound_payment::RecipientOnionFields */
export interface RecipientOnionFields {
  /** The invoice's secret, 32 bytes; absent from a spontaneous payment of one part. */
  readonly paymentSecret?: Uint8Array;
  /** The invoice's metadata, given back. */
  readonly paymentMetadata?: Uint8Array;
  /** Types from 65,536 on, rising. An even one asks that the recipient understands it. */
  readonly customTlvs?: readonly TlvRecord[];
  /**
   * What all payers of this payment together bring, when others pay the rest of it. Default: what this payment brings.
   *
   * @ldk OptionalBolt11PaymentParams::declared_total_mpp_value_override
   */
  readonly declaredTotalMppValue?: Msat;
}

/** What cannot be told to a recipient. */
export interface RecipientFieldsRefusal {
  readonly kind: "invalid-recipient-fields";
  readonly text: string;
}

/** `keysend_preimage` (bLIP 3), and `invoice_request` for asynchronous payments: the kit's own to set. */
const reserved: readonly bigint[] = [5_482_373_484n, 77_777n];

/**
 * The fields with their custom records in order; refused when a record is of a type below 65,536, one that the kit
 * sets itself, or comes twice.
 *
 * @ldk RecipientOnionFields::with_custom_tlvs
 */
export function checkedRecipientFields(
  fields: RecipientOnionFields,
): Result<RecipientOnionFields, RecipientFieldsRefusal> {
  const refuse = (text: string): Result<RecipientOnionFields, RecipientFieldsRefusal> =>
    err({ kind: "invalid-recipient-fields", text });
  const { paymentSecret, customTlvs = [] } = fields;
  if (paymentSecret !== undefined && paymentSecret.length !== 32) {
    return refuse(`a payment secret of ${paymentSecret.length} bytes: it must be of 32`);
  }
  const inOrder = customTlvs.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
  for (const [i, { type }] of inOrder.entries()) {
    if (type < customTlvStart) return refuse(`a custom record of type ${type}: use types from 65,536 on`);
    if (type > 0xffff_ffff_ffff_ffffn)
      return refuse(`a custom record of type ${type}: it must be below 2^64`);
    if (reserved.includes(type))
      return refuse(`a custom record of type ${type}, which has a meaning already`);
    if (inOrder[i - 1]?.type === type) return refuse(`two custom records of type ${type}`);
  }
  const { customTlvs: _, ...others } = fields;
  return ok(inOrder.length > 0 ? { ...others, customTlvs: inOrder } : others);
}

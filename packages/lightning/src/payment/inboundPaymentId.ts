import { crypto, hkdfExpand, hkdfExtract } from "@fulmen/bitcoin/crypto";
import type { HtlcRef } from "../channel/disposition.ts";
import { Writer } from "../codec/writer.ts";
import { fromHex, noBytes } from "../util/bytes.ts";
import { type PaymentId, paymentIdOf } from "../util/ids.ts";
import { Secret } from "../util/secret.ts";

/** The key of `inboundPaymentId`, from `NodeSigner.inboundPaymentKey`. */
export function inboundPaymentIdKey(inboundPaymentKey: Uint8Array): Secret {
  const salt = Uint8Array.from("Fulmen inbound payment ids", (letter) => letter.charCodeAt(0));
  return new Secret(hkdfExpand(hkdfExtract(salt, inboundPaymentKey), noBytes, 32));
}

/**
 * Names a payment to us by its HTLCs, whatever their order: an invoice may be paid twice, and nobody but us can tell
 * the name before.
 *
 * @ldk PaymentId::for_inbound_from_htlcs
 */
export function inboundPaymentId(key: Secret, parts: readonly HtlcRef[]): PaymentId {
  const sorted = [...parts].sort((a, b) => {
    if (a.channelId !== b.channelId) return a.channelId < b.channelId ? -1 : 1;
    return a.htlcId < b.htlcId ? -1 : 1;
  });
  const writer = new Writer(40 * sorted.length);
  for (const { channelId, htlcId } of sorted) writer.bytes(fromHex(channelId)).u64(htlcId);
  return paymentIdOf(crypto().hmacSha256(key.expose(), writer.finish()));
}

import { crypto } from "@fulmen/bitcoin/crypto";
import type { Event } from "../handlers/event.ts";
import { concatBytes, fromHex } from "../util/bytes.ts";
import { type PaymentHash, type PaymentId, paymentHashOf } from "../util/ids.ts";
import type { Blame } from "./blame.ts";
import { type LocalSource, PartsInFlight } from "./inFlightParts.ts";

/**
 * The node's secret by which it knows its probes again, from the signer's 32 bytes (`NodeSigner.inboundPaymentKey`).
 */
export function probeSecretOf(inboundPaymentKey: Uint8Array): Uint8Array {
  const info = Uint8Array.from("probing cookie", (letter) => letter.charCodeAt(0));
  return crypto().hmacSha256(inboundPaymentKey, info);
}

/**
 * HTLCs that nobody can claim, sent to learn whether a path carries an amount: the one who could is at its end, and
 * says that he knows no such payment. Nothing is stored for them: the payment hash itself tells that one is a probe.
 *
 * @ldk lightning::ln::outbound_payment::payment_is_probe
 */
export class Probes {
  /** Those under way. */
  readonly inFlight = new PartsInFlight();
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** `SHA256(secret | id)`: its preimage is 64 bytes long, no HTLC's. @ldk probing_cookie_from_id */
  paymentHash(paymentId: PaymentId): PaymentHash {
    return paymentHashOf(crypto().sha256(concatBytes(this.#secret, fromHex(paymentId))));
  }

  isProbe(paymentId: PaymentId, paymentHash: PaymentHash): boolean {
    return this.paymentHash(paymentId) === paymentHash;
  }

  /** What there is to tell of a probe that came back. */
  endOf(source: LocalSource, blame: Blame): Event {
    const { paymentId, path, amount } = source;
    const named = { paymentId, paymentHash: this.paymentHash(paymentId), path, finalValue: amount };
    if (blame.reachedRecipient) return { kind: "probe-successful", ...named };
    const { shortChannelId, networkUpdate } = blame;
    return {
      kind: "probe-failed",
      ...named,
      ...(shortChannelId !== undefined && { shortChannelId }),
      ...(networkUpdate && { networkUpdate }),
    };
  }
}

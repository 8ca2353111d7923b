import {
  type BadOnion,
  decodeHopPayload,
  type FinalPayload,
  type ForwardPayload,
  failureOfPayload,
  type MalformedOnion,
  malformedOnion,
  peelOnion,
} from "../onion/index.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import type { PaymentHash } from "../util/ids.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";

/** An HTLC's onion as it came. */
export interface IncomingOnion {
  readonly packet: Uint8Array;
  readonly paymentHash: PaymentHash;
  /** `path_key` of `update_add_htlc`: the peer reached us by a blinded id. */
  readonly pathKey: Point | undefined;
  /** SHA-256 of the node's private key times the point. */
  readonly ecdh: (point: Point) => Uint8Array;
}

/** What the onion says is to become of its HTLC. `sharedSecret` encrypts what goes back to the payer. */
export type OnionReading =
  | {
      readonly kind: "forward";
      readonly sharedSecret: Uint8Array;
      readonly payload: ForwardPayload;
      /** For the next node. */
      readonly nextPacket: Uint8Array;
    }
  | { readonly kind: "receive"; readonly sharedSecret: Uint8Array; readonly payload: FinalPayload }
  /** The payer is told why. */
  | { readonly kind: "fail"; readonly sharedSecret: Uint8Array; readonly failure: FailureMessage }
  /** Only the peer can be told: `update_fail_malformed_htlc`. */
  | { readonly kind: "malformed"; readonly malformed: MalformedOnion; readonly reason: BadOnion["failure"] };

/**
 * Takes off our layer of an HTLC's onion and reads it (BOLT 4, "Accepting and Forwarding a Payment"). Amounts and
 * expiries are compared with the HTLC's elsewhere.
 *
 * @ldk lightning::ln::onion_payment::decode_incoming_update_add_htlc_onion
 */
export function readIncomingOnion({ packet, paymentHash, pathKey, ecdh }: IncomingOnion): OnionReading {
  const peeled = peelOnion({
    packet,
    associatedData: fromHex(paymentHash),
    ecdh,
    ...(pathKey && { pathKey }),
  });
  if (!peeled.ok) {
    const { error } = peeled;
    if (error.kind === "bad-onion") {
      return { kind: "malformed", malformed: malformedOnion(error), reason: error.failure };
    }
    return fail(error.sharedSecret, failureOfPayload({ type: 0n, offset: 0 }));
  }
  const { payload, nextPacket, sharedSecret } = peeled.value;
  const context = { isFinal: nextPacket === undefined, hasPathKey: pathKey !== undefined };
  const decoded = decodeHopPayload(payload, context);
  if (!decoded.ok) return fail(sharedSecret, failureOfPayload(decoded.error));
  switch (decoded.value.kind) {
    case "forward":
      // Without a next packet the payload would have been read as a final one.
      return nextPacket === undefined
        ? fail(sharedSecret, failureOfPayload({ type: 0n, offset: 0 }))
        : { kind: "forward", sharedSecret, payload: decoded.value, nextPacket };
    case "final":
      return { kind: "receive", sharedSecret, payload: decoded.value };
    case "blinded-forward":
    case "blinded-final":
      // We hand out no blinded paths: nobody but us could have made one that leads here.
      return fail(sharedSecret, failureOfPayload({ type: 10n, offset: 0 }));
  }
}

function fail(sharedSecret: Uint8Array, failure: FailureMessage): OnionReading {
  return { kind: "fail", sharedSecret, failure };
}

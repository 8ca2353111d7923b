import { DecodeError } from "../codec/decodeError.ts";
import { Writer } from "../codec/writer.ts";
import type { UpdateFailMalformedHtlc } from "../wire/commitment.ts";
import {
  decodeFailureMessage,
  encodeFailureMessage,
  type FailureMessage,
  failureCodeOf,
  failureFlags,
} from "../wire/failureCodes.ts";
import { createFailurePacket, type FailurePacket, openFailurePacket } from "./failurePacket.ts";
import type { InvalidPayload } from "./hopPayload.ts";
import type { BadOnion } from "./peel.ts";

/** What `update_fail_malformed_htlc` tells besides the HTLC. */
export type MalformedOnion = Pick<UpdateFailMalformedHtlc, "sha256OfOnion" | "failureCode">;

/**
 * `failure` on its way back from this node. `holdTime` in units of 100 milliseconds; `undefined` leaves out attribution
 * data.
 */
export function createFailure(
  failure: FailureMessage,
  { sharedSecret, holdTime }: { readonly sharedSecret: Uint8Array; readonly holdTime: number | undefined },
): FailurePacket {
  return createFailurePacket({ sharedSecret, holdTime, message: encodeFailureMessage(failure) });
}

/** What the origin of a payment learns when it failed. `hop` counts the nodes of the path from 0, the first peer. */
export type DecodedFailure =
  /** That node says why. */
  | { readonly kind: "failed"; readonly hop: number; readonly failure: FailureMessage }
  /** That node failed it, and its message makes no sense. */
  | { readonly kind: "unreadable"; readonly hop: number }
  /**
   * Somebody garbled the packet. `suspect`: the first node whose attribution does not fit; it, or the one before it.
   */
  | { readonly kind: "undecodable"; readonly suspect: number | undefined };

/** A decoded failure, and how long the nodes held the payment. */
export interface FailureReport {
  readonly outcome: DecodedFailure;
  /** In units of 100 milliseconds, from the first node as far as attribution goes. */
  readonly holdTimes: readonly number[];
}

/**
 * Reads a failure at the payment's origin, in a time that does not tell which node failed: BOLT 4, "Origin node".
 * `attributable`: how many hops, from the first, may add attribution data; those behind the introduction node of a
 * blinded path do not.
 *
 * @ldk lightning::ln::onion_utils::process_onion_failure
 */
export function decodeFailure(
  packet: FailurePacket,
  sharedSecrets: readonly Uint8Array[],
  attributable: number = sharedSecrets.length,
): FailureReport {
  const { origin, attribution } = openFailurePacket(packet, sharedSecrets, attributable);
  const holdTimes = attribution?.holdTimes ?? [];
  if (origin === undefined) {
    const isVouchedFor = holdTimes.length === attributable && attributable > 0;
    // All nodes attest the packet as it is, so that it was the last of them that sent it like this.
    if (isVouchedFor) return { outcome: { kind: "unreadable", hop: attributable - 1 }, holdTimes };
    return { outcome: { kind: "undecodable", suspect: attribution?.failedAt }, holdTimes };
  }
  const failure = origin.message && readable(origin.message);
  const { hop } = origin;
  return {
    outcome: failure === undefined ? { kind: "unreadable", hop } : { kind: "failed", hop, failure },
    holdTimes,
  };
}

/** What to tell the peer that handed us an onion which cannot be read. */
export function malformedOnion({ failure, sha256OfOnion }: BadOnion): MalformedOnion {
  return { failureCode: failureCodeOf({ type: failure, sha256OfOnion }), sha256OfOnion };
}

/**
 * What to return to the origin when the next node could not read its onion (BOLT 2, "Removing an HTLC"); `undefined`
 * when the code lacks BADONION, which a peer must not send.
 */
export function failureOfMalformed({
  failureCode,
  sha256OfOnion,
}: MalformedOnion): FailureMessage | undefined {
  if ((failureCode & failureFlags.badOnion) === 0) return undefined;
  return decodeFailureMessage(new Writer().u16(failureCode).bytes(sha256OfOnion).finish());
}

/** What to return to the origin for a payload that breaks a rule; not for a blinded one. */
export function failureOfPayload({ type, offset }: Pick<InvalidPayload, "type" | "offset">): FailureMessage {
  return { type: "invalid_onion_payload", tlvType: type, offset: Math.min(offset, 0xffff) };
}

function readable(message: Uint8Array): FailureMessage | undefined {
  try {
    return decodeFailureMessage(message);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

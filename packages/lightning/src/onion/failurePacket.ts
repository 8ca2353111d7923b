import { crypto } from "@fulmen/bitcoin/crypto";
import { DecodeError } from "../codec/decodeError.ts";
import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import { concatBytes, equalSecrets } from "../util/bytes.ts";
import { invariant, present } from "../util/invariant.ts";
import {
  AttributionReader,
  type AttributionReading,
  attribute,
  attributionDataLength,
} from "./attribution.ts";
import { applyStream, onionKey } from "./onionKeys.ts";

/** Bytes to which failure messages are padded: BOLT 4, "Erring node". */
const paddedFailureLength = 256;
/** Layers that the origin takes off whatever it finds: BOLT 4, "Origin node". */
const decodingRounds = 27;
/** What an `update_fail_htlc` has besides its reason, and besides the attribution data that may follow. */
const fieldsLength = 2 + 32 + 8 + 2;
/** Longest `reason` of an `update_fail_htlc`, which is a message of 65,535 bytes then. */
const maxReason = 0xffff - fieldsLength;
/** Longest failure code and data together that a packet carries: both lengths and the HMAC are beside them. */
const maxFailureLength = maxReason - (32 + 2 + 2);
/** Longest `reason` beside which attribution data still fits into an `update_fail_htlc` of 65,535 bytes. */
const maxAttributedReason = maxReason - (1 + 3 + attributionDataLength);

/** What `update_fail_htlc` carries back to the origin. */
export interface FailurePacket {
  readonly reason: Uint8Array;
  /** Present when attribution is in use. */
  readonly attribution: Uint8Array | undefined;
}

/** What the erring node returns. */
export interface FailureOrigin {
  readonly sharedSecret: Uint8Array;
  /** The failure code and its data: at most `maxFailureLength` bytes. */
  readonly message: Uint8Array;
  /** How long the HTLC was held, in units of 100 milliseconds; `undefined` leaves out attribution data. */
  readonly holdTime: number | undefined;
  /** Least length of message and padding together: 256 unless told. */
  readonly paddedLength?: number;
}

/**
 * The packet of the node at which a payment failed: BOLT 4, "Erring node".
 *
 * @ldk lightning::ln::onion_utils::build_failure_packet
 */
export function createFailurePacket(origin: FailureOrigin): FailurePacket {
  const { sharedSecret, message, holdTime, paddedLength = paddedFailureLength } = origin;
  invariant(message.length <= maxFailureLength, `a failure of ${message.length} bytes`);
  const padding = Math.max(0, paddedLength - message.length);
  const body = new Writer(message.length + padding + 4)
    .u16(message.length)
    .bytes(message)
    .u16(padding)
    .bytes(new Uint8Array(padding))
    .finish();
  const hmac = crypto().hmacSha256(onionKey("um", sharedSecret), body);
  const clear: FailurePacket = { reason: concatBytes(hmac, body), attribution: undefined };
  return wrapFailurePacket(clear, { sharedSecret, holdTime });
}

/**
 * The packet that a node on the way passes upstream: BOLT 4, "Intermediate nodes". `holdTime` in units of 100
 * milliseconds; `undefined` leaves out attribution data, and so does a reason too long to stand beside it.
 */
export function wrapFailurePacket(
  { reason, attribution }: FailurePacket,
  { sharedSecret, holdTime }: { readonly sharedSecret: Uint8Array; readonly holdTime: number | undefined },
): FailurePacket {
  const attributed = holdTime !== undefined && reason.length <= maxAttributedReason;
  return {
    reason: applyStream(onionKey("ammag", sharedSecret), reason),
    attribution: attributed
      ? attribute({ sharedSecret, returnPacket: reason, holdTime, downstream: attribution })
      : undefined,
  };
}

/**
 * `reason` without the layers of a path: what the node at its end received from behind, when it made no failure itself
 * (BOLT 4, "Returning Errors", for trampoline payments).
 */
export function unwrapReason(reason: Uint8Array, sharedSecrets: readonly Uint8Array[]): Uint8Array {
  let inner = reason;
  for (const secret of sharedSecrets) inner = applyStream(onionKey("ammag", secret), inner);
  return inner;
}

/** What the origin reads from a failure packet. */
export interface OpenedFailurePacket {
  /**
   * The hop whose HMAC fits and what it said; `undefined` when none fits. `message` is too when its frame is broken.
   */
  readonly origin: { readonly hop: number; readonly message: Uint8Array | undefined } | undefined;
  /** `undefined` when there was no usable attribution data. */
  readonly attribution: AttributionReading | undefined;
}

/**
 * Takes off layer by layer, always 27 of them or as many as the path has, so that the time says nothing of which hop
 * failed: BOLT 4, "Origin node". `attributable`: how many hops, from the first, may add attribution data; those behind
 * the introduction node of a blinded path do not.
 *
 * @ldk lightning::ln::onion_utils::process_onion_failure
 */
export function openFailurePacket(
  { reason, attribution }: FailurePacket,
  sharedSecrets: readonly Uint8Array[],
  attributable: number = sharedSecrets.length,
): OpenedFailurePacket {
  const reader = new AttributionReader(attribution, attributable);
  let packet = reason;
  let origin: OpenedFailurePacket["origin"];
  const rounds = Math.max(decodingRounds, AttributionReader.rounds, sharedSecrets.length);
  for (let hop = 0; hop < rounds; hop++) {
    // Behind the path's end and behind the erring hop the same work is done for nothing, with keys of a constant.
    const real = hop < sharedSecrets.length;
    const secret = real ? present(sharedSecrets[hop], "shared secret") : new Uint8Array(32);
    packet = applyStream(onionKey("ammag", secret), packet);
    reader.next(hop, secret, { returnPacket: packet, counts: origin === undefined });
    const expected = crypto().hmacSha256(onionKey("um", secret), packet.subarray(32));
    const fits = equalSecrets(expected, packet.subarray(0, 32));
    if (fits && real && origin === undefined) origin = { hop, message: framedMessage(packet.subarray(32)) };
  }
  return { origin, attribution: reader.present ? reader.finish() : undefined };
}

function framedMessage(body: Uint8Array): Uint8Array | undefined {
  try {
    const reader = new Reader(body);
    return reader.bytes(reader.u16());
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

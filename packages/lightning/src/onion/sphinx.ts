import { crypto } from "@fulmen/bitcoin/crypto";
import { Writer } from "../codec/writer.ts";
import { type Bytes32, concatBytes, type Point } from "../util/bytes.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { applyStreamInPlace, onionKey, xorInto } from "./onionKeys.ts";
import { joinOnionPacket, paymentPayloadsLength } from "./onionPacket.ts";

/** What one node of a path is to read. */
export interface OnionHop {
  readonly nodeId: Point;
  /** The node's TLV stream, without the length that goes before it; 2 bytes at least. */
  readonly payload: Uint8Array;
}

/** What `buildOnion` makes a packet of. */
export interface OnionPlan {
  /** In the order of the path; at least one. */
  readonly hops: readonly OnionHop[];
  /** A fresh private key, used for this packet only. */
  readonly sessionKey: Uint8Array;
  /** Covered by every HMAC: the payment hash, or nothing for an onion message. */
  readonly associatedData: Uint8Array;
  /** Bytes of payloads, 1300 unless told. */
  readonly payloadsLength?: number;
}

/** A packet, what it was made of, and the secrets with which failures on the way back are read. */
export interface BuiltOnion {
  readonly packet: Uint8Array;
  /** One for each hop, in the order of the path. */
  readonly sharedSecrets: readonly Bytes32[];
}

/** The payloads do not fit: a route of too many hops, or a recipient's data of too many bytes. */
export interface OnionTooLarge {
  readonly kind: "onion-too-large";
  /** Bytes that the payloads need. */
  readonly needed: number;
  /** Bytes that there are. */
  readonly available: number;
}

/**
 * The packet for the first hop: BOLT 4, "Packet Construction".
 *
 * @ldk lightning::ln::onion_utils::create_payment_onion
 */
export function buildOnion(plan: OnionPlan): Result<BuiltOnion, OnionTooLarge> {
  const { hops, sessionKey, associatedData, payloadsLength = paymentPayloadsLength } = plan;
  if (hops.length === 0) throw new InvariantError("an onion without hops");
  const sizes = hops.map(({ payload }) => onionPayloadSize(payload.length));
  const needed = sizes.reduce((total, size) => total + size, 0);
  if (needed > payloadsLength) return err({ kind: "onion-too-large", needed, available: payloadsLength });

  const { ephemeralKey, sharedSecrets } = pathSecrets(
    sessionKey,
    hops.map(({ nodeId }) => nodeId),
  );
  const filler = buildFiller(sharedSecrets, sizes, payloadsLength);
  // What every HMAC covers; the payloads of each hop are made in the place of those behind it.
  const authenticated = new Uint8Array(payloadsLength + associatedData.length);
  authenticated.set(associatedData, payloadsLength);
  const payloads = authenticated.subarray(0, payloadsLength);
  // Starting from random bytes, not zeros, keeps the last node from learning the length of the path.
  applyStreamInPlace(onionKey("pad", sessionKey), payloads);
  let hmac: Uint8Array = new Uint8Array(32);
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = present(hops[i], "hop");
    const secret = present(sharedSecrets[i], "shared secret");
    wrapPayload(payloads, { payload: hop.payload, hmac, rho: onionKey("rho", secret) });
    if (i === hops.length - 1) payloads.set(filler, payloadsLength - filler.length);
    hmac = crypto().hmacSha256(onionKey("mu", secret), authenticated);
  }
  return ok({
    packet: joinOnionPacket({ version: 0, publicKey: ephemeralKey, payloads, hmac }),
    sharedSecrets,
  });
}

/** Bytes that a payload of `length` bytes takes up in an onion: its length, itself and an HMAC. */
export function onionPayloadSize(length: number): number {
  return (length < 0xfd ? 1 : length < 0x1_0000 ? 3 : 5) + length + 32;
}

/**
 * The secret shared with each node of `path`, the ephemeral key being blinded from hop to hop:
 * BOLT 4, "Blinding Ephemeral Onion Keys". The origin finds them again from its session key.
 *
 * @ldk lightning::ln::onion_utils::construct_onion_keys
 */
export function pathSecrets(
  sessionKey: Uint8Array,
  path: readonly Point[],
): { readonly ephemeralKey: Point; readonly sharedSecrets: readonly Bytes32[] } {
  const { ecdh, publicKey, scalarMultiply } = crypto();
  const ephemeralKey = publicKey(sessionKey) as Point;
  const sharedSecrets: Bytes32[] = [];
  let key = sessionKey;
  let point: Uint8Array = ephemeralKey;
  for (const nodeId of path) {
    const before = sharedSecrets.at(-1);
    if (before !== undefined) {
      key = scalarMultiply(key, blindingFactor(point, before));
      point = publicKey(key);
    }
    sharedSecrets.push(ecdh(key, nodeId) as Bytes32);
  }
  return { ephemeralKey, sharedSecrets };
}

/** By what the ephemeral key is multiplied for the next hop. */
export function blindingFactor(publicKey: Uint8Array, sharedSecret: Uint8Array): Uint8Array {
  return crypto().sha256(concatBytes(publicKey, sharedSecret));
}

/** Puts `payload` and `hmac` in front of `payloads`, whose end falls off, and obfuscates all of it. */
function wrapPayload(
  payloads: Uint8Array,
  layer: { readonly payload: Uint8Array; readonly hmac: Uint8Array; readonly rho: Uint8Array },
): void {
  const { payload, hmac, rho } = layer;
  invariant(payload.length >= 2, "an onion payload has two bytes at least");
  const size = onionPayloadSize(payload.length);
  payloads.copyWithin(size, 0);
  payloads.set(new Writer(size).bigSize(payload.length).bytes(payload).bytes(hmac).finish());
  applyStreamInPlace(rho, payloads);
}

/**
 * What the nodes on the way will have appended by the time that the last one reads the packet:
 * BOLT 4, "Filler Generation".
 */
function buildFiller(
  sharedSecrets: readonly Uint8Array[],
  sizes: readonly number[],
  payloadsLength: number,
): Uint8Array {
  let filler: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < sharedSecrets.length - 1; i++) {
    const size = present(sizes[i], "payload size");
    const rho = onionKey("rho", present(sharedSecrets[i], "secret"));
    const stream = applyStreamInPlace(rho, new Uint8Array(payloadsLength + size));
    const extended = concatBytes(filler, new Uint8Array(size));
    xorInto(extended, stream.subarray(payloadsLength - filler.length));
    filler = extended;
  }
  return filler;
}

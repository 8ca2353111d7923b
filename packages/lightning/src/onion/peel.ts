import { crypto } from "@fulmen/bitcoin/crypto";
import { DecodeError } from "../codec/decodeError.ts";
import { Reader } from "../codec/reader.ts";
import { type Bytes32, concatBytes, equalSecrets, type Point } from "../util/bytes.ts";
import { err, ok, type Result } from "../util/result.ts";
import { applyStream, blindedNodeFactor, onionKey } from "./onionKeys.ts";
import { joinOnionPacket, type OnionPacketParts, onionPacketParts } from "./onionPacket.ts";
import { blindingFactor } from "./sphinx.ts";

/** A packet as it arrived. */
export interface PeelRequest {
  readonly packet: Uint8Array;
  /** The payment hash, or nothing for an onion message. */
  readonly associatedData: Uint8Array;
  /** SHA-256 of the node's private key times the point: only the signer holds that key. */
  readonly ecdh: (point: Point) => Uint8Array;
  /** `path_key` that came with the packet, when the node was addressed by a blinded id; a valid point. */
  readonly pathKey?: Point;
}

/** One layer of an onion, taken off. */
export interface PeeledOnion {
  /** The node's TLV stream. */
  readonly payload: Uint8Array;
  /** For the next node; `undefined` when this node is the last. */
  readonly nextPacket: Uint8Array | undefined;
  /** With it a failure is returned to the origin. */
  readonly sharedSecret: Bytes32;
}

/** Why a packet cannot be read: there is no secret to answer the origin with (BADONION). */
export interface BadOnion {
  readonly kind: "bad-onion";
  readonly failure:
    | "invalid_onion_version"
    | "invalid_onion_hmac"
    | "invalid_onion_key"
    | "invalid_onion_blinding";
  readonly sha256OfOnion: Bytes32;
}

/** The packet is authentic, but its payload has an impossible length: answered by `invalid_onion_payload`. */
export interface BadPayloadLength {
  readonly kind: "bad-payload-length";
  readonly sharedSecret: Bytes32;
}

/**
 * Takes off the layer that is for us: BOLT 4, "Onion Decryption". Never throws, whatever the bytes; never allocates
 * more than a few times the packet's length, whatever length its payload claims.
 *
 * @ldk lightning::ln::onion_utils::decode_next_payment_hop
 */
export function peelOnion(request: PeelRequest): Result<PeeledOnion, BadOnion | BadPayloadLength> {
  const refuse = (failure: BadOnion["failure"]) => err(badOnion(request, failure));
  const parts = onionPacketParts(request.packet);
  if (parts === undefined || parts.version !== 0) return refuse("invalid_onion_version");
  if (!crypto().isPoint(parts.publicKey)) return refuse("invalid_onion_key");

  const sharedSecret = request.ecdh(addressedKey(request, parts)) as Bytes32;
  const expected = crypto().hmacSha256(
    onionKey("mu", sharedSecret),
    concatBytes(parts.payloads, request.associatedData),
  );
  if (!equalSecrets(expected, parts.hmac)) return refuse("invalid_onion_hmac");

  const rho = onionKey("rho", sharedSecret);
  const layer = readLayer(parts.payloads, rho);
  if (layer !== undefined) return ok(peeled(parts, { sharedSecret, rho, layer }));
  // Behind a blinded node's id every error looks the same (BOLT 4, "Failure Messages").
  return request.pathKey === undefined
    ? err({ kind: "bad-payload-length", sharedSecret })
    : refuse("invalid_onion_blinding");
}

/**
 * What `peelOnion` gives the next node, for whoever knows the shared secret already; `undefined` when there is none, or
 * when the packet and the secret do not belong together.
 */
export function nextPacketOf(packet: Uint8Array, sharedSecret: Uint8Array): Uint8Array | undefined {
  const parts = onionPacketParts(packet);
  if (parts === undefined || parts.version !== 0 || !crypto().isPoint(parts.publicKey)) return undefined;
  const rho = onionKey("rho", sharedSecret);
  const layer = readLayer(parts.payloads, rho);
  return layer && peeled(parts, { sharedSecret: sharedSecret as Bytes32, rho, layer }).nextPacket;
}

/** Tweaking the packet's key instead of the node's keeps the private key where it is; the product is the same. */
function addressedKey({ ecdh, pathKey }: PeelRequest, { publicKey }: OnionPacketParts): Point {
  if (pathKey === undefined) return publicKey as Point;
  return crypto().pointMultiply(publicKey, blindedNodeFactor(ecdh(pathKey))) as Point;
}

/** Bytes that are decrypted to see how many are ours: enough for all of what most payments have for a node. */
const usualLayer = 192;

interface Layer {
  readonly payload: Uint8Array;
  readonly nextHmac: Uint8Array;
  /** Bytes that the layer takes up. */
  readonly length: number;
}

/** What the node reads has to lie within the packet. Not all of it is decrypted: for most, the onion ends here. */
function readLayer(payloads: Uint8Array, rho: Uint8Array): Layer | undefined {
  try {
    const first = applyStream(rho, payloads.subarray(0, usualLayer));
    const head = new Reader(first);
    const claimed = head.bigSize();
    if (claimed < 2n || claimed > BigInt(payloads.length)) return undefined;
    const start = head.offset;
    const end = start + Number(claimed);
    const length = end + 32;
    if (length > payloads.length) return undefined;
    const layer = length <= first.length ? first : applyStream(rho, payloads.subarray(0, length));
    return { payload: layer.slice(start, end), nextHmac: layer.slice(end, length), length };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function peeled(
  { publicKey, payloads }: OnionPacketParts,
  by: { readonly sharedSecret: Bytes32; readonly rho: Uint8Array; readonly layer: Layer },
): PeeledOnion {
  const { sharedSecret, rho, layer } = by;
  const { payload, nextHmac, length } = layer;
  if (nextHmac.every((byte) => byte === 0)) return { payload, nextPacket: undefined, sharedSecret };
  const nextKey = crypto().pointMultiply(publicKey, blindingFactor(publicKey, sharedSecret));
  // Behind the packet's end there is but the node's own padding.
  const padded = new Uint8Array(payloads.length + length);
  padded.set(payloads);
  const nextPacket = joinOnionPacket({
    version: 0,
    publicKey: nextKey,
    payloads: applyStream(rho, padded).subarray(length),
    hmac: nextHmac,
  });
  return { payload, nextPacket, sharedSecret };
}

/** With a path key set, all that the peer may learn is that the path failed (BOLT 4, "Failure Messages"). */
function badOnion({ packet, pathKey }: PeelRequest, failure: BadOnion["failure"]): BadOnion {
  return {
    kind: "bad-onion",
    failure: pathKey === undefined ? failure : "invalid_onion_blinding",
    sha256OfOnion: crypto().sha256(packet) as Bytes32,
  };
}

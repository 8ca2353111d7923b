import { crypto } from "@fulmen/bitcoin/crypto";
import { type Bytes32, noBytes, type Point } from "../util/bytes.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { InvariantError } from "../util/invariant.ts";
import type { Msat } from "../util/units.ts";
import { blindedNodeFactor, onionKey } from "./onionKeys.ts";
import { blindingFactor } from "./sphinx.ts";

/**
 * Where a blinded path begins: a node, or the end of a channel that saves 24 bytes where space is short.
 *
 * @ldk lightning::blinded_path::IntroductionNode
 */
export type IntroductionNode =
  | { readonly kind: "node-id"; readonly nodeId: NodeId }
  /** Direction 0: the channel's `node_id_1`; direction 1: its `node_id_2`. */
  | { readonly kind: "directed-scid"; readonly direction: 0 | 1; readonly shortChannelId: ShortChannelId };

/**
 * One node of a blinded path, as others see it.
 *
 * @ldk lightning::blinded_path::BlindedHop
 */
export interface BlindedHop {
  /** The onion's layer is made for this key; only the node itself can tell that it is its own. */
  readonly blindedNodeId: Point;
  /** `encrypted_recipient_data`: what only the node can read. */
  readonly encryptedPayload: Uint8Array;
}

/** A way to a node that does not tell which node it is: BOLT 4, "Route Blinding". */
export interface BlindedPath {
  readonly introductionNode: IntroductionNode;
  /** `first_path_key`: with it the introduction node unblinds its hop. */
  readonly pathKey: Point;
  /** From the introduction node to the recipient; at least one. */
  readonly blindedHops: readonly BlindedHop[];
}

/**
 * What all nodes of a blinded path together ask of a payment: BOLT 12, `blinded_payinfo`.
 *
 * @ldk lightning::blinded_path::payment::BlindedPayInfo
 */
export interface BlindedPayInfo {
  readonly feeBase: Msat;
  /** 0..2^32-1. */
  readonly feeProportionalMillionths: number;
  /** Blocks from the introduction node's incoming expiry to the best height, the recipient's own delta included. */
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: Msat;
  readonly htlcMaximum: Msat;
  /** Bits, big-endian. An unknown even one forbids the use of the path. */
  readonly features: Uint8Array;
}

/** @ldk lightning::blinded_path::payment::BlindedPaymentPath */
export interface BlindedPaymentPath extends BlindedPath {
  readonly payinfo: BlindedPayInfo;
}

/** A node that a blinded path is to go along, and what it is to be told. */
export interface HopToBlind {
  readonly nodeId: Point;
  /** The node's `encrypted_data_tlv`, padded already. */
  readonly data: Uint8Array;
  /** What the tag covers besides the data; nothing, except where we are to know our own paths by it. */
  readonly additionalData?: Uint8Array;
}

/**
 * Hides a path of nodes. `sessionKey` is a fresh private key, used for this path only.
 *
 * @ldk lightning::blinded_path::utils::construct_blinded_hops
 */
export function blindHops(
  sessionKey: Uint8Array,
  hops: readonly HopToBlind[],
): { readonly pathKey: Point; readonly blindedHops: readonly BlindedHop[] } {
  if (hops.length === 0) throw new InvariantError("a blinded path without hops");
  const { chacha20Poly1305Encrypt, ecdh, pointMultiply, publicKey, scalarMultiply } = crypto();
  const firstPathKey = publicKey(sessionKey) as Point;
  const blindedHops: BlindedHop[] = [];
  let key = sessionKey;
  let pathKey: Point = firstPathKey;
  for (const { nodeId, data, additionalData = noBytes } of hops) {
    const sharedSecret = ecdh(key, nodeId) as Bytes32;
    const rho = onionKey("rho", sharedSecret);
    blindedHops.push({
      blindedNodeId: pointMultiply(nodeId, blindedNodeFactor(sharedSecret)) as Point,
      encryptedPayload: chacha20Poly1305Encrypt(rho, zeroNonce, additionalData, data),
    });
    key = scalarMultiply(key, blindingFactor(pathKey, sharedSecret));
    pathKey = publicKey(key) as Point;
  }
  return { pathKey: firstPathKey, blindedHops };
}

/** What a node of a blinded path was told. */
export interface UnblindedHop {
  /** The decrypted `encrypted_data_tlv`. */
  readonly data: Uint8Array;
  /** Whether the tag covers `ownPathKey`: only we can have written it. */
  readonly isOurs: boolean;
  /** The path key for the next node, unless the data say another. */
  readonly nextPathKey: Point;
}

/** What `unblindHop` reads. */
export interface UnblindRequest {
  readonly pathKey: Point;
  readonly encryptedData: Uint8Array;
  /** SHA-256 of the node's private key times the point. */
  readonly ecdh: (point: Point) => Uint8Array;
  /** The secret that the last hops of paths to us are authenticated by. */
  readonly ownPathKey: Uint8Array;
}

/** Decrypts our hop of a blinded path; `undefined` when it is not for us or was tampered with. */
export function unblindHop(request: UnblindRequest): UnblindedHop | undefined {
  const { pathKey, encryptedData, ecdh, ownPathKey } = request;
  if (encryptedData.length < tagLength) return undefined;
  const { chacha20Poly1305Decrypt, pointMultiply } = crypto();
  const sharedSecret = ecdh(pathKey);
  const rho = onionKey("rho", sharedSecret);
  const forAnyone = chacha20Poly1305Decrypt(rho, zeroNonce, noBytes, encryptedData);
  const data = forAnyone ?? chacha20Poly1305Decrypt(rho, zeroNonce, ownPathKey, encryptedData);
  if (data === undefined) return undefined;
  const nextPathKey = pointMultiply(pathKey, blindingFactor(pathKey, sharedSecret)) as Point;
  return { data, isOurs: forAnyone === undefined, nextPathKey };
}

const tagLength = 16;
/** Every key encrypts once. */
const zeroNonce = new Uint8Array(12);

import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes, equalBytes, type Point } from "../util/bytes.ts";

// Every commitment transaction has keys of its own, made of a basepoint that stays and a per-commitment point that
// changes with each commitment (BOLT 3, "Key Derivation"). The sums below are infinity, for which `CryptoError` is
// thrown, only for a peer who has found a preimage of SHA-256.

/** The point that belongs to a per-commitment secret, 32 bytes in 1..n-1. */
export function perCommitmentPoint(secret: Uint8Array): Point {
  return crypto().publicKey(secret) as Point;
}

/**
 * Whether `secret` is the key of `point`: what `revoke_and_ack` must prove (BOLT 2, "Completing the Transition to
 * the Updated State"). Never throws: the secret is a peer's.
 */
export function isPerCommitmentSecret(secret: Uint8Array, point: Point): boolean {
  return crypto().isPrivateKey(secret) && equalBytes(perCommitmentPoint(secret), point);
}

/**
 * `basepoint + SHA256(per_commitment_point || basepoint) * G`: `localpubkey`, `local_htlcpubkey`,
 * `local_delayedpubkey` and their remote counterparts.
 *
 * @ldk lightning::ln::chan_utils::derive_public_key
 */
export function derivePublicKey(basepoint: Point, perCommitmentPoint: Point): Point {
  return crypto().pointAddScalar(basepoint, tweakOf(perCommitmentPoint, basepoint)) as Point;
}

/**
 * The private key of `derivePublicKey`, from the basepoint's secret; who has the basepoint gives it too, which spares
 * most of the work.
 *
 * @ldk lightning::ln::chan_utils::derive_private_key
 */
export function derivePrivateKey(
  basepointSecret: Uint8Array,
  perCommitmentPoint: Point,
  basepoint: Uint8Array = crypto().publicKey(basepointSecret),
): Uint8Array {
  return crypto().scalarAdd(basepointSecret, tweakOf(perCommitmentPoint, basepoint));
}

/**
 * `revocationpubkey`: nobody knows its key until the owner of the commitment reveals the per-commitment secret to
 * the owner of the revocation basepoint.
 *
 * @ldk lightning::ln::channel_keys::RevocationKey::from_basepoint
 */
export function deriveRevocationPublicKey(revocationBasepoint: Point, perCommitmentPoint: Point): Point {
  return crypto().pointMultiplyAdd(
    revocationBasepoint,
    tweakOf(revocationBasepoint, perCommitmentPoint),
    perCommitmentPoint,
    tweakOf(perCommitmentPoint, revocationBasepoint),
  ) as Point;
}

/**
 * The private key of `deriveRevocationPublicKey`, from our basepoint's secret and the secret that the peer revealed.
 *
 * @ldk lightning::ln::chan_utils::derive_private_revocation_key
 */
export function deriveRevocationPrivateKey(
  revocationBasepointSecret: Uint8Array,
  perCommitmentSecret: Uint8Array,
): Uint8Array {
  const { publicKey, scalarAdd, scalarMultiply } = crypto();
  const basepoint = publicKey(revocationBasepointSecret);
  const point = publicKey(perCommitmentSecret);
  return scalarAdd(
    scalarMultiply(revocationBasepointSecret, tweakOf(basepoint, point)),
    scalarMultiply(perCommitmentSecret, tweakOf(point, basepoint)),
  );
}

function tweakOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  return crypto().sha256(concatBytes(first, second));
}

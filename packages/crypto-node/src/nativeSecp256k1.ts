import { hash as nodeHash } from "node:crypto";
import { type AcceleratedCrypto, CryptoError, nobleProvider } from "@fulmen/bitcoin/crypto";
import { concatBytes, equalBytes } from "@fulmen/bitcoin/primitives";
import { type KeptPoints, keptPoints } from "./keptPoints.ts";
import type { NativeSecp256k1 } from "./native.ts";
import { sha256 } from "./nodeCrypto.ts";

type Secp256k1Methods = Pick<
  AcceleratedCrypto,
  | "isPrivateKey"
  | "isPoint"
  | "publicKey"
  | "ecdh"
  | "pointAddScalar"
  | "pointMultiply"
  | "pointMultiplyAdd"
  | "scalarAdd"
  | "scalarMultiply"
  | "scalarNegate"
  | "ecdsaSign"
  | "ecdsaVerify"
  | "ecdsaSignRecoverable"
  | "ecdsaRecover"
  | "schnorrVerify"
  | "xOnlyTweakAdd"
>;

const challengeTag = nodeHash("sha256", "BIP0340/challenge", "buffer");
const challengePrefix = concatBytes(challengeTag, challengeTag);

/**
 * The provider's methods on libsecp256k1: everything on the curve but Schnorr signing, which the addon lacks and
 * noble's, hardened as it is, keeps.
 */
export function secp256k1Methods(native: NativeSecp256k1): Secp256k1Methods {
  const points = keptPoints(native);
  const { uncompressed } = points;
  return {
    isPrivateKey: (key) => key.length === 32 && native.privateKeyVerify(key),
    isPoint: (point) => orUndefined(() => uncompressed(point)) !== undefined,
    publicKey: (key) => orCryptoError(() => native.publicKeyCreate(key)),
    ecdh: (key, point) => orCryptoError(() => native.ecdh(uncompressed(point), key)),
    pointAddScalar: (point, scalar) =>
      orCryptoError(() => native.publicKeyTweakAdd(uncompressed(point), scalar)),
    pointMultiply: (point, scalar) =>
      orCryptoError(() => native.publicKeyTweakMul(uncompressed(point), scalar)),
    pointMultiplyAdd: (a, x, b, y) =>
      orCryptoError(() => {
        // The addition need not take their square roots.
        const ax = native.publicKeyTweakMul(uncompressed(a), x, false);
        const by = native.publicKeyTweakMul(uncompressed(b), y, false);
        return native.publicKeyCombine([ax, by]);
      }),
    scalarAdd: (key, tweak) => orCryptoError(() => native.privateKeyTweakAdd(copyOfKey(native, key), tweak)),
    scalarMultiply: (key, tweak) =>
      orCryptoError(() => native.privateKeyTweakMul(copyOfKey(native, key), tweak)),
    scalarNegate: (key) => orCryptoError(() => native.privateKeyNegate(copyOfKey(native, key))),
    ...ecdsaMethods(native, points),
    ...taprootMethods(native),
  };
}

function ecdsaMethods(
  native: NativeSecp256k1,
  { known }: KeptPoints,
): Pick<Secp256k1Methods, "ecdsaSign" | "ecdsaVerify" | "ecdsaSignRecoverable" | "ecdsaRecover"> {
  return {
    ecdsaSign(hash, key) {
      if (mayExceedOrder(hash)) return nobleProvider.ecdsaSign(hash, key);
      return orCryptoError(() => signLowR(native, hash, key));
    },
    ecdsaVerify(signature, hash, point) {
      if (signature.length !== 64 || hash.length !== 32) return false;
      return orUndefined(() => native.ecdsaVerify(signature, hash, known(point))) ?? false;
    },
    ecdsaSignRecoverable(hash, key) {
      if (mayExceedOrder(hash)) return nobleProvider.ecdsaSignRecoverable(hash, key);
      const { signature, recid } = orCryptoError(() => native.ecdsaSign(hash, key));
      return { signature, recovery: recid };
    },
    ecdsaRecover(signature, recovery, hash) {
      if (!Number.isInteger(recovery)) return undefined;
      return orUndefined(() => native.ecdsaRecover(signature, recovery, hash));
    },
  };
}

function taprootMethods(native: NativeSecp256k1): Pick<Secp256k1Methods, "schnorrVerify" | "xOnlyTweakAdd"> {
  return {
    schnorrVerify(signature, message, xOnlyPoint) {
      if (signature.length !== 64 || xOnlyPoint.length !== 32) return false;
      return orUndefined(() => verifySchnorr(native, signature, message, xOnlyPoint)) ?? false;
    },
    xOnlyTweakAdd(xOnlyPoint, tweak) {
      if (xOnlyPoint.length !== 32) return undefined;
      const tweaked = orUndefined(() => native.publicKeyTweakAdd(evenPoint(xOnlyPoint), tweak));
      return tweaked && { point: tweaked.slice(1), parity: tweaked[0] === 3 ? 1 : 0 };
    },
  };
}

/** As Core's `CKey::Sign` grinds: the counter is the extra entropy of RFC 6979, 3.6. */
function signLowR(native: NativeSecp256k1, hash: Uint8Array, key: Uint8Array): Uint8Array {
  let { signature } = native.ecdsaSign(hash, key);
  const data = new Uint8Array(32);
  const counter = new DataView(data.buffer);
  for (let attempts = 1; (signature[0] ?? 0) >= 0x80; attempts++) {
    counter.setUint32(0, attempts, true);
    ({ signature } = native.ecdsaSign(hash, key, { data }));
  }
  return signature;
}

/** BIP 340, "Verification": `R = s * G - e * P` by the addon's tweaks. Throws on whatever is not a point or scalar. */
function verifySchnorr(
  native: NativeSecp256k1,
  signature: Uint8Array,
  message: Uint8Array,
  xOnlyPoint: Uint8Array,
): boolean {
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  if (!native.privateKeyVerify(s)) return false;
  const challenge = sha256(concatBytes(challengePrefix, r, xOnlyPoint, message));
  // Not below the order once in 2^128 messages, and the addon does not reduce.
  if (!native.privateKeyVerify(challenge)) return nobleProvider.schnorrVerify(signature, message, xOnlyPoint);
  const minusEP = native.publicKeyTweakMul(evenPoint(xOnlyPoint), native.privateKeyNegate(challenge));
  const nonce = native.publicKeyTweakAdd(minusEP, s);
  return nonce[0] === 2 && equalBytes(nonce.subarray(1), r);
}

/**
 * libsecp256k1 feeds the hash to RFC 6979 as it is, the RFC and noble reduce it modulo the order first. They differ
 * for hashes that are not below the order only, all of which begin with these bytes.
 */
function mayExceedOrder(hash: Uint8Array): boolean {
  return hash[0] === 0xff && hash[1] === 0xff && hash[2] === 0xff && hash[3] === 0xff;
}

/** A copy that the addon may write to. Its arithmetic would reduce an invalid key where its other methods refuse it. */
function copyOfKey(native: NativeSecp256k1, key: Uint8Array): Uint8Array {
  if (!native.privateKeyVerify(key)) throw new CryptoError("not a private key");
  return Uint8Array.from(key);
}

function evenPoint(xOnlyPoint: Uint8Array): Uint8Array {
  const point = new Uint8Array(33);
  point[0] = 2;
  point.set(xOnlyPoint, 1);
  return point;
}

function orCryptoError<T>(compute: () => T): T {
  try {
    return compute();
  } catch (cause) {
    if (cause instanceof CryptoError) throw cause;
    throw new CryptoError(cause instanceof Error ? cause.message : "the native addon refused", { cause });
  }
}

function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

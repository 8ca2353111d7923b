import { chacha20 } from "@noble/ciphers/chacha.js";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { hmac } from "@noble/hashes/hmac.js";
import { ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { chacha20Poly1305 } from "./chacha20Poly1305.ts";
import { CryptoError, type CryptoProvider } from "./provider.ts";

const { Point } = secp256k1;
const { Fn, Fp } = Point;
type CurvePoint = InstanceType<typeof Point>;
const { seal, open } = chacha20Poly1305();

/**
 * The provider that runs everywhere, in plain JavaScript: noble's audited curves, hashes and ciphers. It is what
 * `crypto()` answers until a host installs a faster one, and what every other provider is measured against.
 */
export const nobleProvider: CryptoProvider = {
  name: "noble",

  sha256: (data) => sha256(data),
  hash256: (data) => sha256(sha256(data)),
  ripemd160: (data) => ripemd160(data),
  sha1: (data) => sha1(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  hmacSha512: (key, data) => hmac(sha512, key, data),
  chacha20(key, nonce, data, output) {
    expectLengths(key, nonce);
    if (output !== undefined) expectLength(output, data.length, "output");
    return chacha20(key, nonce, data, output);
  },
  chacha20Poly1305Encrypt(key, nonce, aad, plaintext) {
    expectLengths(key, nonce);
    return seal(key, nonce, aad, plaintext);
  },
  chacha20Poly1305Decrypt(key, nonce, aad, ciphertext) {
    expectLengths(key, nonce);
    if (ciphertext.length < 16) return undefined;
    return open(key, nonce, aad, ciphertext);
  },

  isPrivateKey: (key) => key.length === 32 && Fn.isValidNot0(toInteger(key)),
  isPoint: (point) => point.length === 33 && attempt(() => Point.fromBytes(point)) !== undefined,
  publicKey: (key) => Point.BASE.multiply(nonZeroScalar(key, "private key")).toBytes(),
  ecdh: (key, point) => sha256(parsePoint(point).multiply(nonZeroScalar(key, "private key")).toBytes()),
  pointAddScalar: (point, scalar) => finite(parsePoint(point).add(timesBase(parseScalar(scalar, "scalar")))),
  pointMultiply: (point, scalar) => parsePoint(point).multiply(nonZeroScalar(scalar, "scalar")).toBytes(),
  pointMultiplyAdd: (a, x, b, y) =>
    finite(
      parsePoint(a)
        .multiply(nonZeroScalar(x, "scalar"))
        .add(parsePoint(b).multiply(nonZeroScalar(y, "scalar"))),
    ),
  scalarAdd: (key, tweak) =>
    nonZero(Fn.add(nonZeroScalar(key, "private key"), parseScalar(tweak, "tweak")), "sum of key and tweak"),
  scalarMultiply: (key, tweak) =>
    Fn.toBytes(Fn.mul(nonZeroScalar(key, "private key"), nonZeroScalar(tweak, "tweak"))),
  scalarNegate: (key) => Fn.toBytes(Fn.neg(nonZeroScalar(key, "private key"))),

  ecdsaSign,
  ecdsaVerify(signature, hash, point) {
    if (signature.length !== 64 || hash.length !== 32 || point.length !== 33) return false;
    return secp256k1.verify(signature, hash, point, { prehash: false, lowS: true });
  },
  ecdsaSignRecoverable(hash, key) {
    expectLength(hash, 32, "hash");
    nonZeroScalar(key, "private key");
    const signed = secp256k1.sign(hash, key, { prehash: false, format: "recovered" });
    return { signature: signed.slice(1), recovery: signed[0] ?? 0 };
  },
  ecdsaRecover(signature, recovery, hash) {
    if (signature.length !== 64 || hash.length !== 32) return undefined;
    if (!Number.isInteger(recovery) || recovery < 0 || recovery > 3) return undefined;
    return attempt(() =>
      secp256k1.Signature.fromBytes(signature).addRecoveryBit(recovery).recoverPublicKey(hash).toBytes(),
    );
  },

  schnorrSign(message, key, auxRand) {
    nonZeroScalar(key, "private key");
    expectLength(auxRand, 32, "auxRand");
    return schnorr.sign(message, key, auxRand);
  },
  schnorrVerify(signature, message, xOnlyPoint) {
    if (signature.length !== 64 || xOnlyPoint.length !== 32) return false;
    return schnorr.verify(signature, message, xOnlyPoint);
  },
  xOnlyTweakAdd(xOnlyPoint, tweak) {
    if (xOnlyPoint.length !== 32 || tweak.length !== 32) return undefined;
    const offset = toInteger(tweak);
    if (!Fn.isValid(offset)) return undefined;
    const base = attempt(() => schnorr.utils.lift_x(toInteger(xOnlyPoint)));
    const sum = base?.add(timesBase(offset));
    if (sum === undefined || sum.is0()) return undefined;
    const { x, y } = sum.toAffine();
    return { point: Fp.toBytes(x), parity: y & 1n ? 1 : 0 };
  },
};

/**
 * Core's scheme for low R: the first attempt is plain RFC 6979, every further one adds a counter from 1 as 32
 * little-endian bytes of extra entropy, until the top bit of R is clear. DER then needs 70 bytes at most.
 */
function ecdsaSign(hash: Uint8Array, key: Uint8Array): Uint8Array {
  expectLength(hash, 32, "hash");
  nonZeroScalar(key, "private key");
  let signature: Uint8Array = secp256k1.sign(hash, key, { prehash: false });
  const counter = new Uint8Array(32);
  const view = new DataView(counter.buffer);
  for (let attempts = 1; (signature[0] ?? 0) >= 0x80; attempts++) {
    view.setUint32(0, attempts, true);
    signature = secp256k1.sign(hash, key, { prehash: false, extraEntropy: counter });
  }
  return signature;
}

function expectLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new CryptoError(`${what} of ${bytes.length} bytes, not ${length}`);
}

function expectLengths(key: Uint8Array, nonce: Uint8Array): void {
  expectLength(key, 32, "cipher key");
  expectLength(nonce, 12, "nonce");
}

function parsePoint(bytes: Uint8Array): CurvePoint {
  expectLength(bytes, 33, "point");
  const point = attempt(() => Point.fromBytes(bytes));
  if (point === undefined) throw new CryptoError("not a point of secp256k1");
  return point;
}

function parseScalar(bytes: Uint8Array, what: string): bigint {
  expectLength(bytes, 32, what);
  const scalar = toInteger(bytes);
  if (!Fn.isValid(scalar)) throw new CryptoError(`${what} is not below the order of the curve`);
  return scalar;
}

function nonZeroScalar(bytes: Uint8Array, what: string): bigint {
  const scalar = parseScalar(bytes, what);
  if (scalar === 0n) throw new CryptoError(`${what} is zero`);
  return scalar;
}

function nonZero(scalar: bigint, what: string): Uint8Array {
  if (scalar === 0n) throw new CryptoError(`${what} is zero`);
  return Fn.toBytes(scalar);
}

function finite(point: CurvePoint): Uint8Array {
  if (point.is0()) throw new CryptoError("the sum is the point at infinity");
  return point.toBytes();
}

/** `scalar * G`, in constant time; noble's `multiply` refuses zero. */
function timesBase(scalar: bigint): CurvePoint {
  return scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar);
}

function toInteger(bytes: Uint8Array): bigint {
  return Fn.fromBytes(bytes, true);
}

/** What `compute` returns, or `undefined` when noble refuses its arguments: its way to say "invalid" is to throw. */
function attempt<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

/** The arguments of `CryptoProvider.ecdsaVerify`. */
export interface EcdsaCheck {
  /** 64 bytes, compact. */
  readonly signature: Uint8Array;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** 33 bytes, a point or not. */
  readonly key: Uint8Array;
}

const signatureBytes = 64;
const hashBytes = 32;
const keyBytes = 33;
const checkBytes = signatureBytes + hashBytes + keyBytes;

/**
 * Checks one behind the other, in memory of their own that can be given to another thread. One with a wrong length
 * becomes zeros, which are no valid signature.
 */
export function bytesOfChecks(checks: readonly EcdsaCheck[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(checks.length * checkBytes);
  for (const [i, { signature, hash, key }] of checks.entries()) {
    if (signature.length !== signatureBytes || hash.length !== hashBytes || key.length !== keyBytes) continue;
    const at = i * checkBytes;
    bytes.set(signature, at);
    bytes.set(hash, at + signatureBytes);
    bytes.set(key, at + signatureBytes + hashBytes);
  }
  return bytes;
}

/** The checks in `bytesOfChecks`; they point into it. */
export function checksOfBytes(bytes: Uint8Array): readonly EcdsaCheck[] {
  const checks: EcdsaCheck[] = [];
  for (let at = 0; at < bytes.length; at += checkBytes) {
    const hashAt = at + signatureBytes;
    const keyAt = hashAt + hashBytes;
    checks.push({
      signature: bytes.subarray(at, hashAt),
      hash: bytes.subarray(hashAt, keyAt),
      key: bytes.subarray(keyAt, at + checkBytes),
    });
  }
  return checks;
}

import { CryptoError, crypto } from "@fulmen/bitcoin/crypto";
import { utf8 } from "@scure/base";

const hardenedOffset = 2 ** 31;

/** A private key of BIP 32 and what its children are derived with, 32 bytes each. */
export interface ExtendedKey {
  readonly key: Uint8Array;
  readonly chainCode: Uint8Array;
}

/** The master key of a seed (BIP 32, "Master key generation"). Throws `CryptoError` once in 2^127 seeds. */
export function masterKeyOf(seed: Uint8Array): ExtendedKey {
  const { hmacSha512, isPrivateKey } = crypto();
  const derived = split(hmacSha512(utf8.decode("Bitcoin seed"), seed));
  if (!isPrivateKey(derived.key)) throw new CryptoError("the seed gives no master key");
  return derived;
}

/**
 * The hardened child `number` (0..2^31-1) of a key (BIP 32, "Private parent key -> private child key"). A hardened
 * child comes from the private key alone, so that no point is computed here: that, for every key, is most of what
 * BIP 32 costs otherwise. Throws `CryptoError` once in 2^127 numbers.
 */
export function hardenedChild({ key, chainCode }: ExtendedKey, number: number): ExtendedKey {
  const { hmacSha512, scalarAdd } = crypto();
  const data = new Uint8Array(37);
  data.set(key, 1);
  new DataView(data.buffer).setUint32(33, hardenedOffset + number);
  const derived = split(hmacSha512(chainCode, data));
  return { key: scalarAdd(key, derived.key), chainCode: derived.chainCode };
}

function split(digest: Uint8Array): ExtendedKey {
  return { key: digest.slice(0, 32), chainCode: digest.slice(32) };
}

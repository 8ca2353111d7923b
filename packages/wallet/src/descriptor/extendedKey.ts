import type { Network } from "@fulmen/bitcoin/network";
import { HDKey } from "@scure/bip32";

/** Children from here on are hardened (BIP 32). */
export const hardened = 0x8000_0000;

/** What `xpub`, `xprv` or `tpub`, `tprv` are made from (BIP 32, "Serialization format"). */
function versionsOf(network: Network): { readonly private: number; readonly public: number } {
  return network.name === "mainnet"
    ? { private: 0x0488_ade4, public: 0x0488_b21e }
    : { private: 0x0435_8394, public: 0x0435_87cf };
}

/** The master key of 16 to 64 bytes. */
export function masterKeyOf(seed: Uint8Array, network: Network): HDKey {
  return HDKey.fromMasterSeed(seed, versionsOf(network));
}

/**
 * The key of an `xpub` or `xprv` (`tpub` or `tprv` outside of mainnet); `undefined` when `text` is none of `network`.
 */
export function readExtendedKey(text: string, network: Network): HDKey | undefined {
  try {
    return HDKey.fromExtendedKey(text, versionsOf(network));
  } catch {
    return undefined;
  }
}

/** Follows child numbers down from `key`; those from `hardened` on need a private key. */
export function descend(key: HDKey, path: readonly number[]): HDKey {
  return path.reduce((parent, child) => parent.deriveChild(child), key);
}

/** The same key without its private part. */
export function publicOnly(key: HDKey, network: Network): HDKey {
  return HDKey.fromExtendedKey(key.publicExtendedKey, versionsOf(network));
}

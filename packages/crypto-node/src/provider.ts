import { type AcceleratedCrypto, crypto, installCrypto } from "@fulmen/bitcoin/crypto";
import { loadNative } from "./native.ts";
import { secp256k1Methods } from "./nativeSecp256k1.ts";
import { nodeMethods } from "./nodeCrypto.ts";

/**
 * The fastest methods that this machine has: libsecp256k1 where its addon loads, node:crypto's hashes, and
 * noble for what neither does faster. The name says which of these it is.
 */
export function nodeProvider(): AcceleratedCrypto {
  const native = loadNative();
  if (native === undefined) return { name: "noble + node:crypto", ...nodeMethods() };
  return { name: "libsecp256k1 + node:crypto", ...nodeMethods(), ...secp256k1Methods(native) };
}

/**
 * Installs `nodeProvider` for the process and returns its name, which is worth showing: without the addon, signing
 * and verifying take twenty times as long. Throws `CryptoError` on a second call, or when a known answer comes out
 * wrong.
 */
export function installNodeCrypto(): string {
  installCrypto(nodeProvider());
  return crypto().name;
}

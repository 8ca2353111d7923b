import { type AcceleratedCrypto, crypto, installCrypto } from "@fulmen/bitcoin/crypto";
import { cipherMethods } from "./chacha20Poly1305.ts";
import { loadNative } from "./native.ts";
import { secp256k1Methods } from "./nativeSecp256k1.ts";
import { nodeMethods } from "./nodeCrypto.ts";

/**
 * The fastest methods that this machine has: libsecp256k1 where its addon loads, node:crypto's hashes, ciphers that
 * keep their memory, and noble for what none of these does faster. The name says which it is.
 */
export function nodeProvider(): AcceleratedCrypto {
  const native = loadNative();
  const methods = { ...nodeMethods(), ...cipherMethods() };
  if (native === undefined) return { name: "noble + node:crypto", ...methods };
  return { name: "libsecp256k1 + node:crypto", ...methods, ...secp256k1Methods(native) };
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

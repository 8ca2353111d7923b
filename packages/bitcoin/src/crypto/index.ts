export { hkdfExpand, hkdfExtract, hkdfPair } from "./hkdf.ts";
export { type AcceleratedCrypto, crypto, installCrypto, overNoble } from "./installed.ts";
export { nobleProvider } from "./noble.ts";
export { CryptoError, type CryptoProvider } from "./provider.ts";
export { selfTest } from "./selfTest.ts";

import { nobleProvider } from "./noble.ts";
import { CryptoError, type CryptoProvider } from "./provider.ts";
import { selfTest } from "./selfTest.ts";

// The only module state of the kit. All providers answer alike, bit for bit, so which one runs can change how long a
// computation takes and nothing else; and every hot path would otherwise have to carry it.
let installed: CryptoProvider = nobleProvider;

/** The provider in use: noble's until a host installs another with `installCrypto`. */
export function crypto(): CryptoProvider {
  return installed;
}

/**
 * Puts the methods of `accelerated` in the place of noble's, for the whole process. A host calls it once, at start,
 * before any key exists. Throws `CryptoError`, and changes nothing, when one was installed before or when a method
 * fails its known-answer test.
 */
export function installCrypto(accelerated: AcceleratedCrypto): void {
  if (installed !== nobleProvider) {
    throw new CryptoError(`a crypto provider is installed already: ${installed.name}`);
  }
  installed = overNoble(accelerated);
}

/** Some methods of a provider; plain functions, called without `this`. */
export type AcceleratedCrypto = Pick<CryptoProvider, "name"> & Partial<CryptoProvider>;

/**
 * A complete provider: `accelerated`, and noble for the rest. Throws `CryptoError` unless what is accelerated passes
 * `selfTest`; noble runs without one, with or without other methods beside it.
 */
export function overNoble(accelerated: AcceleratedCrypto): CryptoProvider {
  for (const [method, implementation] of Object.entries(accelerated)) {
    if (method === "name") continue;
    if (!(method in nobleProvider)) throw new CryptoError(`no such crypto method: ${method}`);
    if (typeof implementation !== "function") throw new CryptoError(`not a function: ${method}`);
  }
  const provider: CryptoProvider = Object.freeze({ ...nobleProvider, ...accelerated });
  selfTest(provider, new Set(Object.keys(accelerated)));
  return provider;
}

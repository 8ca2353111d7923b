import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

/**
 * What is used of `secp256k1/bindings`, libsecp256k1 as a Node addon. Its methods check types and lengths and throw
 * plain `Error`s on what is invalid; those of private keys write to the key they are given.
 */
export interface NativeSecp256k1 {
  contextRandomize(seed: Uint8Array): void;
  privateKeyVerify(key: Uint8Array): boolean;
  privateKeyNegate(key: Uint8Array): Uint8Array;
  privateKeyTweakAdd(key: Uint8Array, tweak: Uint8Array): Uint8Array;
  privateKeyTweakMul(key: Uint8Array, tweak: Uint8Array): Uint8Array;
  publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array;
  publicKeyCreate(key: Uint8Array): Uint8Array;
  publicKeyCombine(points: readonly Uint8Array[]): Uint8Array;
  publicKeyTweakAdd(point: Uint8Array, tweak: Uint8Array): Uint8Array;
  publicKeyTweakMul(point: Uint8Array, tweak: Uint8Array, compressed?: boolean): Uint8Array;
  ecdsaSign(
    hash: Uint8Array,
    key: Uint8Array,
    options?: { readonly data: Uint8Array },
  ): { readonly signature: Uint8Array; readonly recid: number };
  ecdsaVerify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean;
  ecdsaRecover(signature: Uint8Array, recovery: number, hash: Uint8Array): Uint8Array;
  ecdh(point: Uint8Array, key: Uint8Array): Uint8Array;
}

const methods: readonly (keyof NativeSecp256k1)[] = [
  "contextRandomize",
  "privateKeyVerify",
  "privateKeyNegate",
  "privateKeyTweakAdd",
  "privateKeyTweakMul",
  "publicKeyConvert",
  "publicKeyCreate",
  "publicKeyCombine",
  "publicKeyTweakAdd",
  "publicKeyTweakMul",
  "ecdsaSign",
  "ecdsaVerify",
  "ecdsaRecover",
  "ecdh",
];

/**
 * The addon, or `undefined` where it cannot be loaded: it is an optional dependency, built for some platforms only.
 * Its signing is blinded anew in every process, which changes no result.
 */
export function loadNative(): NativeSecp256k1 | undefined {
  let loaded: unknown;
  try {
    loaded = createRequire(import.meta.url)("secp256k1/bindings");
  } catch {
    return undefined;
  }
  if (!isNative(loaded)) return undefined;
  loaded.contextRandomize(randomBytes(32));
  return loaded;
}

function isNative(module: unknown): module is NativeSecp256k1 {
  return (
    typeof module === "object" &&
    module !== null &&
    methods.every((method) => method in module && typeof Reflect.get(module, method) === "function")
  );
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { InvariantError } from "../util/invariant.ts";

/** What a key is for: BOLT 4, "Key Generation"; `ammagext` is of "Initialization of attribution_data". */
export type OnionKeyType = "rho" | "mu" | "um" | "pad" | "ammag" | "ammagext";

const typeNames: Readonly<Record<OnionKeyType, Uint8Array>> = {
  rho: ascii("rho"),
  mu: ascii("mu"),
  um: ascii("um"),
  pad: ascii("pad"),
  ammag: ascii("ammag"),
  ammagext: ascii("ammagext"),
};
const blindedNodeIdName = ascii("blinded_node_id");

/** `HMAC-SHA256(key = the type's ASCII, message = shared secret)`: BOLT 4, "Key Generation". */
export function onionKey(type: OnionKeyType, sharedSecret: Uint8Array): Uint8Array {
  return crypto().hmacSha256(typeNames[type], sharedSecret);
}

/** `HMAC-SHA256("blinded_node_id", shared secret)`: by what a node's id is multiplied in a blinded path. */
export function blindedNodeFactor(sharedSecret: Uint8Array): Uint8Array {
  return crypto().hmacSha256(blindedNodeIdName, sharedSecret);
}

/** Safe, though it never changes: keys are used once. */
const nonce = new Uint8Array(12);

/** `data` XORed with the stream of `key`: BOLT 4, "Pseudo Random Byte Stream". */
export function applyStream(key: Uint8Array, data: Uint8Array): Uint8Array {
  return crypto().chacha20(key, nonce, data);
}

/** The same in the place of `data`, which it returns. */
export function applyStreamInPlace(key: Uint8Array, data: Uint8Array): Uint8Array {
  return crypto().chacha20(key, nonce, data, data);
}

/** XORs `mask` onto `target` in place; they have the same length. */
export function xorInto(target: Uint8Array, mask: Uint8Array): void {
  if (target.length !== mask.length) {
    throw new InvariantError(`xor of ${target.length} and ${mask.length} bytes`);
  }
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) ^ (mask[i] ?? 0);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

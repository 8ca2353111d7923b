import { crypto } from "@fulmen/bitcoin/crypto";
import { type Brand, reverseBytes, toHex } from "@fulmen/bitcoin/primitives";

/** SHA-256 of an output script with its bytes reversed, in hex: what servers are asked by. */
export type ScriptHash = Brand<string, "ScriptHash">;

/** By which name servers know an output script. */
export function scriptHashOf(script: Uint8Array): ScriptHash {
  return toHex(reverseBytes(crypto().sha256(script))) as ScriptHash;
}

import { crypto } from "@fulmen/bitcoin/crypto";
import type { KeysManager } from "@fulmen/lightning/sign";
import { type NodeId, nodeIdOf } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";

/** In front of what is signed, so that no signature is one of a transaction or a message of the protocol. */
const prefix = "Lightning Signed Message:";
const alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769";
const signatureLength = 65;
const textLength = 104;

/** The node's signature of a text, in zbase32, as lnd and Core Lightning make it. */
export function signMessage(keys: KeysManager, text: string): string {
  const { signature, recovery } = keys.signInvoice(hashOf(text));
  return zbase32(Uint8Array.of(31 + recovery, ...signature));
}

/** Who signed; throws `invalid-signature` when nobody can have. */
export function signerOf(text: string, signature: string): NodeId {
  const bytes = fromZbase32(signature);
  const recovery = (bytes?.[0] ?? 0) - 31;
  if (bytes !== undefined && recovery >= 0 && recovery <= 3) {
    const key = crypto().ecdsaRecover(bytes.slice(1), recovery, hashOf(text));
    if (key !== undefined) return nodeIdOf(key);
  }
  throw new NodeError("invalid-signature", "this is no signature of a Lightning node", {
    remedy: `copy all ${textLength} characters of it`,
  });
}

function hashOf(text: string): Uint8Array {
  return crypto().hash256(new TextEncoder().encode(prefix + text));
}

function zbase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let text = "";
  for (let at = 0; at < bits.length; at += 5) {
    text += alphabet[Number.parseInt(bits.slice(at, at + 5).padEnd(5, "0"), 2)] ?? "";
  }
  return text;
}

function fromZbase32(text: string): Uint8Array | undefined {
  if (text.length !== textLength) return undefined;
  const numbers = [...text].map((letter) => alphabet.indexOf(letter));
  if (numbers.includes(-1)) return undefined;
  const bits = numbers.map((number) => number.toString(2).padStart(5, "0")).join("");
  const bytes = new Uint8Array(signatureLength);
  for (const i of bytes.keys()) bytes[i] = Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2);
  return bytes;
}

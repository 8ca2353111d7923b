import { utf8 } from "@scure/base";
import { crypto } from "../crypto/installed.ts";
import { concatBytes } from "../primitives/index.ts";

/** `SHA256(SHA256(tag) || SHA256(tag) || parts)` of BIP 340. */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const prefix = crypto().sha256(utf8.decode(tag));
  return crypto().sha256(concatBytes(prefix, prefix, ...parts));
}

import { DecodeError } from "../codec/decodeError.ts";
import { Reader } from "../codec/reader.ts";
import { printable } from "../util/text.ts";

/**
 * The name that a node gives itself, for people: without the zeros behind it, and printable whatever the node chose.
 * One that is not UTF-8 is read as ASCII. BOLT 7, "The `node_announcement` Message".
 *
 * @ldk lightning::routing::gossip::NodeAlias
 */
export function nodeAliasText(alias: Uint8Array): string {
  const bytes = alias.subarray(0, alias.findLastIndex((byte) => byte !== 0) + 1);
  try {
    return printable(new Reader(bytes).utf8(bytes.length));
  } catch (error) {
    if (error instanceof DecodeError) return printable(bytes);
    throw error;
  }
}

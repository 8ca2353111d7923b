import { utf8 } from "@scure/base";

/**
 * What no text of others may do where people read it: start a line or move the cursor (control characters, line and
 * paragraph separators), turn the direction of what follows (bidi), or not be seen at all (format and ignorable
 * characters). With them, halves of surrogate pairs and characters without a common meaning. A function, as it takes
 * an engine a hundredth of a node's start to look up these classes.
 */
const unprintable = (): RegExp => /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text of others for people: at most `limit` UTF-16 units of it, so that nobody writes pages into a log, or anything
 * that is not to be seen as it is. Of bytes, printable ASCII stays and everything else is `?` (BOLT 1, "The `error` and
 * `warning` Messages"). Of a string, what is unprintable becomes U+FFFD. Printable text stays as it is.
 *
 * @ldk lightning_types::string::PrintableString
 */
export function printable(text: Uint8Array | string, limit = 500): string {
  if (typeof text === "string") return text.slice(0, limit).replace(unprintable(), "\ufffd");
  let ascii = "";
  for (const byte of text.subarray(0, limit)) {
    ascii += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  }
  return ascii;
}

/** UTF-8 of at most `most` UTF-16 units of `text`; halves of surrogate pairs, which have no UTF-8, become U+FFFD. */
export function utf8Prefix(text: string, most: number): Uint8Array {
  return utf8.decode(text.slice(0, most).replace(/[\ud800-\udfff]/gu, "\ufffd"));
}

/** What a caught error says. JavaScript lets anything be thrown: of what is no `Error`, the text it has as a string. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

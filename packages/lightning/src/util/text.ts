import { utf8 } from "@scure/base";

/**
 * A peer's bytes as text for people: printable ASCII stays, everything else is `?`, and no more than 500 characters
 * are kept, so that no peer writes control characters or pages into a log.
 */
export function printable(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, 500))
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  return text;
}

/** UTF-8 of at most `most` UTF-16 units of `text`; halves of surrogate pairs, which have no UTF-8, become U+FFFD. */
export function utf8Prefix(text: string, most: number): Uint8Array {
  return utf8.decode(text.slice(0, most).replace(/[\ud800-\udfff]/gu, "\ufffd"));
}

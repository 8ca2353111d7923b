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

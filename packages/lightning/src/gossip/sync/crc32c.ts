/** The Castagnoli polynomial, its bits reversed (RFC 3720, appendix B.4). */
const polynomial = 0x82f6_3b78;

const remainders: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ ((remainder & 1) === 0 ? 0 : polynomial);
  return remainder >>> 0;
});

/** CRC32C of these pieces, one behind the other (RFC 3720, appendix B.4): an unsigned 32-bit number. */
export function crc32c(...pieces: readonly Uint8Array[]): number {
  let crc = 0xffff_ffff;
  for (const piece of pieces) {
    for (const byte of piece) crc = (crc >>> 8) ^ (remainders[(crc ^ byte) & 0xff] ?? 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

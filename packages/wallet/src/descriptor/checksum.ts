const inputCharset =
  "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const checksumCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const generator = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn] as const;

/**
 * The eight characters that stand behind a descriptor's `#` (BIP 380, "Checksum"); `undefined` when `text` has a
 * character that no descriptor has.
 */
export function descriptorChecksum(text: string): string | undefined {
  const symbols = symbolsOf(text);
  if (symbols === undefined) return undefined;
  const remainder = polymod([...symbols, 0, 0, 0, 0, 0, 0, 0, 0]) ^ 1n;
  let checksum = "";
  for (let i = 7n; i >= 0n; i--) checksum += checksumCharset[Number((remainder >> (5n * i)) & 31n)];
  return checksum;
}

/** Each character's place in its group of 32, and behind every three of them their groups in one symbol. */
function symbolsOf(text: string): readonly number[] | undefined {
  const symbols: number[] = [];
  let groups = 0;
  let pending = 0;
  for (const character of text) {
    const value = inputCharset.indexOf(character);
    if (value === -1) return undefined;
    symbols.push(value & 31);
    groups = groups * 3 + (value >> 5);
    if (++pending < 3) continue;
    symbols.push(groups);
    groups = 0;
    pending = 0;
  }
  if (pending > 0) symbols.push(groups);
  return symbols;
}

function polymod(symbols: readonly number[]): bigint {
  let checksum = 1n;
  for (const symbol of symbols) {
    const top = checksum >> 35n;
    checksum = ((checksum & 0x7ffffffffn) << 5n) ^ BigInt(symbol);
    for (const [bit, value] of generator.entries()) if ((top >> BigInt(bit)) & 1n) checksum ^= value;
  }
  return checksum;
}

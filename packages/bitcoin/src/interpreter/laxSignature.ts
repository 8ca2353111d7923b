/**
 * The compact form (r, s; 64 bytes) of a signature as the first versions of Bitcoin read it: BER lengths of several
 * bytes, wrong outer lengths, padded integers and trailing bytes are passed over. Needed for spends from before BIP 66
 * only. `undefined` when there is no signature in it; integers that take more than 32 bytes read as zero, which no key
 * verifies.
 */
export function compactFromLaxDer(der: Uint8Array): Uint8Array | undefined {
  const body = skipSequenceHeader(der);
  const r = body === undefined ? undefined : readInteger(der, body);
  const s = r === undefined ? undefined : readInteger(der, r.end);
  if (r === undefined || s === undefined) return undefined;
  const compact = new Uint8Array(64);
  if (r.digits.length > 32 || s.digits.length > 32) return compact;
  compact.set(r.digits, 32 - r.digits.length);
  compact.set(s.digits, 64 - s.digits.length);
  return compact;
}

interface LaxInteger {
  /** Big-endian without leading zeros. */
  readonly digits: Uint8Array;
  readonly end: number;
}

/** Where the first integer begins; what the header says of the length is not looked at. */
function skipSequenceHeader(der: Uint8Array): number | undefined {
  const length = der[1];
  if (der[0] !== 0x30 || length === undefined) return undefined;
  const lengthBytes = length & 0x80 ? length - 0x80 : 0;
  return 2 + lengthBytes > der.length ? undefined : 2 + lengthBytes;
}

function readInteger(der: Uint8Array, at: number): LaxInteger | undefined {
  if (der[at] !== 0x02) return undefined;
  const length = readLength(der, at + 1);
  if (length === undefined || length.start + length.value > der.length) return undefined;
  const end = length.start + length.value;
  let first = length.start;
  while (first < end && der[first] === 0) first++;
  return { digits: der.subarray(first, end), end };
}

/** A length in one byte, or in as many as its first byte says. */
function readLength(der: Uint8Array, at: number): { value: number; start: number } | undefined {
  const first = der[at];
  if (first === undefined) return undefined;
  if ((first & 0x80) === 0) return { value: first, start: at + 1 };
  const start = at + 1 + (first - 0x80);
  if (start > der.length) return undefined;
  let value = 0;
  for (const byte of der.subarray(at + 1, start)) {
    value = value * 256 + byte;
    if (value > der.length) return undefined;
  }
  return { value, start };
}

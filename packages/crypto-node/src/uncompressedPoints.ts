import { CryptoError } from "@fulmen/bitcoin/crypto";
import type { NativeSecp256k1 } from "./native.ts";

/** A power of two. A busy channel has a handful of points: both sides' basepoints, the peer's funding key. */
const slotCount = 1024;

/**
 * A function that gives the uncompressed form (65 bytes, not to be written to) of a compressed point, and throws what
 * the addon throws on 33 bytes that are no point. The addon takes both forms, but a compressed one costs it a square
 * root, about a tenth of what it then does with the point. The latest answers are kept, one in each slot.
 */
export function uncompressedPoints(native: NativeSecp256k1): (point: Uint8Array) => Uint8Array {
  const slots: (Uint8Array | undefined)[] = new Array(slotCount);
  return (point) => {
    // The addon would take 65 bytes too.
    if (point.length !== 33) throw new CryptoError(`point of ${point.length} bytes, not 33`);
    const slot = (((point[31] ?? 0) << 8) | (point[32] ?? 0)) % slotCount;
    const kept = slots[slot];
    if (kept !== undefined && isSamePoint(kept, point)) return kept;
    const uncompressed = native.publicKeyConvert(point, false);
    slots[slot] = uncompressed;
    return uncompressed;
  };
}

/** Both forms have x behind their first byte; the compressed one's first byte is 2 for an even y and 3 for an odd one. */
function isSamePoint(uncompressed: Uint8Array, compressed: Uint8Array): boolean {
  if (compressed[0] !== 2 + ((uncompressed[64] ?? 0) & 1)) return false;
  for (let i = 1; i < 33; i++) if (uncompressed[i] !== compressed[i]) return false;
  return true;
}

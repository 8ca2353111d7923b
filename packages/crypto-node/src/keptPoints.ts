import { CryptoError } from "@fulmen/bitcoin/crypto";
import type { NativeSecp256k1 } from "./native.ts";

/** A power of two. A busy channel has a handful of points: both sides' basepoints, the peer's funding key. */
const slotCount = 1024;

/** Points that the addon is given, in the form that it takes the quickest. */
export interface KeptPoints {
  /**
   * The uncompressed form (65 bytes, not to be written to) of a compressed point. Throws what the addon throws on 33
   * bytes that are no point.
   */
  uncompressed(point: Uint8Array): Uint8Array;
  /**
   * The uncompressed form if the point came before, and the point itself if it did not: most keys of gossip come once.
   */
  known(point: Uint8Array): Uint8Array;
}

/**
 * The addon takes both forms, but a compressed one costs it a square root, about a tenth of what it then does with the
 * point; to have it uncompressed costs twice as much. The latest answers are kept, one in each slot.
 */
export function keptPoints(native: NativeSecp256k1): KeptPoints {
  const slots: (Uint8Array | undefined)[] = new Array(slotCount);
  /** Four bytes of the point that each slot was last asked for and did not have. */
  const asked = new Uint32Array(slotCount);
  const kept = (point: Uint8Array): Uint8Array | undefined => {
    // The addon would take 65 bytes too.
    if (point.length !== 33) throw new CryptoError(`point of ${point.length} bytes, not 33`);
    const found = slots[slotOf(point)];
    return found !== undefined && isSamePoint(found, point) ? found : undefined;
  };
  const keep = (point: Uint8Array): Uint8Array => {
    const uncompressed = native.publicKeyConvert(point, false);
    slots[slotOf(point)] = uncompressed;
    return uncompressed;
  };
  return {
    uncompressed: (point) => kept(point) ?? keep(point),
    known(point) {
      const found = kept(point);
      if (found !== undefined) return found;
      const slot = slotOf(point);
      const mark = markOf(point);
      if (asked[slot] === mark) return keep(point);
      asked[slot] = mark;
      return point;
    },
  };
}

function slotOf(point: Uint8Array): number {
  return (((point[31] ?? 0) << 8) | (point[32] ?? 0)) % slotCount;
}

/** Two points with the same mark are one point, or next to never another: then one of them is converted too early. */
function markOf(point: Uint8Array): number {
  const [, a = 0, b = 0, c = 0, d = 0] = point;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/**
 * Both forms have x behind their first byte; the compressed one's first byte is 2 for an even y and 3 for an odd one.
 */
function isSamePoint(uncompressed: Uint8Array, compressed: Uint8Array): boolean {
  if (compressed[0] !== 2 + ((uncompressed[64] ?? 0) & 1)) return false;
  for (let i = 1; i < 33; i++) if (uncompressed[i] !== compressed[i]) return false;
  return true;
}

/** Buckets of one bound's history. */
export const bucketCount = 32;
/** What one observation adds to its bucket. @ldk BUCKET_FIXED_POINT_ONE */
export const onePoint = 32;
/** Shares of a capacity are counted in 2^14ths. */
export const positions = 1 << 14;

/**
 * Where the buckets begin, in 2^14ths of the capacity; the last one is where they end. They are finest at both ends.
 */
export const bucketStarts: readonly number[] = [
  0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3072, 4096, 6144, 8192, 10240, 12288, 13312, 14336,
  15360, 15872, 16128, 16256, 16320, 16352, 16368, 16376, 16380, 16382, 16383, 16384,
];

/** Where `amount` stands in `capacity`, in 2^14ths; `positions` and above when it is beyond. */
export function positionOf(amount: number, capacity: number): number {
  return Math.floor((amount * positions) / (capacity + 1));
}

function bucketOf(position: number): number {
  let bucket = 0;
  while (position >= (bucketStarts[bucket + 1] ?? positions)) bucket++;
  return bucket;
}

/**
 * Notes one observation of a bound: `offset` msat from its end of `capacity`. All that was noted before weighs a little
 * less then; no bucket exceeds 63,489. One that is beyond the capacity, which has changed then, is not noted.
 */
export function track(buckets: Uint16Array, offset: number, capacity: number): void {
  const position = positionOf(offset, capacity);
  if (position >= positions) return;
  for (let i = 0; i < buckets.length; i++) buckets[i] = ((buckets[i] ?? 0) * 2047) >>> 11;
  const bucket = bucketOf(position);
  buckets[bucket] = Math.min(0xffff, (buckets[bucket] ?? 0) + onePoint);
}

/** Takes off what `halfLives` take off, in 1,024ths rounded down. */
export function fade(buckets: Uint16Array, halfLives: number): void {
  const factor = Math.floor(1024 * 0.5 ** halfLives);
  for (let i = 0; i < buckets.length; i++) buckets[i] = ((buckets[i] ?? 0) * factor) >>> 10;
}

/** Brings buckets half-way to `others`. */
export function average(buckets: Uint16Array, others: Uint16Array): void {
  for (let i = 0; i < buckets.length; i++) buckets[i] = ((buckets[i] ?? 0) + (others[i] ?? 0)) >>> 1;
}

/** A bit for each bucket that is not empty. */
export function filledBuckets(buckets: Uint16Array): number {
  let mask = 0;
  for (let i = 0; i < bucketCount; i++) if (buckets[i] !== 0) mask |= 1 << i;
  return mask >>> 0;
}

/**
 * The weight of all pairs of a lower and an upper bound that can both hold: the fourth power of what is in their
 * buckets, which tells better than the first.
 */
export function weightOf(min: Uint16Array, max: Uint16Array): number {
  let total = 0;
  for (let i = 0; i < bucketCount; i++) {
    const least = min[i] ?? 0;
    if (least === 0) continue;
    for (let j = 0; j < bucketCount - i; j++) {
      const weight = least * (max[j] ?? 0);
      total += weight * weight;
    }
  }
  return total;
}

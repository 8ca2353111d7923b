import type { ShortChannelId } from "./ids.ts";

/** Where a short channel id points: BOLT 7, "Definition of short_channel_id". */
export interface ShortChannelIdParts {
  /** 0..2^24-1 */
  readonly height: number;
  /** Index of the transaction in its block, 0..2^24-1. */
  readonly txIndex: number;
  /** Index of the output, 0..2^16-1. */
  readonly outputIndex: number;
}

export function shortChannelId({ height, txIndex, outputIndex }: ShortChannelIdParts): ShortChannelId {
  return ((BigInt(height) << 40n) | (BigInt(txIndex) << 16n) | BigInt(outputIndex)) as ShortChannelId;
}

export function shortChannelIdParts(id: ShortChannelId): ShortChannelIdParts {
  return {
    height: Number(id >> 40n),
    txIndex: Number((id >> 16n) & 0xff_ffffn),
    outputIndex: Number(id & 0xffffn),
  };
}

/** `539268x845x1` */
export function formatShortChannelId(id: ShortChannelId): string {
  const { height, txIndex, outputIndex } = shortChannelIdParts(id);
  return `${height}x${txIndex}x${outputIndex}`;
}

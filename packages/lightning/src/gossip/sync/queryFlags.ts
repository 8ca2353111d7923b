// Bits of the flags in `query_short_channel_ids`: BOLT 7, "The query_short_channel_ids/reply_short_channel_ids_end
// Messages". Those of a pair are of node one and node two.

export const wantsAnnouncement = 1;
export const wantsUpdate = [2, 4] as const;
export const wantsNode = [8, 16] as const;
export const wantsAll = 31;

// Bits of `query_option` in `query_channel_range`.

export const wantsTimestamps = 1n;
export const wantsChecksums = 2n;

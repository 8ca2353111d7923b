import { compareBytes, concatBytes, equalBytes } from "../../util/bytes.ts";
import { type ChannelTable, channelState } from "./channelTable.ts";

/** The two keys of a funding output, in the order of its script (BOLT 3, "Funding Transaction Output"): 66 bytes. */
export type FundingKeys = Uint8Array;

/**
 * The slots of announced channels whose funding outputs pay to any of these pairs of keys. Looks through all channels,
 * in some milliseconds: for each block is often enough.
 */
export function slotsFundedBy(channels: ChannelTable, pairs: readonly FundingKeys[]): readonly number[] {
  if (pairs.length === 0) return [];
  const starts = new Set(pairs.map(startOf));
  const found: number[] = [];
  for (let slot = 0; slot < channels.limit; slot++) {
    if (!channels.is(slot, channelState.hasMessage)) continue;
    const [one, two] = channels.announcements.bitcoinKeys(slot);
    if (!starts.has(startOf(one)) && !starts.has(startOf(two))) continue;
    const keys = compareBytes(one, two) < 0 ? concatBytes(one, two) : concatBytes(two, one);
    if (pairs.some((pair) => equalBytes(pair, keys))) found.push(slot);
  }
  return found;
}

/** Of a key: enough to pass over almost all others. */
function startOf(key: Uint8Array): number {
  return ((key[1] ?? 0) << 24) | ((key[2] ?? 0) << 16) | ((key[3] ?? 0) << 8) | (key[4] ?? 0);
}

import { decode, encode, Reader, rest, tlvs, versionedRecord, Writer } from "../../codec/index.ts";
import { ChannelLiquidities, liquidityTime } from "./channelLiquidities.ts";
import { bucketCount } from "./history.ts";

/*
 * Scores as bytes. Channels stand in the order of their ids. Their bounds are rows of one length, so that a count need
 * not be told, and cannot be wrong: id, both distances in msat, the three times in seconds. Their histories follow in
 * the same order: for each of both bounds a bit for each bucket that is not empty, the lowest first, and then for both
 * the points of these buckets.
 */
const boundsLength = 8 + 2 * 8 + 3 * 4;

const scoresRecord = versionedRecord(
  { version: 1, oldestReader: 1 },
  tlvs("scores", {
    bounds: { type: 0, codec: rest, required: true },
    histories: { type: 2, codec: rest, required: true },
  }),
);

/** What was learned as bytes: the same for equal scores. @ldk ProbabilisticScorer::write */
export function encodeScores(scores: ChannelLiquidities): Uint8Array {
  const bounds = new Writer(boundsLength * scores.size);
  const histories = new Writer(32 * scores.size);
  for (const entry of inOrder(scores)) {
    bounds.u32(scores.ids[2 * entry] ?? 0).u32(scores.ids[2 * entry + 1] ?? 0);
    for (const bound of [2 * entry, 2 * entry + 1]) writeAmount(bounds, scores.offsets[bound] ?? 0);
    for (let place = 0; place < liquidityTime.count; place++) {
      bounds.u32(Math.min(0xffff_ffff, scores.time(entry, place)));
    }
    for (const bound of [2 * entry, 2 * entry + 1]) histories.u32(scores.filled[bound] ?? 0);
    for (const bound of [2 * entry, 2 * entry + 1]) {
      for (const points of scores.historyOf(bound)) if (points !== 0) histories.u16(points);
    }
  }
  return encode(scoresRecord, { bounds: bounds.finish(), histories: histories.finish() });
}

/** What `encodeScores` gave; throws `DecodeError` on bytes that it would not give. */
export function decodeScores(bytes: Uint8Array): ChannelLiquidities {
  const { bounds, histories } = decode(scoresRecord, bytes);
  const scores = new ChannelLiquidities();
  const rows = new Reader(bounds);
  const points = new Reader(histories);
  let lastHigh = -1;
  let lastLow = -1;
  while (rows.remaining > 0) {
    const high = rows.u32();
    const low = rows.u32();
    if (high < lastHigh || (high === lastHigh && low <= lastLow)) throw rows.error("channels out of order");
    [lastHigh, lastLow] = [high, low];
    readEntry(scores, scores.findOrAdd(high, low, 0), { rows, points });
  }
  points.expectEnd();
  return scores;
}

function readEntry(
  scores: ChannelLiquidities,
  entry: number,
  { rows, points }: { readonly rows: Reader; readonly points: Reader },
): void {
  for (const bound of [2 * entry, 2 * entry + 1]) scores.offsets[bound] = readAmount(rows);
  for (let place = 0; place < liquidityTime.count; place++) scores.setTime(entry, place, rows.u32());
  const filled = [points.u32(), points.u32()];
  for (const [direction, mask] of filled.entries()) {
    const history = scores.historyOf(2 * entry + direction);
    for (let i = 0; i < bucketCount; i++) {
      if ((mask & (1 << i)) === 0) continue;
      const value = points.u16();
      if (value === 0) throw points.error("an empty bucket said to be filled");
      history[i] = value;
    }
  }
  scores.historyChanged(entry);
}

function inOrder({ ids, size }: ChannelLiquidities): readonly number[] {
  const high = (entry: number): number => ids[2 * entry] ?? 0;
  const low = (entry: number): number => ids[2 * entry + 1] ?? 0;
  return Array.from({ length: size }, (_, entry) => entry).sort(
    (a, b) => high(a) - high(b) || low(a) - low(b),
  );
}

function writeAmount(writer: Writer, amount: number): void {
  writer.u32(Math.floor(amount / 2 ** 32)).u32(amount % 2 ** 32);
}

/** msat below 2^53. */
function readAmount(reader: Reader): number {
  const high = reader.u32();
  if (high >= 2 ** 21) throw reader.error("more msat than there can be");
  return high * 2 ** 32 + reader.u32();
}

import { Reader } from "../../codec/index.ts";
import { ChannelLiquidities, liquidityTime } from "./channelLiquidities.ts";
import { bucketCount } from "./history.ts";

/**
 * Scores as LDK writes them (`ChannelLiquidities`, or a whole `ProbabilisticScorer` or `CombinedScorer`): what services
 * hand out to nodes that learn little by themselves, for `CombinedScorer.merge`. Histories of before LDK 0.0.117, of
 * eight buckets, count as empty. Throws `DecodeError` on anything else; a byte gives at most one entry.
 */
export function decodeLdkScores(bytes: Uint8Array): ChannelLiquidities {
  const scores = new ChannelLiquidities();
  const reader = new Reader(bytes);
  readRecords(reader, (type, entries) => {
    if (type !== 0) return false;
    for (let left = readCount(entries); left > 0; left--) {
      const high = entries.u32();
      const low = entries.u32();
      if (scores.find(high, low) >= 0) throw entries.error("a channel twice");
      readEntry(scores, scores.findOrAdd(high, low, 0), entries);
    }
    return true;
  });
  reader.expectEnd();
  return scores;
}

/** The records of `ChannelLiquidity`. Those that are missing take the time of the last update, as in LDK. */
function readEntry(scores: ChannelLiquidities, entry: number, reader: Reader): void {
  const found = new Set<number>();
  readRecords(reader, (type, value) => {
    found.add(type);
    switch (type) {
      case 0:
      case 2:
        scores.offsets[2 * entry + type / 2] = readAmount(value);
        return true;
      case 4:
        scores.times.fill(readTime(value), liquidityTime.count * entry, liquidityTime.count * (entry + 1));
        return true;
      case 5:
      case 7:
        readBuckets(value, scores.historyOf(2 * entry + (type === 5 ? 0 : 1)));
        return true;
      case 9:
        scores.setTime(entry, liquidityTime.history, readTime(value));
        return true;
      case 11:
        scores.setTime(entry, liquidityTime.datapoint, readTime(value));
        return true;
      default:
        return false;
    }
  });
  if ([0, 2, 4].some((type) => !found.has(type))) throw reader.error("a bound or its time is missing");
  scores.historyChanged(entry);
}

function readBuckets(reader: Reader, history: Uint16Array): void {
  readRecords(reader, (type, buckets) => {
    if (type !== 0) return false;
    for (let i = 0; i < bucketCount; i++) history[i] = buckets.u16();
    return true;
  });
}

/** A TLV stream behind its length. `take` says whether it took the value; even types that nobody takes are refused. */
function readRecords(reader: Reader, take: (type: number, value: Reader) => boolean): void {
  const stream = subReader(reader);
  let last = -1;
  while (stream.remaining > 0) {
    const type = Number(stream.bigSize());
    if (type <= last) throw stream.error(`record ${type} after ${last}`);
    last = type;
    const value = subReader(stream);
    if (take(type, value)) value.expectEnd();
    else if (type % 2 === 0) throw stream.error(`unknown even record ${type}`);
  }
}

function subReader(reader: Reader): Reader {
  const length = reader.bigSize();
  if (length > reader.remaining) throw reader.error(`${length} bytes claimed, ${reader.remaining} left`);
  return reader.sub(Number(length));
}

/** A length as LDK writes that of a collection: two bytes, or eight more behind the greatest of these. */
function readCount(reader: Reader): number {
  const short = reader.u16();
  if (short < 0xffff) return short;
  const long = reader.u64() + 0xffffn;
  if (long > BigInt(reader.remaining))
    throw reader.error(`${long} entries claimed, ${reader.remaining} bytes left`);
  return Number(long);
}

/** Seconds; LDK writes the nanoseconds, too. */
function readTime(reader: Reader): number {
  const seconds = reader.u64();
  reader.u32();
  if (seconds > 0xffff_ffffn) throw reader.error(`time ${seconds}`);
  return Number(seconds);
}

function readAmount(reader: Reader): number {
  const amount = reader.u64();
  if (amount > BigInt(Number.MAX_SAFE_INTEGER)) throw reader.error(`${amount} msat`);
  return Number(amount);
}

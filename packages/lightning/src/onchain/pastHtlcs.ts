import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import { concatBytes, fromHex } from "../util/bytes.ts";
import { type CommitmentNumber, commitmentNumber, htlcId, paymentHashOf } from "../util/ids.ts";
import { msat } from "../util/units.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";

/** An HTLC that is on revoked commitments of the peer only: from `entered` on, before `left`. */
export interface PastHtlc {
  readonly htlc: MonitoredHtlc;
  readonly entered: CommitmentNumber;
  readonly left: CommitmentNumber;
}

/**
 * All past HTLCs of a channel, the latest first. They are read when the peer cheats, and are most of what a node keeps
 * in memory of an old channel: so each is packed into `packedLength` bytes, a tenth of what it is as an object. A list
 * shares its tail with the one that it was made of, and each part is longer than the one before it: adding to it costs
 * little, however old the channel is.
 */
export interface PastHtlcs {
  readonly packed: Uint8Array;
  readonly before?: PastHtlcs;
}

/** Direction, id, amount, payment hash and expiry. */
const htlcLength = 1 + 8 + 8 + 32 + 4;
const packedLength = 8 + 8 + htlcLength;

/** `past` with `retired` in front. */
export function withPast(past: PastHtlcs | undefined, retired: readonly PastHtlc[]): PastHtlcs | undefined {
  if (retired.length === 0) return past;
  const parts = [packedOf(retired)];
  let length = retired.length * packedLength;
  let before = past;
  for (; before !== undefined && before.packed.length <= length; before = before.before) {
    parts.push(before.packed);
    length += before.packed.length;
  }
  return { packed: concatBytes(...parts), ...(before && { before }) };
}

/** Those that were on the peer's commitment `number`. */
export function pastHtlcsOn(past: PastHtlcs | undefined, number: CommitmentNumber): readonly MonitoredHtlc[] {
  return read(past, ({ entered, left }) => entered <= number && number < left).map(({ htlc }) => htlc);
}

/** All of them. */
export function allPastHtlcs(past: PastHtlcs | undefined): readonly PastHtlc[] {
  return read(past, () => true);
}

function packedOf(htlcs: readonly PastHtlc[]): Uint8Array {
  const writer = new Writer(htlcs.length * packedLength);
  for (const { htlc, entered, left } of htlcs) {
    const { direction, id, amount, paymentHash, cltvExpiry } = htlc;
    writer.u64(BigInt(entered)).u64(BigInt(left));
    writer
      .u8(direction === "incoming" ? 1 : 0)
      .u64(id)
      .u64(amount);
    writer.bytes(fromHex(paymentHash)).u32(cltvExpiry);
  }
  return writer.finish();
}

/** The rest of those that are not wanted is passed over. */
function read(
  past: PastHtlcs | undefined,
  isWanted: (interval: Pick<PastHtlc, "entered" | "left">) => boolean,
): readonly PastHtlc[] {
  const found: PastHtlc[] = [];
  for (let part = past; part !== undefined; part = part.before) {
    const reader = new Reader(part.packed);
    while (reader.remaining > 0) {
      const entered = commitmentNumber(Number(reader.u64()));
      const left = commitmentNumber(Number(reader.u64()));
      const packed = reader.sub(htlcLength);
      if (isWanted({ entered, left })) found.push({ htlc: readHtlc(packed), entered, left });
    }
  }
  return found;
}

function readHtlc(reader: Reader): MonitoredHtlc {
  return {
    direction: reader.u8() === 1 ? "incoming" : "outgoing",
    id: htlcId(reader.u64()),
    amount: msat(reader.u64()),
    paymentHash: paymentHashOf(reader.bytes(32)),
    cltvExpiry: reader.u32(),
  };
}

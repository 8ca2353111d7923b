import { KeyedHmac } from "../crypto/keyedHmac.ts";
import { concatBytes, equalSecrets, noBytes } from "../util/bytes.ts";
import type { AttributionData } from "../wire/commitment.ts";
import { applyStream, applyStreamInPlace, onionKey } from "./onionKeys.ts";

/** Hops for which attribution data has room: BOLT 4, "Initialization of attribution_data". */
const attributionHops = 20;
const holdTimesLength = attributionHops * 4;
const hmacCount = (attributionHops * (attributionHops + 1)) / 2;
/** Of an HMAC, so many bytes are kept. */
const hmacLength = 4;
/** Length of `attribution_data`: 20 hold times and 210 truncated HMACs of 4 bytes each. */
export const attributionDataLength = holdTimesLength + hmacCount * hmacLength;

/** The two fields of a message as one piece of `attributionDataLength` bytes, which is what all but messages have. */
export function attributionBytes({ htlcHoldTimes, truncatedHmacs }: AttributionData): Uint8Array {
  return concatBytes(htlcHoldTimes, truncatedHmacs);
}

/** The fields of a message, as views of that piece. */
export function attributionFields(data: Uint8Array): AttributionData {
  return { htlcHoldTimes: data.subarray(0, holdTimesLength), truncatedHmacs: data.subarray(holdTimesLength) };
}

/** What a node adds to the attribution data on its way back. */
export interface Attribution {
  readonly sharedSecret: Uint8Array;
  /** The return packet before this node's own obfuscation; empty for a success. */
  readonly returnPacket: Uint8Array;
  /** How long the node held the HTLC, in units of 100 milliseconds; clamped to a u32. */
  readonly holdTime: number;
  /** What came from downstream; `undefined` at the erring or final node, or when downstream sent none. */
  readonly downstream: Uint8Array | undefined;
}

/**
 * The attribution data that this node sends upstream: BOLT 4, "Transformation" and "Update of attribution_data".
 *
 * @ldk lightning::ln::onion_utils::AttributionData
 */
export function attribute(node: Attribution): Uint8Array {
  const { sharedSecret, returnPacket, holdTime, downstream } = node;
  const data = downstream === undefined ? new Uint8Array(attributionDataLength) : shifted(downstream);
  viewOf(data).setUint32(0, Math.min(Math.max(Math.trunc(holdTime), 0), 0xffff_ffff));
  const hmac = new AttributionHmac(sharedSecret, returnPacket);
  for (let distance = 0; distance < attributionHops; distance++) {
    const digest = hmac.of(data, distance);
    const offset = hmacOffset(0, distance);
    for (let i = 0; i < hmacLength; i++) data[offset + i] = digest[i] ?? 0;
  }
  return applyStreamInPlace(onionKey("ammagext", sharedSecret), data);
}

/** What the origin read from attribution data. */
export interface AttributionReading {
  /** Hold times of the hops whose HMAC was right, from the first hop on, in units of 100 milliseconds. */
  readonly holdTimes: readonly number[];
  /**
   * The first hop whose HMAC was wrong: it or the hop before it tampered, or it does not support attribution.
   * `undefined` when all were right.
   */
  readonly failedAt: number | undefined;
}

/**
 * Reads attribution data at the origin, round by round. As long as a round is below `rounds`, it does the same work
 * whether it is for a hop of the path or for nothing: over all of them neither the path's length nor the place of a
 * failure shows in the time.
 */
export class AttributionReader {
  /** Rounds that take time. */
  static readonly rounds = attributionHops;
  readonly #hops: number;
  #data: Uint8Array | undefined;
  readonly #holdTimes: number[] = [];
  #failedAt: number | undefined;

  /**
   * `hops`: length of the path, without what is behind a blinded path's introduction node. More than 20 hops cannot be
   * attributed.
   */
  constructor(data: Uint8Array | undefined, hops: number) {
    this.#hops = hops;
    this.#data = hops <= attributionHops ? data : undefined;
  }

  /** Whether there is data to read. */
  get present(): boolean {
    return this.#data !== undefined;
  }

  /**
   * Takes off the layer of hop `round`; `returnPacket` without that hop's obfuscation. `counts` is `false` behind the
   * erring hop: then nothing is learned, in the same time. `isLast`: there is no further round.
   */
  next(
    round: number,
    sharedSecret: Uint8Array,
    what: { readonly returnPacket: Uint8Array; readonly counts: boolean; readonly isLast?: boolean },
  ): void {
    if (this.#data === undefined || round >= attributionHops) return;
    const data = applyStream(onionKey("ammagext", sharedSecret), this.#data);
    // Behind the path's end come the distances that the hops have left over.
    const distance = round < this.#hops ? this.#hops - 1 - round : round;
    const offset = hmacOffset(0, distance);
    const expected = new AttributionHmac(sharedSecret, what.returnPacket).of(data, distance);
    const fits = equalSecrets(expected.subarray(0, hmacLength), data.subarray(offset, offset + hmacLength));
    const rest = what.isLast ? undefined : unshifted(data);
    if (round >= this.#hops || !what.counts || this.#failedAt !== undefined) return;
    if (fits) {
      this.#holdTimes.push(viewOf(data).getUint32(0));
      this.#data = rest;
    } else this.#failedAt = round;
  }

  finish(): AttributionReading {
    return { holdTimes: this.#holdTimes, failedAt: this.#failedAt };
  }
}

/**
 * Hold times of a payment that succeeded: BOLT 4, "Hold times for successful payments". `undefined` when there is no
 * usable data.
 */
export function readFulfillAttribution(
  data: Uint8Array | undefined,
  sharedSecrets: readonly Uint8Array[],
): AttributionReading | undefined {
  const reader = new AttributionReader(data, sharedSecrets.length);
  if (!reader.present) return undefined;
  for (const [index, secret] of sharedSecrets.entries()) {
    const isLast = index === sharedSecrets.length - 1;
    reader.next(index, secret, { returnPacket: noBytes, counts: true, isLast });
  }
  return reader.finish();
}

/**
 * Where the HMAC of the node `hop` places downstream lies that supposes itself `distance` hops from the erring node:
 * each hop's row is one shorter than the one before, the greatest distance first.
 */
function hmacOffset(hop: number, distance: number): number {
  const rowStart = hop * attributionHops - (hop * (hop - 1)) / 2;
  return holdTimesLength + 4 * (rowStart + (attributionHops - 1 - hop - distance));
}

/** The truncated HMACs of one node over a return packet and what is behind it. */
class AttributionHmac {
  readonly #hmac: KeyedHmac;
  /** Where the hold times follow the packet. */
  readonly #start: number;

  constructor(sharedSecret: Uint8Array, returnPacket: Uint8Array) {
    this.#start = returnPacket.length;
    this.#hmac = new KeyedHmac(onionKey("um", sharedSecret), this.#start + 8 * attributionHops);
    this.#hmac.message.set(returnPacket);
  }

  /**
   * For a node that supposes itself `distance` hops from the erring node: over its hold times and HMACs up to there.
   * Not truncated yet.
   */
  of(data: Uint8Array, distance: number): Uint8Array {
    const { message } = this.#hmac;
    let end = this.#start;
    for (let i = 0; i < 4 * (distance + 1); i++) message[end++] = data[i] ?? 0;
    for (let hop = 1; hop <= distance; hop++) {
      const offset = hmacOffset(hop, distance - hop);
      for (let i = 0; i < hmacLength; i++) message[end++] = data[offset + i] ?? 0;
    }
    return this.#hmac.digest(end);
  }
}

/** Makes room for a node in front: every hop moves by one, and what would be 21 hops away falls off. */
function shifted(data: Uint8Array): Uint8Array {
  const result = new Uint8Array(attributionDataLength);
  result.set(data.subarray(0, holdTimesLength - 4), 4);
  for (let hop = 1; hop < attributionHops; hop++) moveRow(data, hop - 1, { result, to: hop });
  return result;
}

/** Undoes `shifted`, with zeros for what fell off. */
function unshifted(data: Uint8Array): Uint8Array {
  const result = new Uint8Array(attributionDataLength);
  result.set(data.subarray(4, holdTimesLength));
  for (let hop = 1; hop < attributionHops; hop++) moveRow(data, hop, { result, to: hop - 1 });
  return result;
}

/** The HMACs that both rows have: distances 0 up to what fits in the shorter. */
function moveRow(data: Uint8Array, from: number, { result, to }: { result: Uint8Array; to: number }): void {
  const count = attributionHops - Math.max(from, to);
  const source = hmacOffset(from, count - 1);
  result.set(data.subarray(source, source + 4 * count), hmacOffset(to, count - 1));
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.length);
}

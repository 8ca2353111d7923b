import { toHex } from "@fulmen/bitcoin/primitives";
import { decodeMessage, encodeMessage, type LightningMessage } from "@fulmen/lightning/wire";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";

/**
 * How fast three typical messages are decoded by the declared codecs, against code written by hand; in microseconds.
 */
export async function codecBench(rounds: number): Promise<BenchResult> {
  const cases = samples.map(({ message, byHand }): MeasuredCase => {
    const bytes = encodeMessage(message);
    const expected = JSON.stringify(decodeMessage(bytes), shown);
    if (JSON.stringify(byHand(bytes), shown) !== expected) {
      throw new Error(`${message.type} is read differently`);
    }
    const timings = Array.from({ length: rounds }, () =>
      compareSpeed(
        () => decodeMessage(bytes),
        () => byHand(bytes),
      ),
    );
    return {
      name: message.type,
      unit: "us",
      better: "lower",
      ours: median(timings.map(([declared]) => declared)),
      rival: { name: "by hand", figure: median(timings.map(([, hand]) => hand)) },
    };
  });
  if (sink === undefined) throw new Error("nothing was measured");
  return {
    cases,
    notes: ["the code by hand does nothing that the declared codecs leave out, and no checks of records"],
  };
}

function shown(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? toHex(value) : value;
}

/** Microseconds a call, of each: the best of rounds that take turns, so that both meet the same weather. */
function compareSpeed(first: () => unknown, second: () => unknown): readonly [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 25; round++) {
    best[0] = Math.min(best[0], timeOf(first));
    best[1] = Math.min(best[1], timeOf(second));
  }
  return best;
}

let sink: unknown;

function timeOf(work: () => unknown): number {
  const calls = 4000;
  const started = performance.now();
  for (let i = 0; i < calls; i++) sink = work();
  return ((performance.now() - started) * 1000) / calls;
}

// The decoders that one would write by hand: one function for each message, straight through a DataView.

class HandReader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
  }

  take(length: number): Uint8Array {
    const start = this.at;
    if (start + length > this.bytes.length) throw new RangeError("too short");
    this.at = start + length;
    return this.bytes.slice(start, start + length);
  }

  u8(): number {
    this.at += 1;
    return this.view.getUint8(this.at - 1);
  }

  u16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2);
  }

  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }

  u64(): bigint {
    this.at += 8;
    return this.view.getBigUint64(this.at - 8);
  }

  noRecords(): Record<string, never> {
    if (this.at !== this.bytes.length) throw new RangeError("records are not part of this comparison");
    return {};
  }
}

function updateAddHtlcByHand(bytes: Uint8Array): unknown {
  const reader = new HandReader(bytes, 2);
  return {
    type: "update_add_htlc",
    channelId: toHex(reader.take(32)),
    id: reader.u64(),
    amountMsat: reader.u64(),
    paymentHash: toHex(reader.take(32)),
    cltvExpiry: reader.u32(),
    onionRoutingPacket: reader.take(1366),
    tlvs: reader.noRecords(),
  };
}

function channelUpdateByHand(bytes: Uint8Array): unknown {
  const reader = new HandReader(bytes, 2);
  return {
    type: "channel_update",
    signature: reader.take(64),
    chainHash: toHex(reader.take(32).reverse()),
    shortChannelId: reader.u64(),
    timestamp: reader.u32(),
    messageFlags: reader.u8(),
    channelFlags: reader.u8(),
    cltvExpiryDelta: reader.u16(),
    htlcMinimumMsat: reader.u64(),
    feeBaseMsat: BigInt(reader.u32()),
    feeProportionalMillionths: reader.u32(),
    htlcMaximumMsat: reader.u64(),
    unknownFields: reader.take(bytes.length - reader.at),
  };
}

function commitmentSignedByHand(bytes: Uint8Array): unknown {
  const reader = new HandReader(bytes, 2);
  const channelId = toHex(reader.take(32));
  const signature = reader.take(64);
  const count = reader.u16();
  const htlcSignatures: Uint8Array[] = [];
  for (let i = 0; i < count; i++) htlcSignatures.push(reader.take(64));
  return { type: "commitment_signed", channelId, signature, htlcSignatures, tlvs: reader.noRecords() };
}

/** A message of a type, out of numbered bytes: `length` bytes behind the type number. */
function sampleOf(typeNumber: number, body: readonly Uint8Array[]): LightningMessage {
  const payload = body.flatMap((part) => [...part]);
  const message = decodeMessage(Uint8Array.from([typeNumber >> 8, typeNumber & 0xff, ...payload]));
  if (message.type === "unknown") throw new Error(`no message of type ${typeNumber}`);
  return message;
}

function numbered(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index & 0xff);
}

const samples: readonly {
  readonly message: LightningMessage;
  readonly byHand: (bytes: Uint8Array) => unknown;
}[] = [
  { message: sampleOf(128, [numbered(32 + 8 + 8 + 32 + 4 + 1366)]), byHand: updateAddHtlcByHand },
  {
    message: sampleOf(258, [numbered(64 + 32 + 8 + 4 + 2 + 2 + 8 + 4 + 4 + 8)]),
    byHand: channelUpdateByHand,
  },
  {
    message: sampleOf(132, [numbered(32 + 64), Uint8Array.of(0, 30), numbered(30 * 64)]),
    byHand: commitmentSignedByHand,
  },
];

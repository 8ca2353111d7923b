import { networks } from "@fulmen/bitcoin/network";
import { Writer } from "@fulmen/lightning/codec";
import { blockHashToInternal, fromHex } from "@fulmen/lightning/util";
import type { DumpedChannel, DumpedPolicy, GraphDump } from "@fulmen/testkit/routing";

/**
 * The dump as LDK 0.1 writes its `NetworkGraph`: reading it takes two seconds, telling LDK of each channel minutes.
 * Terms are as old as `now`, seconds since 1970. An `htlc_maximum_msat` above the capacity is lowered to it, as in
 * `loadInto`.
 */
export function ldkGraphBytes({ nodes, channels }: GraphDump, now: number): Uint8Array {
  const points = nodes.map(({ nodeId }) => fromHex(nodeId));
  const channelsOf = nodes.map((): bigint[] => []);
  const writer = new Writer(200 * channels.length);
  // The version, and the least one that a reader has to know.
  writer.u8(1).u8(1).bytes(blockHashToInternal(networks.mainnet.genesisHash)).u64(BigInt(channels.length));
  for (const channel of channels) {
    const [one, two] = [points[channel.nodeOne], points[channel.nodeTwo]];
    if (one === undefined || two === undefined) throw new Error("a channel of no node");
    channelsOf[channel.nodeOne]?.push(channel.shortChannelId);
    channelsOf[channel.nodeTwo]?.push(channel.shortChannelId);
    writer.u64(channel.shortChannelId).withLength(() => {
      writeChannel(writer, channel, [one, two], now);
    });
  }
  // LDK has no node without channels.
  const used = [...points.entries()].filter(([index]) => channelsOf[index]?.length);
  writer.u64(BigInt(used.length));
  for (const [index, point] of used) {
    writer.bytes(point).withLength(() => {
      field(writer, 4, () => {
        for (const id of channelsOf[index] ?? []) writer.u64(id);
      });
    });
  }
  return writer.bigSize(0).finish();
}

function writeChannel(
  writer: Writer,
  { capacity, oneToTwo, twoToOne }: DumpedChannel,
  [one, two]: readonly [Uint8Array, Uint8Array],
  now: number,
): void {
  const maximum = capacity * 1000;
  // No features.
  field(writer, 0, () => writer.u16(0));
  field(writer, 1, () => writer.u64(BigInt(now)));
  field(writer, 2, () => writer.bytes(one));
  field(writer, 4, () => option(writer, oneToTwo && terms(oneToTwo, maximum, now)));
  field(writer, 6, () => writer.bytes(two));
  field(writer, 8, () => option(writer, twoToOne && terms(twoToOne, maximum, now)));
  field(writer, 10, () => option(writer, amount(capacity)));
  field(writer, 12, () => option(writer, undefined));
}

function terms(policy: DumpedPolicy, maximum: number, now: number): Uint8Array {
  const writer = new Writer(80);
  const { htlcMinimum, htlcMaximum, feeBase, feeProportionalMillionths, cltvExpiryDelta } = policy;
  return writer
    .withLength(() => {
      field(writer, 0, () => writer.u32(now));
      field(writer, 2, () => writer.u8(1));
      field(writer, 4, () => writer.u16(cltvExpiryDelta));
      field(writer, 6, () => writer.u64(BigInt(htlcMinimum)));
      field(writer, 8, () => option(writer, amount(Math.min(htlcMaximum, maximum))));
      field(writer, 10, () =>
        writer.withLength(() => {
          field(writer, 0, () => writer.u32(feeBase));
          field(writer, 2, () => writer.u32(feeProportionalMillionths));
        }),
      );
      field(writer, 12, () => option(writer, undefined));
    })
    .finish();
}

function field(writer: Writer, type: number, write: () => void): void {
  writer.bigSize(type).withLength(write);
}

/** Behind its length and one more, so that 0 stands for nothing. */
function option(writer: Writer, value: Uint8Array | undefined): void {
  if (value === undefined) writer.u8(0);
  else writer.bigSize(value.length + 1).bytes(value);
}

function amount(value: number): Uint8Array {
  return new Writer(8).u64(BigInt(value)).finish();
}

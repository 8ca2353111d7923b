import { writeFileSync } from "node:fs";
import { networks } from "@fulmen/bitcoin/network";
import { blockHashToInternal, fromHex } from "@fulmen/bitcoin/primitives";
import { type DumpedChannel, type GraphDump, nodeIdAt } from "@fulmen/testkit/routing";
import * as ldk from "lightningdevkit";
import { benchGraph } from "../benchGraph.ts";
import { type GraphSample, graphTime, timed } from "../graphSample.ts";
import { loadLdk } from "./loadLdk.ts";

// Loads LDK's graph and measures that. The file that the parameter names gets it as LDK writes it.
await loadLdk();
const { dump } = benchGraph();
const logger = ldk.Logger.new_impl({ log: () => {} });
const features = ldk.ChannelFeatures.constructor_empty();
const chainHash = blockHashToInternal(networks.mainnet.genesisHash);
const noBytes = new Uint8Array(0);

const started = performance.now();
const graph = newGraph();
await loadAll(graph, dump);
const loadMs = performance.now() - started;

const written = timed(() => graph.write());
const read = timed(() => ldk.NetworkGraph.constructor_read(written.result, logger));
if (!(read.result instanceof ldk.Result_NetworkGraphDecodeErrorZ_OK)) throw new Error("not read");
writeFileSync(process.argv[2] ?? "", written.result);
const sample: GraphSample = {
  channels: channelCount(read.result.res),
  loadMs,
  writeMs: written.ms,
  readMs: read.ms,
  bytes: written.result.length,
};
process.stdout.write(JSON.stringify(sample));

function newGraph(): ldk.NetworkGraph {
  return ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Bitcoin, logger);
}

function channelCount(of: ldk.NetworkGraph): number {
  const view = of.read_only();
  const { length } = view.list_channels();
  view.free();
  return length;
}

/** Lets the collector run now and then: without turns, the bindings keep every object. */
async function loadAll(into: ldk.NetworkGraph, from: GraphDump): Promise<void> {
  for (const [index, channel] of from.channels.entries()) {
    load(into, from, channel);
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function load(into: ldk.NetworkGraph, from: GraphDump, channel: DumpedChannel): void {
  const { shortChannelId, capacity } = channel;
  const ends = [channel.nodeOne, channel.nodeTwo].map((index) => fromHex(nodeIdAt(from, index)));
  const [one = noBytes, two = noBytes] = ends;
  into.add_channel_from_partial_announcement(shortChannelId, BigInt(graphTime), features, one, two);
  for (const [direction, policy] of [channel.oneToTwo, channel.twoToOne].entries()) {
    if (policy === undefined) continue;
    const update = ldk.UnsignedChannelUpdate.constructor_new(
      chainHash,
      shortChannelId,
      graphTime,
      1,
      direction,
      policy.cltvExpiryDelta,
      BigInt(policy.htlcMinimum),
      BigInt(Math.min(policy.htlcMaximum, capacity * 1000)),
      policy.feeBase,
      policy.feeProportionalMillionths,
      noBytes,
    );
    into.update_channel_unsigned(update);
  }
}

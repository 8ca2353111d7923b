import { readFileSync } from "node:fs";
import { networks } from "@fulmen/bitcoin/network";
import { DecodeError } from "@fulmen/lightning/codec";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { equalBytes, fromHex, toHex, type UnixSeconds } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit/network";
import { mutated } from "./mutate.ts";
import type { FuzzOptions } from "./target.ts";

const options = { chainHash: networks.regtest.genesisHash };
/** Long after everything in the graph. */
const later = 4_000_000_000 as UnixSeconds;
/** Milliseconds that no graph of this size may take. */
const tooLong = 2000;

/**
 * A stored graph with bytes changed, cut, doubled and swapped: it is refused by a `DecodeError`, or read into a graph
 * that is consistent, is stored as the same bytes, and can be emptied.
 */
export function graphBytesCampaign({ seconds, seed, runs, say }: FuzzOptions): boolean {
  const until = Date.now() + seconds * 1000;
  const fixture = new URL("../../fixtures/gossip/graph-v1.hex", import.meta.url);
  const original = fromHex(readFileSync(fixture, "utf8").replaceAll(/\s/g, ""));
  let taken = 0;
  let run = 0;
  for (; run < runs && Date.now() < until; run++) {
    const bytes = mutated(original, new Dice(seed + run));
    const started = performance.now();
    const complaint = complaintAbout(bytes, () => taken++);
    const took = performance.now() - started;
    if (complaint === undefined && took < tooLong) continue;
    say(`seed ${seed + run}: ${complaint ?? `took ${took.toFixed(0)} ms`}`);
    say(toHex(bytes));
    return false;
  }
  say(`${run} graphs, ${taken} of them read, from seed ${seed}`);
  return true;
}

function complaintAbout(bytes: Uint8Array, onTaken: () => void): string | undefined {
  try {
    const graph = NetworkGraph.read(bytes, options);
    onTaken();
    return inconsistencyOf(graph, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

function inconsistencyOf(graph: NetworkGraph, bytes: Uint8Array): string | undefined {
  // The versions, in front, are ours when we write.
  if (!equalBytes(graph.write().subarray(2), bytes.subarray(2))) return "is stored as other bytes";
  const channels = [...graph.channels()];
  const ends = [...graph.nodes()].reduce((sum, node) => sum + node.channels.length, 0);
  if (channels.length !== graph.channelCount || ends !== 2 * channels.length)
    return "nodes and channels differ";
  const walked = channels.filter(({ shortChannelId: id }) => graph.channelFrom(id)?.shortChannelId === id);
  if (walked.length !== channels.length) return "channels are not in order";
  for (const { shortChannelId } of channels) graph.channelClosed(shortChannelId, later);
  return graph.channelCount === 0 && graph.nodeCount === 0 ? undefined : "something is left";
}

import { DecodeError } from "../../codec/index.ts";
import type { BlockHash, NodeId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { shortChannelId, shortChannelIdParts } from "../../util/shortChannelId.ts";
import {
  decodeQueryFlags,
  decodeShortChannelIds,
  encodeMessage,
  encodeShortChannelIds,
  encodeTimestamps,
  type QueryChannelRange,
  type QueryShortChannelIds,
} from "../../wire/index.ts";
import type { ChannelInfo, ChannelUpdateInfo, ReadOnlyNetworkGraph } from "../graph/graphEntries.ts";
import {
  wantsAll,
  wantsAnnouncement,
  wantsChecksums,
  wantsNode,
  wantsTimestamps,
  wantsUpdate,
} from "./queryFlags.ts";
import { updateChecksum } from "./updateChecksum.ts";

/** What queries are answered from. */
export interface QueriedGraph extends ReadOnlyNetworkGraph {
  readonly chainHash: BlockHash;
}

/** Ids in one reply: 8 bytes each, and the whole at most 65,535. @ldk MAX_SCIDS_PER_REPLY */
const maxIdsPerReply = 8000;
/** With timestamps or checksums, an id takes up 16 bytes. */
const maxTimedIdsPerReply = 4000;
/** With both, 24. */
const maxFullIdsPerReply = 2700;
/** Block heights in short channel ids are below. */
const heightLimit = 2 ** 24;

/**
 * The replies to `query_channel_range`: one after another they cover the asked blocks without a gap; a block with many
 * channels may stand in two. Only channels that could be relayed are named: those with an update.
 *
 * @ldk lightning::routing::gossip::P2PGossipSync::handle_query_channel_range
 */
export function* channelRangeReplies(
  graph: QueriedGraph,
  query: QueryChannelRange,
): Generator<Uint8Array, void, void> {
  const { chainHash, firstBlocknum, numberOfBlocks } = query;
  const options = query.tlvs.queryOption ?? 0n;
  const withTimestamps = (options & wantsTimestamps) !== 0n;
  const withChecksums = (options & wantsChecksums) !== 0n;
  const limit = idsPerReply(withTimestamps, withChecksums);
  const end = firstBlocknum + numberOfBlocks;
  let next = graph.chainHash === chainHash ? firstRelayable(graph, firstBlocknum, end) : undefined;
  let start = firstBlocknum;
  do {
    const channels: ChannelInfo[] = [];
    for (; next !== undefined && channels.length < limit; next = relayableFrom(graph, next, end)) {
      channels.push(next);
    }
    const nextStart = next === undefined ? end : heightOf(next);
    // The next reply may start in the block with which this one ends.
    const covered = next === undefined ? end : Math.max(heightOf(channels.at(-1) ?? next) + 1, nextStart);
    yield encodeMessage({
      type: "reply_channel_range",
      chainHash,
      firstBlocknum: start,
      numberOfBlocks: covered - start,
      syncComplete: next === undefined,
      encodedShortIds: encodeShortChannelIds(channels.map((channel) => channel.shortChannelId)),
      tlvs: {
        ...(withTimestamps && { timestampsTlv: encodeTimestamps(channels.map(timestampsOf)) }),
        ...(withChecksums && { checksumsTlv: channels.map(checksumsOf) }),
      },
    });
    start = nextStart;
  } while (next !== undefined);
}

/**
 * The messages that `query_short_channel_ids` asks for, each node's announcement once, and the message that ends the
 * answer. Refuses, with a sentence, what cannot be decoded or has not one flag for each id.
 */
export function shortChannelIdReplies(
  graph: QueriedGraph,
  query: QueryShortChannelIds,
): Result<Generator<Uint8Array, void, void>, string> {
  try {
    const ids = decodeShortChannelIds(query.encodedShortIds);
    const { queryFlags } = query.tlvs;
    const flags = queryFlags === undefined ? undefined : decodeQueryFlags(queryFlags);
    if (flags !== undefined && flags.length !== ids.length) {
      return err(`${flags.length} query flags for ${ids.length} channels`);
    }
    const isOurChain = query.chainHash === graph.chainHash;
    const wanted = isOurChain ? ids.map((id, i) => ({ id, flags: knownFlags(flags?.[i]) })) : [];
    return ok(asked(graph, query.chainHash, wanted));
  } catch (error) {
    if (error instanceof DecodeError) return err(error.message);
    throw error;
  }
}

/** The flags that mean something; all of them without any. */
function knownFlags(flags: bigint | undefined): number {
  return flags === undefined ? wantsAll : Number(flags & BigInt(wantsAll));
}

function* asked(
  graph: QueriedGraph,
  chainHash: BlockHash,
  wanted: readonly { readonly id: ChannelInfo["shortChannelId"]; readonly flags: number }[],
): Generator<Uint8Array, void, void> {
  const nodes = new Set<NodeId>();
  for (const { id, flags } of wanted) {
    const channel = graph.channel(id);
    if (channel === undefined || !isRelayable(channel)) continue;
    const { oneToTwo, twoToOne, nodeOne, nodeTwo } = channel;
    if (channel.message !== undefined && (flags & wantsAnnouncement) !== 0) yield channel.message;
    if (oneToTwo?.message !== undefined && (flags & wantsUpdate[0]) !== 0) yield oneToTwo.message;
    if (twoToOne?.message !== undefined && (flags & wantsUpdate[1]) !== 0) yield twoToOne.message;
    if ((flags & wantsNode[0]) !== 0) nodes.add(nodeOne);
    if ((flags & wantsNode[1]) !== 0) nodes.add(nodeTwo);
  }
  for (const nodeId of nodes) {
    const announcement = graph.node(nodeId)?.announcement;
    if (announcement?.message !== undefined) yield announcement.message;
  }
  const fullInformation = chainHash === graph.chainHash;
  yield encodeMessage({ type: "reply_short_channel_ids_end", chainHash, fullInformation });
}

function idsPerReply(withTimestamps: boolean, withChecksums: boolean): number {
  if (withTimestamps && withChecksums) return maxFullIdsPerReply;
  return withTimestamps || withChecksums ? maxTimedIdsPerReply : maxIdsPerReply;
}

function firstRelayable(graph: ReadOnlyNetworkGraph, height: number, end: number): ChannelInfo | undefined {
  if (height >= heightLimit) return undefined;
  return relayable(graph, shortChannelId({ height, txIndex: 0, outputIndex: 0 }), end);
}

function relayableFrom(graph: ReadOnlyNetworkGraph, last: ChannelInfo, end: number): ChannelInfo | undefined {
  return relayable(graph, last.shortChannelId + 1n, end);
}

/** The first channel that could be relayed, with an id of `from` or above, in a block below `end`. */
function relayable(graph: ReadOnlyNetworkGraph, from: bigint, end: number): ChannelInfo | undefined {
  let channel = graph.channelFrom(from);
  while (channel !== undefined && heightOf(channel) < end) {
    if (isRelayable(channel)) return channel;
    channel = graph.channelFrom(channel.shortChannelId + 1n);
  }
  return undefined;
}

/** What came unsigned cannot be relayed. */
function isRelayable({ message, oneToTwo, twoToOne }: ChannelInfo): boolean {
  if (message === undefined) return false;
  return oneToTwo?.message !== undefined || twoToOne?.message !== undefined;
}

function heightOf(channel: ChannelInfo): number {
  return shortChannelIdParts(channel.shortChannelId).height;
}

function timestampsOf({ oneToTwo, twoToOne }: ChannelInfo) {
  return { timestampNodeId1: timestampOf(oneToTwo), timestampNodeId2: timestampOf(twoToOne) };
}

function checksumsOf({ oneToTwo, twoToOne }: ChannelInfo) {
  return { checksumNodeId1: checksumOf(oneToTwo), checksumNodeId2: checksumOf(twoToOne) };
}

/** 0 for terms that came unsigned, too: they cannot be asked for. */
function timestampOf(terms: ChannelUpdateInfo | undefined): number {
  return terms?.message === undefined ? 0 : terms.lastUpdate;
}

function checksumOf(terms: ChannelUpdateInfo | undefined): number {
  return terms?.message === undefined ? 0 : updateChecksum(terms.message);
}

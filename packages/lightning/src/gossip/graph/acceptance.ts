import { equalBytes } from "../../util/bytes.ts";
import type { BlockHash, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { err } from "../../util/result.ts";
import { formatShortChannelId } from "../../util/shortChannelId.ts";
import { type Msat, msat } from "../../util/units.ts";
import type { ChannelAnnouncement, ChannelUpdate } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import type { EdgeTerms } from "./edgeColumns.ts";
import type { GraphTables } from "./graphTables.ts";
import { edgeWord } from "./routingGraph.ts";

/** Seconds after which what was not said anew is old (BOLT 7, "Recommendation on Pruning Stale Entries"). */
export const staleAfter = 14 * 24 * 3600;
/** Seconds by which clocks may differ. */
export const maxAhead = 24 * 3600;
/** Announcements are 430 to 700 bytes long today; BOLT 7 leaves it to us to keep and relay longer ones. */
export const maxMessageLength = 2048;
/** All the bitcoin that will ever be. */
export const maxMoney: Msat = msat(21_000_000n * 100_000_000n * 1000n);

/** What a `channel_announcement` breaks, whatever the graph holds. */
export function refusalOfAnnouncement(
  { chainHash, nodeId1, nodeId2, bitcoinKey1, bitcoinKey2 }: ChannelAnnouncement,
  ourChain: BlockHash,
): GossipRefusal | undefined {
  if (chainHash !== ourChain) return { kind: "wrong-chain", text: `channel on chain ${chainHash}` };
  if (nodeId1 >= nodeId2) return { kind: "bad-node-order", text: `channel of ${nodeId1} and ${nodeId2}` };
  if (equalBytes(bitcoinKey1, bitcoinKey2)) {
    return { kind: "same-bitcoin-keys", text: `channel of ${nodeId1} and ${nodeId2}` };
  }
  return undefined;
}

/** What a `channel_update` breaks, whatever the graph holds. */
export function refusalOfUpdate(
  { chainHash, messageFlags, unknownFields, ...update }: ChannelUpdate,
  ourChain: BlockHash,
  now: UnixSeconds,
): GossipRefusal | undefined {
  const what = () => `update of ${channelName(update.shortChannelId)}`;
  if (chainHash !== ourChain) return { kind: "wrong-chain", text: `update on chain ${chainHash}` };
  if ((messageFlags & updateFlag.doNotForward) !== 0) return { kind: "do-not-forward", text: what() };
  if (unknownFields.length > maxMessageLength) {
    return { kind: "too-long", text: `${unknownFields.length} unknown bytes in an update` };
  }
  return refusalOfTime(update.timestamp, now, what);
}

/** Refuses terms that are more than two weeks old or a day ahead; `what` is for people. */
export function refusalOfTime(
  timestamp: number,
  now: UnixSeconds,
  what: () => string,
): GossipRefusal | undefined {
  if (timestamp >= now - staleAfter && timestamp <= now + maxAhead) return undefined;
  return { kind: "timestamp-out-of-range", text: `${what()} at ${timestamp}, it is ${now}` };
}

/** Refuses what is not newer than what there is; `what` is for people. */
export function refusalOfAge(
  timestamp: number,
  last: number | undefined,
  what: () => string,
): GossipRefusal | undefined {
  if (last === undefined || timestamp > last) return undefined;
  const kind = timestamp === last ? "duplicate" : "stale";
  return { kind, text: `${what()} at ${timestamp}, there is one at ${last}` };
}

/** Why terms do not fit the edge of a channel that is in the tables. */
export function refusalOfTerms(
  tables: GraphTables,
  edge: number,
  { lastUpdate, htlcMaximum }: Pick<EdgeTerms, "lastUpdate" | "htlcMaximum">,
): GossipRefusal | undefined {
  const { channels } = tables;
  const last = tables.hasTerms(edge) ? channels.edges.word(edge, edgeWord.lastUpdate) : undefined;
  const name = () => channelName(channels.idOf(edge >>> 1));
  const refusal = refusalOfAge(lastUpdate, last, () => `update of ${name()}`);
  if (refusal !== undefined) return refusal;
  const maximum = tables.capacityOf(edge >>> 1) ?? maxMoney;
  if (htlcMaximum <= maximum) return undefined;
  return { kind: "htlc-maximum-too-large", text: `${htlcMaximum} msat through ${name()} of ${maximum}` };
}

/** For people. */
export function channelName(id: ShortChannelId): string {
  return `channel ${formatShortChannelId(id)}`;
}

/** A refusal as a result. */
export function refuse(
  kind: GossipRefusal["kind"],
  text: string,
): { readonly ok: false; readonly error: GossipRefusal } {
  return err({ kind, text });
}

/** Bits of `channel_update` (BOLT 7, "The channel_update Message"). */
export const updateFlag = {
  /** Of `channel_flags`: the terms are node two's. */
  direction: 1,
  /** Of `channel_flags`. */
  disabled: 2,
  /** Of `message_flags`. */
  doNotForward: 2,
} as const;

import type { BlockHash, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import {
  encodeQueryFlags,
  encodeShortChannelIds,
  type QueryChannelRange,
  type QueryShortChannelIds,
  type ReplyChannelRange,
} from "../../wire/index.ts";
import type { WantedChannel } from "./channelsToFetch.ts";
import { wantsAll, wantsChecksums, wantsTimestamps } from "./queryFlags.ts";
import { type AskedRange, type ListedChannel, RangeAnswer } from "./rangeAnswer.ts";

/** Seconds for which a peer may be silent while it owes us an answer. */
const silence = 60;
/** Seconds in which an answer has to end, however busy the peer seems. */
const longestAnswer = 600;
/** From so many ids on, an answer without any gossip is none: the peer has told us of these channels. */
const leastToBeTold = 20;
/** Ids of updates that we could not place: more are not asked for until these are. */
const maxUnknown = 200;
/** Ids that are asked for in this way in an hour, answered or not. */
const maxUnknownPerHour = 1_000;
const hour = 3_600;

interface Batch {
  readonly startedAt: UnixSeconds;
  readonly ids: number;
  /** Whether it is of updates that we could not place. */
  readonly isUnknown: boolean;
}

/**
 * What we ask one peer (BOLT 7, "Query Messages"): one range and one batch of ids at a time, and what becomes of it.
 * Makes the messages and keeps the time; what to ask for is decided elsewhere.
 */
export class PeerQueries {
  /** Whether the peer offers `gossip_queries_ex`, so that its answers carry times and it reads flags. */
  readonly isExtended: boolean;
  /** Whether it has answered wrongly: it is asked no more. */
  hasLied = false;
  /** Whether it left a query unanswered: what comes may be a late answer. */
  hasTimedOut = false;
  /** Whether it left a query for ids unanswered, as some implementations do: it is not asked for ids again. */
  ignoresIds = false;
  readonly #chainHash: BlockHash;
  #range: { readonly startedAt: UnixSeconds; readonly answer: RangeAnswer } | undefined;
  #batch: Batch | undefined;
  /** When something that may belong to an answer came last. */
  #heardAt: UnixSeconds;
  /** Messages of gossip since the last query for ids. */
  #heard = 0;
  #unknown: ShortChannelId[] = [];
  /** Ids of updates that we could not place, in this hour. */
  #askedUnknown = new Set<ShortChannelId>();
  #hourBegan: UnixSeconds;

  constructor(chainHash: BlockHash, isExtended: boolean, now: UnixSeconds) {
    this.#chainHash = chainHash;
    this.isExtended = isExtended;
    this.#heardAt = now;
    this.#hourBegan = now;
  }

  /** Whether the answer to a query for ids is still to come: no other may be sent then. */
  get isFetching(): boolean {
    return this.#batch !== undefined;
  }

  /** The query for all channels in these blocks, with what we can compare. */
  askRange({ chainHash, firstBlocknum, numberOfBlocks }: AskedRange, now: UnixSeconds): QueryChannelRange {
    const answer = new RangeAnswer({ chainHash, firstBlocknum, numberOfBlocks });
    this.#range = { startedAt: now, answer };
    this.#heardAt = now;
    const tlvs = { queryOption: wantsTimestamps | wantsChecksums };
    return { type: "query_channel_range", chainHash, firstBlocknum, numberOfBlocks, tlvs };
  }

  /**
   * A reply; `isLast` when it ends the answer. Refuses, with a sentence, what was not asked for or breaks the rules.
   */
  rangeReply(
    reply: ReplyChannelRange,
    now: UnixSeconds,
  ): Result<{ readonly channels: readonly ListedChannel[]; readonly isLast: boolean }, string> {
    if (this.#range === undefined) return err("a reply_channel_range without a query");
    const { answer } = this.#range;
    const channels = answer.take(reply);
    if (!channels.ok) return channels;
    this.#heardAt = now;
    const isLast = answer.isComplete;
    if (isLast) this.#range = undefined;
    return ok({ channels: channels.value, isLast });
  }

  /** The query for these channels, in ascending order of their ids. */
  askIds(wanted: readonly WantedChannel[], now: UnixSeconds): QueryShortChannelIds {
    return this.#ask(wanted, { startedAt: now, ids: wanted.length, isUnknown: false });
  }

  /** An update came for a channel that we do not know: it shall be asked for, within limits. */
  noteUnknown(id: ShortChannelId): void {
    if (this.hasLied || this.ignoresIds || this.#unknown.length >= maxUnknown) return;
    if (this.#askedUnknown.has(id) || this.#askedUnknown.size >= maxUnknownPerHour) return;
    this.#askedUnknown.add(id);
    this.#unknown.push(id);
  }

  /** The query for what was noted, when there is something and no other query is on its way. */
  takeUnknownQuery(now: UnixSeconds): QueryShortChannelIds | undefined {
    if (this.#unknown.length === 0 || this.isFetching) return undefined;
    const ids = this.#unknown.sort((a, b) => (a < b ? -1 : 1));
    this.#unknown = [];
    return this.#ask(
      ids.map((id) => ({ id, flags: wantsAll })),
      { startedAt: now, ids: ids.length, isUnknown: true },
    );
  }

  /**
   * The end of the answer to a query for ids: what the query was for, or `nothing-told`; nothing when there was none.
   */
  idsEnded(): "asked-for" | "unknown" | "nothing-told" | undefined {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch === undefined) return undefined;
    if (batch.isUnknown) return "unknown";
    return this.#heard === 0 && batch.ids >= leastToBeTold ? "nothing-told" : "asked-for";
  }

  /** Gossip came that may belong to an answer. */
  heard(now: UnixSeconds): void {
    this.#heardAt = now;
    this.#heard++;
  }

  /** Gives up what takes too long, and says what it was. */
  expire(now: UnixSeconds): "range" | "ids" | undefined {
    if (now - this.#hourBegan >= hour) {
      this.#hourBegan = now;
      this.#askedUnknown = new Set(this.#unknown);
    }
    if (this.#range !== undefined && this.#isTooLong(this.#range.startedAt, now)) {
      this.#range = undefined;
      this.hasTimedOut = true;
      return "range";
    }
    if (this.#batch === undefined || !this.#isTooLong(this.#batch.startedAt, now)) return undefined;
    this.#batch = undefined;
    this.hasTimedOut = true;
    this.ignoresIds = true;
    this.#unknown = [];
    return "ids";
  }

  #isTooLong(startedAt: UnixSeconds, now: UnixSeconds): boolean {
    return now - this.#heardAt >= silence || now - startedAt >= longestAnswer;
  }

  #ask(wanted: readonly WantedChannel[], batch: Batch): QueryShortChannelIds {
    this.#batch = batch;
    this.#heardAt = batch.startedAt;
    this.#heard = 0;
    const flags = wanted.map(({ flags: each }) => BigInt(each));
    return {
      type: "query_short_channel_ids",
      chainHash: this.#chainHash,
      encodedShortIds: encodeShortChannelIds(wanted.map(({ id }) => id)),
      tlvs: this.isExtended ? { queryFlags: encodeQueryFlags(flags) } : {},
    };
  }
}

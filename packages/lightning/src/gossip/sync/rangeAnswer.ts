import { DecodeError } from "../../codec/index.ts";
import type { BlockHash, ShortChannelId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { shortChannelIdParts } from "../../util/shortChannelId.ts";
import { decodeShortChannelIds, decodeTimestamps, type ReplyChannelRange } from "../../wire/index.ts";

/**
 * What a peer says of one side's terms: when they were made, and which they are where it says so (`updateChecksum`).
 */
export interface ListedUpdate {
  /** Seconds since 1970; 0 when the peer has none. */
  readonly timestamp: number;
  readonly checksum?: number;
}

/** A channel that a peer knows. `updates`, of node one and node two, are absent where it does not say. */
export interface ListedChannel {
  readonly id: ShortChannelId;
  readonly updates?: readonly [ListedUpdate, ListedUpdate];
}

/** A range of blocks that was asked about. */
export interface AskedRange {
  readonly chainHash: BlockHash;
  readonly firstBlocknum: number;
  readonly numberOfBlocks: number;
}

/** Replies to one query; 8,000 ids fit into one, while some answer in pieces of a thousand blocks. */
const maxReplies = 16_384;
/** Ids in the answer to one query: more than any graph has. */
const maxIds = 400_000;

/**
 * The answer to a `query_channel_range`, checked reply by reply against BOLT 7, so that a peer can neither answer
 * without end nor twice. Keeps numbers only, whatever the answer's size.
 */
export class RangeAnswer {
  readonly #asked: AskedRange;
  #replies = 0;
  #ids = 0;
  #lastId: ShortChannelId | undefined;
  /** Of the last reply: its first block, and the first block behind it. */
  #last: { readonly first: number; readonly end: number } | undefined;
  #isComplete = false;

  constructor(asked: AskedRange) {
    this.#asked = asked;
  }

  /** Whether the last reply has come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The channels of the next reply that lie in the asked blocks. A reply that breaks the rules gives a sentence. */
  take(reply: ReplyChannelRange): Result<readonly ListedChannel[], string> {
    const broken = this.#brokenRule(reply);
    if (broken !== undefined) return err(broken);
    const listed = listedChannels(reply);
    if (!listed.ok) return listed;
    const channels: ListedChannel[] = [];
    for (const channel of listed.value) {
      if (this.#lastId !== undefined && channel.id <= this.#lastId)
        return err("ids are not in ascending order");
      this.#lastId = channel.id;
      if (this.#isAskedFor(channel.id)) channels.push(channel);
    }
    this.#ids += listed.value.length;
    if (this.#ids > maxIds) return err(`more than ${maxIds} channels`);
    const { firstBlocknum: first, numberOfBlocks } = reply;
    const isSameAgain = this.#last?.first === first && this.#last.end === first + numberOfBlocks;
    if (isSameAgain && listed.value.length === 0) return err("the same blocks again, without channels");
    this.#last = { first, end: first + numberOfBlocks };
    this.#isComplete = reply.syncComplete;
    return ok(channels);
  }

  #brokenRule({ chainHash, firstBlocknum, numberOfBlocks }: ReplyChannelRange): string | undefined {
    const asked = this.#asked;
    if (this.#isComplete) return "a reply after the last one";
    if (chainHash !== asked.chainHash) return `a reply about chain ${chainHash}`;
    this.#replies++;
    if (this.#replies > maxReplies) return `more than ${maxReplies} replies`;
    if (this.#last !== undefined) {
      return firstBlocknum < this.#last.first ? "replies are not in ascending order" : undefined;
    }
    if (firstBlocknum <= asked.firstBlocknum && firstBlocknum + numberOfBlocks > asked.firstBlocknum) return;
    return "the first reply does not have the first block";
  }

  #isAskedFor(id: ShortChannelId): boolean {
    const { firstBlocknum, numberOfBlocks } = this.#asked;
    const { height } = shortChannelIdParts(id);
    return height >= firstBlocknum && height < firstBlocknum + numberOfBlocks;
  }
}

function listedChannels({
  encodedShortIds,
  tlvs: { timestampsTlv, checksumsTlv },
}: ReplyChannelRange): Result<readonly ListedChannel[], string> {
  try {
    const ids = decodeShortChannelIds(encodedShortIds);
    const times = timestampsTlv === undefined ? undefined : decodeTimestamps(timestampsTlv);
    if (times !== undefined && times.length !== ids.length) {
      return err(`${times.length} timestamps for ${ids.length} channels`);
    }
    if (checksumsTlv !== undefined && checksumsTlv.length !== ids.length) {
      return err(`${checksumsTlv.length} checksums for ${ids.length} channels`);
    }
    return ok(
      ids.map((id, i): ListedChannel => {
        const time = times?.[i];
        if (time === undefined) return { id };
        const sums = checksumsTlv?.[i];
        return {
          id,
          updates: [
            listedUpdate(time.timestampNodeId1, sums?.checksumNodeId1),
            listedUpdate(time.timestampNodeId2, sums?.checksumNodeId2),
          ],
        };
      }),
    );
  } catch (error) {
    if (error instanceof DecodeError) return err(error.message);
    throw error;
  }
}

function listedUpdate(timestamp: number, checksum: number | undefined): ListedUpdate {
  return checksum === undefined ? { timestamp } : { timestamp, checksum };
}

import { compareBytes, fromHex } from "../util/bytes.ts";
import type { BlockHash, ChannelId, NodeId } from "../util/ids.ts";
import { type Msat, msat } from "../util/units.ts";
import type { ChannelUpdate } from "../wire/index.ts";
import { shortChannelIdsOf } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";

/** What a peer asks for passing payments on to us. @ldk lightning::ln::channel_state::CounterpartyForwardingInfo */
export interface CounterpartyForwardingInfo {
  readonly feeBase: Msat;
  readonly feeProportionalMillionths: number;
  /** Blocks that the peer adds. */
  readonly cltvExpiryDelta: number;
}

/** Bits of `channel_flags` (BOLT 7, "The channel_update Message"). */
const directionFlag = 0b01;
const disabledFlag = 0b10;

/**
 * What our peers said of their side of our channels, for the hints of invoices. It is not stored: a peer says it again
 * whenever the channel is usable again, and before that there is no hint.
 */
export class CounterpartyTerms {
  readonly #channels: Channels;
  readonly #ourNodeId: NodeId;
  readonly #chainHash: BlockHash;
  readonly #latest = new Map<ChannelId, ChannelUpdate>();

  constructor(channels: Channels, us: { readonly nodeId: NodeId; readonly chainHash: BlockHash }) {
    this.#channels = channels;
    this.#ourNodeId = us.nodeId;
    this.#chainHash = us.chainHash;
  }

  /** An update that this peer sent. Most are of others' channels; one of ours counts only from the peer itself. */
  take(nodeId: NodeId, update: ChannelUpdate): void {
    if (update.chainHash !== this.#chainHash) return;
    const theirs = compareBytes(fromHex(nodeId), fromHex(this.#ourNodeId)) < 0 ? 0 : directionFlag;
    if ((update.channelFlags & directionFlag) !== theirs) return;
    for (const channelId of this.#channels.peers.channelsOf(nodeId)) {
      const channel = this.#channels.funded(channelId);
      if (channel === undefined || !shortChannelIdsOf(channel).includes(update.shortChannelId)) continue;
      const known = this.#latest.get(channelId);
      if (known === undefined || known.timestamp < update.timestamp) this.#latest.set(channelId, update);
      return;
    }
  }

  /** `undefined` as long as the peer has not said, or says that it passes nothing on. */
  of(channelId: ChannelId): CounterpartyForwardingInfo | undefined {
    const update = this.#latest.get(channelId);
    if (update === undefined || (update.channelFlags & disabledFlag) !== 0) return undefined;
    const { feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta } = update;
    return { feeBase: msat(feeBaseMsat), feeProportionalMillionths, cltvExpiryDelta };
  }

  forget(channelId: ChannelId): void {
    this.#latest.delete(channelId);
  }
}

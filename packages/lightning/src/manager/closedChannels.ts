import { fundingConfirmationDeadline } from "../channel/deadlines.ts";
import type { ChannelId } from "../util/ids.ts";
import { isUnfunded } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { Forwarding } from "./forwarding.ts";

/** Channels that the chain has ended, and which of all channels may be forgotten. */
export class ClosedChannels {
  readonly #channels: Channels;
  readonly #forwarding: Pick<Forwarding, "isAwaited">;
  /** Those whose monitors saw the funding output spent, and the height up to which that may be undone. */
  readonly fundingSpent = new Map<ChannelId, number>();
  /** Those of which the monitors say that nothing is left. */
  readonly #resolved = new Set<ChannelId>();

  constructor(channels: Channels, forwarding: Pick<Forwarding, "isAwaited">) {
    this.#channels = channels;
    this.#forwarding = forwarding;
  }

  /** Its monitor says that nothing of the channel is left on the chain. */
  resolved(channelId: ChannelId): void {
    this.#resolved.add(channelId);
  }

  /**
   * Closed channels of which nothing is left on the chain, and which no HTLC of another channel refers to; and those
   * that a peer has never funded in all the time that it had for it.
   */
  archivable(height: number): readonly ChannelId[] {
    const unfunded = [...this.#channels.all()].flatMap(([id]) => {
      const channel = this.#channels.funded(id);
      if (channel?.fundingStatus.kind !== "unconfirmed" || !isUnfunded(channel)) return [];
      return height >= channel.fundingStatus.since + fundingConfirmationDeadline ? [id] : [];
    });
    return [...new Set([...this.#resolved, ...unfunded])].filter((channelId) => {
      const state = this.#channels.get(channelId)?.state;
      return state?.kind === "closing" && !this.#forwarding.isAwaited(channelId);
    });
  }

  forget(channelId: ChannelId): void {
    this.#resolved.delete(channelId);
    this.fundingSpent.delete(channelId);
  }
}

import type { FundedChannel } from "../channel/state.ts";
import type { ChannelId, ShortChannelId } from "../util/ids.ts";
import { shortChannelIdsOf } from "./channelDetails.ts";

interface Known {
  readonly alias: ShortChannelId;
  readonly fundingStatus: FundedChannel["fundingStatus"];
  readonly names: readonly ShortChannelId[];
}

/**
 * Which channel a short channel id means: see `shortChannelIdsOf`. Kept so that a forward costs the same with any
 * number of channels.
 */
export class ChannelNames {
  readonly #byName = new Map<ShortChannelId, ChannelId>();
  readonly #known = new Map<ChannelId, Known>();

  find(name: ShortChannelId): ChannelId | undefined {
    return this.#byName.get(name);
  }

  /** The channel as it is now; `undefined` when it is gone, or has no funding yet. */
  update(channelId: ChannelId, channel: FundedChannel | undefined): void {
    const known = this.#known.get(channelId);
    if (channel === undefined) {
      if (known !== undefined) this.#remove(channelId, known);
      return;
    }
    const { fundingStatus } = channel;
    const alias = channel.identity.localAlias;
    // Values are replaced, never changed: the same value means that nothing has happened.
    if (known?.fundingStatus === fundingStatus && known.alias === alias) return;
    if (known !== undefined) this.#remove(channelId, known);
    const names = shortChannelIdsOf(channel);
    this.#known.set(channelId, { alias, fundingStatus, names });
    for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, channelId);
  }

  #remove(channelId: ChannelId, { names }: Known): void {
    this.#known.delete(channelId);
    for (const name of names) if (this.#byName.get(name) === channelId) this.#byName.delete(name);
  }
}

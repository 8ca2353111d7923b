import type { ChannelConfig } from "../channel/config.ts";
import type { ChannelId } from "../util/ids.ts";

/** Ticks for which a replaced config is still honoured. @ldk lightning::ln::channel::EXPIRE_PREV_CONFIG_TICKS */
const ticksOfGrace = 5;

interface Previous {
  readonly config: ChannelConfig;
  readonly ticks: number;
}

/**
 * What our channels asked for a moment ago: payers learn of a new fee only after a while. Not stored: after a restart
 * the present config counts alone, as with LDK.
 */
export class PreviousConfigs {
  readonly #previous = new Map<ChannelId, Previous>();

  of(channelId: ChannelId): ChannelConfig | undefined {
    return this.#previous.get(channelId)?.config;
  }

  /** `before` is replaced by `after`; only what payers have to keep counts. */
  replaced(channelId: ChannelId, before: ChannelConfig, after: ChannelConfig): void {
    const isSame =
      before.forwardingFeeBase === after.forwardingFeeBase &&
      before.forwardingFeeProportionalMillionths === after.forwardingFeeProportionalMillionths &&
      before.cltvExpiryDelta === after.cltvExpiryDelta;
    if (!isSame) this.#previous.set(channelId, { config: before, ticks: 0 });
  }

  tick(): void {
    for (const [channelId, { config, ticks }] of this.#previous) {
      if (ticks + 1 >= ticksOfGrace) this.#previous.delete(channelId);
      else this.#previous.set(channelId, { config, ticks: ticks + 1 });
    }
  }

  forget(channelId: ChannelId): void {
    this.#previous.delete(channelId);
  }
}

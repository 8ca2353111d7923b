import type { Htlc } from "../commitment/htlc.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../onchain/watch.ts";
import type { ChannelId } from "../util/ids.ts";
import type { Effect, EffectGroup, OwnedEffect } from "./batch.ts";

/** What a batch is made of. */
export interface TakenTurn {
  readonly groups: readonly EffectGroup[];
  /** The channels to write, with the rows of HTLCs that have left each for good. */
  readonly dirty: ReadonlyMap<ChannelId, readonly Htlc[]>;
}

/** What the inputs since the last batch caused, group by group, and which channels must be written. */
export class Turn {
  #groups: EffectGroup[] = [];
  #channels = new Set<ChannelId>();
  #setups: MonitorSetup[] = [];
  #updates: ChannelMonitorUpdate[] = [];
  #effects: OwnedEffect[] = [];
  #dirty = new Map<ChannelId, Htlc[]>();

  /** Notes that the current input concerns the channel: its effects keep their order among the channel's. */
  touch(channelId: ChannelId): void {
    this.#channels.add(channelId);
  }

  persist(channelId: ChannelId, left: readonly Htlc[]): void {
    this.touch(channelId);
    const rows = this.#dirty.get(channelId);
    if (rows === undefined) this.#dirty.set(channelId, [...left]);
    else rows.push(...left);
  }

  /** The channel's records are deleted: nothing of it is written any more. */
  forget(channelId: ChannelId): void {
    this.#dirty.delete(channelId);
  }

  setup(setup: MonitorSetup): void {
    this.touch(setup.channelId);
    this.#setups.push(setup);
  }

  update(update: ChannelMonitorUpdate): void {
    this.touch(update.channelId);
    this.#updates.push(update);
  }

  effect(effect: Effect, channelId?: ChannelId): void {
    if (channelId !== undefined) this.touch(channelId);
    this.#effects.push(channelId === undefined ? { effect } : { channelId, effect });
  }

  /** The input is dealt with: what it caused becomes one group. */
  endInput(): void {
    const { length } = this.#effects;
    if (length > 0 || this.#updates.length > 0 || this.#setups.length > 0) {
      this.#groups.push({
        channels: [...this.#channels],
        setups: this.#setups,
        updates: this.#updates,
        effects: this.#effects,
      });
      this.#setups = [];
      this.#updates = [];
      this.#effects = [];
    }
    this.#channels = new Set();
  }

  /** The groups and the channels to write, and a fresh start. */
  take(): TakenTurn {
    this.endInput();
    const taken = { groups: this.#groups, dirty: this.#dirty };
    this.#groups = [];
    this.#dirty = new Map();
    return taken;
  }
}

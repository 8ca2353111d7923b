import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import type { ChannelMonitorUpdateStatus, Watch } from "../onchain/watch.ts";
import type { ChannelId } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import type { Effect, EffectGroup, GatedBatch } from "./batch.ts";

interface WaitingGroup {
  readonly sequence: number;
  readonly group: EffectGroup;
  committed: boolean;
  /** Updates that the `Watch` has not completed. */
  pending: readonly { readonly channelId: ChannelId; readonly updateId: number }[];
  readonly refused: Set<ChannelId>;
}

/**
 * Holds back effects until what they rest on is durable: their batch, the monitor updates of the same input, and all
 * that came before on the same channels. Other channels pass.
 */
export class EffectGate {
  readonly #watch: Watch;
  #waiting: WaitingGroup[] = [];

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /** How many groups are not released yet. */
  get size(): number {
    return this.#waiting.length;
  }

  enter({ sequence, groups }: GatedBatch): void {
    for (const group of groups) {
      this.#waiting.push({ sequence, group, committed: false, pending: [], refused: new Set() });
    }
  }

  /** The batch is durable: its updates go to the `Watch`. Gives the channels whose update was refused. */
  committed(sequence: number): readonly ChannelId[] {
    const refused: ChannelId[] = [];
    for (const waiting of this.#waiting) {
      if (waiting.sequence > sequence) break;
      if (waiting.committed) continue;
      invariant(
        waiting.sequence === sequence,
        `batch ${sequence} committed before batch ${waiting.sequence}`,
      );
      waiting.committed = true;
      for (const setup of waiting.group.setups) {
        const { channelId, initial } = setup;
        settle(waiting, { channelId, updateId: initial.updateId, status: this.#watch.watchChannel(setup) });
      }
      for (const update of waiting.group.updates) {
        const { channelId, updateId } = update;
        settle(waiting, { channelId, updateId, status: this.#watch.updateChannel(update) });
      }
      refused.push(...waiting.refused);
    }
    return refused;
  }

  /** The `Watch` completed an update that was in progress, and all of the channel before it. */
  completed(channelId: ChannelId, updateId: number): void {
    for (const waiting of this.#waiting) {
      waiting.pending = waiting.pending.filter(
        (update) => update.channelId !== channelId || update.updateId > updateId,
      );
    }
  }

  /** The `Watch` refused an update that was in progress. */
  refused(channelId: ChannelId, updateId: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.pending.some((update) => update.channelId === channelId && update.updateId === updateId)) {
        waiting.refused.add(channelId);
      }
    }
    this.completed(channelId, updateId);
  }

  /** What may happen now, in order, and the updates that the `Watch` has for good. */
  release(): { readonly effects: readonly Effect[]; readonly completed: readonly ChannelMonitorUpdate[] } {
    const effects: Effect[] = [];
    const completed: ChannelMonitorUpdate[] = [];
    const held = new Set<ChannelId>();
    const still: WaitingGroup[] = [];
    for (const waiting of this.#waiting) {
      const { group } = waiting;
      if (!waiting.committed || waiting.pending.length > 0 || group.channels.some((id) => held.has(id))) {
        for (const id of group.channels) held.add(id);
        still.push(waiting);
        continue;
      }
      completed.push(...group.updates);
      for (const { channelId, effect } of group.effects) {
        if (channelId === undefined || !waiting.refused.has(channelId)) effects.push(effect);
      }
    }
    this.#waiting = still;
    return { effects, completed };
  }
}

function settle(
  waiting: WaitingGroup,
  update: {
    readonly channelId: ChannelId;
    readonly updateId: number;
    readonly status: ChannelMonitorUpdateStatus;
  },
): void {
  const { channelId, updateId } = update;
  switch (update.status) {
    case "completed":
      return;
    case "in-progress":
      waiting.pending = [...waiting.pending, { channelId, updateId }];
      return;
    case "refused":
      waiting.refused.add(channelId);
      return;
  }
}

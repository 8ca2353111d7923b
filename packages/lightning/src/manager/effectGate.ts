import type { ChannelMonitorUpdate, UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { ChannelMonitorUpdateStatus, MonitorSetup, Watch } from "../onchain/watch.ts";
import type { ChannelId } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import type { Effect, EffectGroup, GatedBatch } from "./batch.ts";

/** A setup or an update on its way to the `Watch`. */
interface HandOver extends UpdateRef {
  readonly after: readonly UpdateRef[];
  give(): ChannelMonitorUpdateStatus;
}

interface WaitingGroup {
  readonly sequence: number;
  readonly group: EffectGroup;
  committed: boolean;
  /** What the `Watch` was not given yet, in order. */
  unsent: readonly HandOver[];
  /** What the `Watch` was given and has not completed. */
  pending: readonly UpdateRef[];
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
      const unsent = [
        ...group.setups.map((one) => this.#setup(one)),
        ...group.updates.map((one) => this.#update(one)),
      ];
      this.#waiting.push({ sequence, group, committed: false, unsent, pending: [], refused: new Set() });
    }
  }

  /** The batch is durable: its updates go to the `Watch`. Gives the channels whose update was refused. */
  committed(sequence: number): readonly ChannelId[] {
    for (const waiting of this.#waiting) {
      if (waiting.sequence > sequence) break;
      if (waiting.committed) continue;
      invariant(
        waiting.sequence === sequence,
        `batch ${sequence} committed before batch ${waiting.sequence}`,
      );
      waiting.committed = true;
    }
    return this.#handOver();
  }

  /**
   * The `Watch` completed an update that was in progress, and all of the channel before it. Gives the channels whose
   * update, which had waited for that, was refused.
   */
  completed(channelId: ChannelId, updateId: number): readonly ChannelId[] {
    for (const waiting of this.#waiting) {
      waiting.pending = waiting.pending.filter(
        (update) => update.channelId !== channelId || update.updateId > updateId,
      );
    }
    return this.#handOver();
  }

  /** The `Watch` refused an update that was in progress. Gives the channels whose update was refused. */
  refused(channelId: ChannelId, updateId: number): readonly ChannelId[] {
    for (const waiting of this.#waiting) {
      if (waiting.pending.some((update) => update.channelId === channelId && update.updateId === updateId)) {
        waiting.refused.add(channelId);
      }
    }
    return [channelId, ...this.completed(channelId, updateId)];
  }

  /**
   * What may happen now, in order; what never may, since it rests on a refused update; and the updates that the
   * `Watch` has dealt with for good.
   */
  release(): {
    readonly effects: readonly Effect[];
    readonly dropped: readonly Effect[];
    readonly settled: readonly UpdateRef[];
  } {
    const effects: Effect[] = [];
    const dropped: Effect[] = [];
    const settled: UpdateRef[] = [];
    const held = new Set<ChannelId>();
    const still: WaitingGroup[] = [];
    for (const waiting of this.#waiting) {
      const { group, committed, unsent, pending } = waiting;
      const isOpen = !committed || unsent.length > 0 || pending.length > 0;
      if (isOpen || group.channels.some((id) => held.has(id))) {
        for (const id of group.channels) held.add(id);
        still.push(waiting);
        continue;
      }
      for (const { initial } of group.setups) settled.push(initial);
      for (const update of group.updates) settled.push(update);
      for (const { channelId, effect } of group.effects) {
        const isRefused = channelId !== undefined && waiting.refused.has(channelId);
        (isRefused ? dropped : effects).push(effect);
      }
    }
    this.#waiting = still;
    return { effects, dropped, settled };
  }

  /** Gives the `Watch` what is durable and whose predecessors it has completed; tells whose update it refused. */
  #handOver(): readonly ChannelId[] {
    const refused: ChannelId[] = [];
    /** Of each channel the first update that is not completed, and that is not given yet. */
    const open = new Map<ChannelId, number>();
    const unsent = new Map<ChannelId, number>();
    for (const waiting of this.#waiting) {
      if (!waiting.committed) break;
      for (const { channelId, updateId } of waiting.pending) keepFirst(open, channelId, updateId);
      waiting.unsent = waiting.unsent.filter((item) => {
        const { channelId, updateId, after } = item;
        const waits = after.some(
          (ref) => (open.get(ref.channelId) ?? Number.POSITIVE_INFINITY) <= ref.updateId,
        );
        if (waits || unsent.has(channelId)) {
          unsent.set(channelId, updateId);
          keepFirst(open, channelId, updateId);
          return true;
        }
        const status = item.give();
        if (status === "in-progress") {
          waiting.pending = [...waiting.pending, { channelId, updateId }];
          keepFirst(open, channelId, updateId);
        } else if (status === "refused") {
          waiting.refused.add(channelId);
          refused.push(channelId);
        }
        return false;
      });
    }
    return refused;
  }

  #setup(setup: MonitorSetup): HandOver {
    const { channelId, updateId } = setup.initial;
    return { channelId, updateId, after: [], give: () => this.#watch.watchChannel(setup) };
  }

  #update(update: ChannelMonitorUpdate): HandOver {
    const { channelId, updateId, after } = update;
    return { channelId, updateId, after, give: () => this.#watch.updateChannel(update) };
  }
}

function keepFirst(ids: Map<ChannelId, number>, channelId: ChannelId, updateId: number): void {
  if (!ids.has(channelId)) ids.set(channelId, updateId);
}

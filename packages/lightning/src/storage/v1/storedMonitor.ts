import type { KvWrite } from "../../chain/kvStore.ts";
import { type ChannelMonitor, oldestCounterpartyNumber, preimageOf } from "../../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import { commitmentNumber, type PaymentHash } from "../../util/ids.ts";
import { monitorSetupKey } from "./keys.ts";
import { encodeMonitorSetup } from "./monitor.ts";
import {
  type Folded,
  monitorFactWrites,
  monitorStateWrite,
  monitorUpdateWrite,
  type StoredStep,
  type StoredUpdates,
  storedUpdates,
} from "./monitorRows.ts";

/** A row `update/<slot>` on which something may rest. */
export interface LoggedUpdates {
  readonly slot: number;
  readonly row: StoredUpdates;
}

/**
 * What the store has of one monitor, and what it is given next. The updates of a batch are a row, which takes the slot
 * of another one on which nothing rests any more: of commitments that were replaced or revoked nothing is kept. What
 * outlives an update has rows of its own from the start: the HTLCs that came and went, and the peer's secret, by its
 * place in the shachain. So nothing is deleted, nothing is written twice, and a row is as small in an old channel as in
 * a new one.
 */
export class StoredMonitor {
  readonly #setup: MonitorSetup;
  /** All updates above `#folded.foldedTo`, the oldest first. */
  readonly #log: LoggedUpdates[];
  #folded: Folded;

  /** A new monitor, or one as the store has it. */
  constructor(
    setup: MonitorSetup,
    stored: { readonly folded: Folded; readonly log: readonly LoggedUpdates[] } = {
      folded: unfolded,
      log: [],
    },
  ) {
    this.#setup = setup;
    this.#folded = stored.folded;
    this.#log = [...stored.log];
  }

  /** What a new monitor starts with. */
  setupWrites(): readonly KvWrite[] {
    const { channelId } = this.#setup;
    const state = { folded: unfolded, spends: [], claims: [], handedOver: [] };
    return [
      { key: monitorSetupKey(channelId), value: encodeMonitorSetup(this.#setup) },
      monitorStateWrite(channelId, state),
    ];
  }

  /**
   * Stores updates, which follow one another, over what `monitor`, which has taken in all updates that are durable,
   * does not need. It is absent as long as the setup is not durable. What the store has been given before is not
   * written again.
   */
  updateWrites(
    given: readonly ChannelMonitorUpdate[],
    monitor: ChannelMonitor | undefined,
  ): readonly KvWrite[] {
    const latest = this.#log.at(-1);
    const known = latest === undefined ? this.#folded.foldedTo : lastOf(latest.row);
    const updates = given.filter(({ updateId }) => updateId > known);
    if (updates.length === 0) return [];
    // A locked monitor refuses updates that the store may have: they are read again as they are.
    const carried = monitor !== undefined && monitor.lock === undefined ? this.#fold(monitor) : [];
    const slot = this.#freeSlot();
    const { channelId, funding } = this.#setup;
    const row = {
      ...storedUpdates(updates, funding.outPoint, this.#folded),
      ...(carried.length > 0 && { carried }),
    };
    this.#log.push({ slot, row });
    return [monitorUpdateWrite(channelId, slot, row), ...monitorFactWrites(updates)];
  }

  /** Stores what the chain told `monitor`, and its lock. */
  stateWrites({ lock, claims, handedOver, chain }: ChannelMonitor): readonly KvWrite[] {
    const { fundingSpend, spends } = chain;
    const state = {
      folded: this.#folded,
      claims,
      handedOver,
      spends,
      ...(lock && { lock }),
      ...(fundingSpend && { fundingSpend }),
    };
    return [monitorStateWrite(this.#setup.channelId, state)];
  }

  #freeSlot(): number {
    const taken = new Set(this.#log.map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /**
   * Gives up rows, the oldest first, on which nothing rests. When there are many all the same, those that are durable
   * are given up, too: a peer that withholds a revocation must not make the store grow. What of them still counts,
   * which the next row is to carry, is the result.
   */
  #fold(monitor: ChannelMonitor): readonly StoredStep[] {
    const live = this.#log.findIndex(({ row }) => !this.#isPast(row, monitor));
    this.#giveUp(live < 0 ? this.#log.length : live);
    if (this.#log.length < mostRows) return [];
    const pending = this.#log.findIndex(({ row }) => lastOf(row) > monitor.latestUpdateId);
    const durable = pending < 0 ? this.#log.length : pending;
    if (durable < mostRows / 2) return [];
    const carried = this.#log.slice(0, durable).flatMap(({ row }) => this.#liveSteps(row, monitor));
    this.#giveUp(durable);
    return carried;
  }

  #giveUp(rows: number): void {
    for (const { row } of this.#log.splice(0, rows)) this.#folded = withUpdates(this.#folded, row);
  }

  /** Whether nothing rests on the row. */
  #isPast(row: StoredUpdates, monitor: ChannelMonitor): boolean {
    return lastOf(row) <= monitor.latestUpdateId && this.#liveSteps(row, monitor).length === 0;
  }

  /** The row's steps on which something rests, the oldest first. */
  #liveSteps(
    { first, updates, carried = [] }: StoredUpdates,
    monitor: ChannelMonitor,
  ): readonly StoredStep[] {
    // What is carried is older than all updates that have rows.
    const all = [carried, ...updates];
    return all.flatMap((steps, i) =>
      steps.filter((step) => !this.#isPastStep(step, i === 0 ? 0 : first + i - 1, monitor)),
    );
  }

  #isPastStep(step: StoredStep, updateId: number, monitor: ChannelMonitor): boolean {
    switch (step.kind) {
      case "holder-commitment":
        return step.number < monitor.holder.number;
      case "counterparty-commitment":
        return step.number < oldestCounterpartyNumber(monitor);
      case "payment-preimage":
        return !this.#isLatestPreimage(step.paymentHash, updateId, monitor);
      case "commitment-secret":
      case "shutdown-script":
        return true;
      case "channel-force-closed":
        return false;
    }
  }

  /** Whether `monitor` knows the preimage by update `updateId`, and not by a later one too. */
  #isLatestPreimage(hash: PaymentHash, updateId: number, monitor: ChannelMonitor): boolean {
    if (preimageOf(monitor, hash) === undefined) return false;
    return !this.#log.some(({ row }) =>
      row.updates.some((steps, i) => {
        const later = row.first + i;
        if (later <= updateId || later > monitor.latestUpdateId) return false;
        return steps.some((step) => step.kind === "payment-preimage" && step.paymentHash === hash);
      }),
    );
  }
}

/** More rows than this are made one. Among peers that answer, there are about ten. */
const mostRows = 64;

/** The id of a row's last update. */
export function lastOf({ first, updates }: StoredUpdates): number {
  return first + updates.length - 1;
}

const first = commitmentNumber(0);
const unfolded: Folded = { foldedTo: 1, holder: first, oldest: first, latest: first, changes: 0 };

function withUpdates(before: Folded, row: StoredUpdates): Folded {
  let folded: Folded = {
    ...before,
    foldedTo: lastOf(row),
    changes: before.changes + (row.changesHtlcs === true ? 1 : 0),
  };
  for (const step of row.updates.flat()) {
    if (step.kind === "holder-commitment") folded = { ...folded, holder: step.number };
    else if (step.kind === "counterparty-commitment") folded = { ...folded, latest: step.number };
    else if (step.kind === "commitment-secret")
      folded = { ...folded, oldest: commitmentNumber(step.number + 1) };
    else if (step.kind === "shutdown-script") folded = { ...folded, shutdownScript: step.script };
  }
  return folded;
}

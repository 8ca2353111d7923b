import type { BlockLocator } from "../chain/chainInterface.ts";
import type { ChannelMonitorUpdate, UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup, Watch } from "../onchain/watch.ts";
import type { OutboundPayments } from "../payment/outboundPayments.ts";
import { channelWrites } from "../storage/v1/channel.ts";
import { batchSequenceKey, chainPositionKey, paymentKey } from "../storage/v1/keys.ts";
import { encodeBatchSequence, encodeChainPosition } from "../storage/v1/node.ts";
import { encodePayment } from "../storage/v1/payment.ts";
import type { ChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { EffectGroup } from "./batch.ts";
import type { Channels } from "./channels.ts";
import type { RecordEncoder } from "./encodedBatch.ts";
import type { EventLog } from "./eventLog.ts";
import type { Outbox } from "./outbox.ts";
import type { TakenTurn } from "./turn.ts";

/** Whose records a batch has. */
export interface BatchRecordsParts {
  readonly watch: Watch;
  readonly channels: Channels;
  readonly payments: OutboundPayments;
  readonly events: EventLog;
  /** Absent when the rows of the monitors themselves are in the batches. */
  readonly outbox: Outbox | undefined;
}

/** What the next batch has to write: the records of all parts of the manager that changed since the last one. */
export class BatchRecords {
  readonly #parts: BatchRecordsParts;
  #deletions: RecordEncoder[] = [];
  /** Where the chain is now, if that is not in a batch yet. */
  #tip: BlockLocator | undefined;

  constructor(parts: BatchRecordsParts) {
    this.#parts = parts;
  }

  setTip(tip: BlockLocator): void {
    this.#tip = tip;
  }

  delete(keys: readonly string[]): void {
    const writes = keys.map((key) => ({ key, value: undefined }));
    this.#deletions.push(() => writes);
  }

  /** The `Watch` has dealt with the update for good. */
  settled(update: UpdateRef): void {
    this.#parts.outbox?.settled(update);
  }

  /**
   * What has to be written for batch `sequence`, encoded only when the host asks: values do not change meanwhile. The
   * number itself is part of it, unless there is nothing else.
   */
  take({ groups, dirty }: TakenTurn, sequence: number): readonly RecordEncoder[] {
    const { payments, events, outbox } = this.#parts;
    const encoders = this.#takeChannels(dirty);
    for (const setup of groups.flatMap(({ setups }) => setups)) encoders.push(this.#setupRecord(setup));
    for (const updates of updatesByChannel(groups)) encoders.push(...this.#updateRecords(updates));
    for (const [paymentId, payment] of payments.takeChanged()) {
      encoders.push(() => [{ key: paymentKey(paymentId), value: payment && encodePayment(payment) }]);
    }
    encoders.push(...this.#deletions, ...events.takeWrites());
    this.#deletions = [];
    const tip = this.#tip;
    this.#tip = undefined;
    if (tip !== undefined) {
      encoders.push(() => [{ key: chainPositionKey, value: encodeChainPosition(tip) }]);
    }
    if (encoders.length === 0) return encoders;
    const settled = outbox?.takeDeletions() ?? [];
    if (settled.length > 0) encoders.push(() => settled);
    encoders.push(() => [{ key: batchSequenceKey, value: encodeBatchSequence(sequence) }]);
    return encoders;
  }

  #takeChannels(dirty: TakenTurn["dirty"]): RecordEncoder[] {
    const encoders: RecordEncoder[] = [];
    for (const [channelId, left] of dirty) {
      const entry = present(this.#parts.channels.get(channelId), "a channel to write");
      const { written, state } = entry;
      encoders.push(() => channelWrites(written, state, left));
      entry.written = state;
    }
    return encoders;
  }

  #setupRecord(setup: MonitorSetup): RecordEncoder {
    const { outbox, watch } = this.#parts;
    return (
      outbox?.add({ kind: "watch-channel", setup }) ??
      (() => present(watch.setupWrites?.(setup), "the rows of a monitor in the same batch"))
    );
  }

  /** All updates of one channel in a batch. */
  #updateRecords(updates: readonly ChannelMonitorUpdate[]): readonly RecordEncoder[] {
    const { outbox, watch } = this.#parts;
    if (outbox !== undefined) return updates.map((update) => outbox.add({ kind: "update-channel", update }));
    return [() => present(watch.updateWrites?.(updates), "the rows of a monitor in the same batch")];
  }
}

/** The updates of a batch, in the order of each channel. */
function updatesByChannel(groups: readonly EffectGroup[]): Iterable<readonly ChannelMonitorUpdate[]> {
  const byChannel = new Map<ChannelId, ChannelMonitorUpdate[]>();
  for (const update of groups.flatMap(({ updates }) => updates)) {
    const known = byChannel.get(update.channelId);
    if (known === undefined) byChannel.set(update.channelId, [update]);
    else known.push(update);
  }
  return byChannel.values();
}

import { p2wsh } from "@fulmen/bitcoin/script";
import type { BlockLocator } from "../chain/chainInterface.ts";
import type { KvEntry } from "../chain/kvStore.ts";
import type { FundedChannel } from "../channel/state.ts";
import { fundedChannel } from "../channel/state.ts";
import { findHtlc } from "../commitment/dance.ts";
import { fundingScript } from "../commitment/funding.ts";
import { htlcStates } from "../commitment/htlcState.ts";
import type { IndexedEvent } from "../handlers/index.ts";
import { monitorAhead, monitorBehind, type StorageError } from "../storage/storageError.ts";
import { readEventAck, readIndexedEvent } from "../storage/v1/event.ts";
import { commitmentsKey } from "../storage/v1/keys.ts";
import { readBatchSequence, readChainPosition } from "../storage/v1/node.ts";
import type { OutboxRow } from "../storage/v1/outbox.ts";
import { readPayment } from "../storage/v1/payment.ts";
import { readChannels, type StoredState } from "../storage/v1/readChannel.ts";
import type { UnixSeconds } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { ChannelManager } from "./channelManager.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { EventLog, type EventLogStart } from "./eventLog.ts";
import type { ManagerCore } from "./managerCore.ts";
import { Outbox, refOf } from "./outbox.ts";

/** The records that a manager is made of, as the host read them: see `storage/v1/keys.ts` for their prefixes. */
export interface ManagerRecords {
  /** All below `channelsPrefix`. */
  readonly channels: readonly KvEntry[];
  /** All below `paymentPrefix`. */
  readonly payments: readonly KvEntry[];
  /** All below `eventPrefix`. */
  readonly events: readonly KvEntry[];
  readonly eventAck: KvEntry | undefined;
  readonly chainPosition: KvEntry | undefined;
  readonly batchSequence: KvEntry | undefined;
  /** All below `outboxPrefix`. Needed only when the monitors are kept elsewhere (`Watch.durability`). */
  readonly outbox?: readonly KvEntry[];
}

/** What a new node has. */
export const noRecords: ManagerRecords = {
  channels: [],
  payments: [],
  events: [],
  eventAck: undefined,
  chainPosition: undefined,
  batchSequence: undefined,
  outbox: [],
};

/**
 * A manager as it was when the last batch was committed; a new one when nothing is stored. The `Watch` must have its
 * monitors by then. Afterwards the host brings both to the chain's tip, and only then lets peers in: no peer, forward
 * or retry comes before (docs/durability.md, "Starting").
 *
 * `tip` is where a new node begins.
 */
export function restoreManager(
  environment: ManagerEnvironment,
  records: ManagerRecords,
  start: { readonly tip: BlockLocator; readonly now: number },
): Result<ChannelManager, StorageError> {
  const position = records.chainPosition && readChainPosition(records.chainPosition);
  if (position?.ok === false) return position;
  const sequence = records.batchSequence && readBatchSequence(records.batchSequence);
  if (sequence?.ok === false) return sequence;
  const events = storedEvents(records);
  if (!events.ok) return events;
  const isElsewhere = environment.watch.durability === "elsewhere";
  const stored = isElsewhere ? Outbox.restore(records.outbox ?? []) : undefined;
  if (stored?.ok === false) return stored;
  const { outbox, rows } = stored?.value ?? { outbox: undefined, rows: [] };
  const held = rows.length > 0 ? events.value.pending : [];
  const states = readChannels(records.channels);
  if (!states.ok) return states;
  const manager = new ChannelManager(environment, {
    tip: position?.value ?? start.tip,
    events: new EventLog({ ...events.value, pending: held.length > 0 ? [] : events.value.pending }),
    sequence: sequence?.value ?? 0,
    now: start.now as UnixSeconds,
    outbox,
  });
  const { core } = manager;
  // Where a new node began is part of its first batch: after a crash the chain is followed from there on.
  if (position === undefined) core.setTip(start.tip);
  for (const state of states.value) {
    const refused = addChannel(core, state, rows);
    if (refused !== undefined) return err(refused);
  }
  for (const state of states.value) restoreHtlcs(core, present(fundedChannel(state), "a stored channel"));
  core.claimables.restored();
  const payments = restorePayments(core, records.payments);
  if (!payments.ok) return payments;
  core.input(() => core.relays.restored(core.now));
  if (rows.length > 0) core.replay(rows, held);
  core.input(() => rebroadcast(core));
  const stillTold = events.value.pending.flatMap(({ event }) =>
    event.kind === "htlc-intercepted" ? [event.interceptId] : [],
  );
  core.input(() => core.intercepted.tellAgain(new Set(stillTold)));
  return ok(manager);
}

function storedEvents(records: ManagerRecords): Result<EventLogStart, StorageError> {
  const acknowledged = records.eventAck && readEventAck(records.eventAck);
  if (acknowledged?.ok === false) return acknowledged;
  const events: IndexedEvent[] = [];
  for (const entry of records.events) {
    const event = readIndexedEvent(entry);
    if (!event.ok) return event;
    events.push(event.value);
  }
  const lastAcknowledged = acknowledged?.value ?? 0;
  const lastIndex = Math.max(lastAcknowledged, events.at(-1)?.index ?? 0);
  return ok({ pending: events, lastIndex, lastAcknowledged });
}

/** A monitor that is ahead of its channel, or behind it, means that records of different times were mixed. */
function addChannel(
  core: ManagerCore,
  state: StoredState,
  outbox: readonly OutboxRow[],
): StorageError | undefined {
  const channel = present(fundedChannel(state), "a stored channel");
  const { channelId } = channel.commitments;
  const { lastUpdateId } = channel;
  const watched = core.environment.watch.latestUpdateId(channelId) ?? 0;
  if (watched > lastUpdateId) return monitorAhead(commitmentsKey(channelId), watched, lastUpdateId);
  if (watched < lastUpdateId) {
    const kept = new Set<number>();
    for (const row of outbox) if (refOf(row).channelId === channelId) kept.add(refOf(row).updateId);
    for (let id = watched + 1; id <= lastUpdateId; id++) {
      if (!kept.has(id)) return monitorBehind(commitmentsKey(channelId), watched, id);
    }
  }
  core.channels.add(channelId, {
    state,
    written: state,
    counterparty: channel.identity.counterparty,
    signer: core.environment.signerProvider.deriveChannelSigner(channel.channelKeysId),
  });
  return undefined;
}

/** What is decided stays decided; what is not is decided anew. */
function restoreHtlcs(core: ManagerCore, channel: FundedChannel): void {
  const { channelId, htlcs } = channel.commitments;
  for (const { id, disposition } of channel.incoming) {
    const htlc = htlcs.find((row) => row.direction === "incoming" && row.id === id);
    if (htlc === undefined) continue;
    const ref = { channelId, htlcId: id };
    switch (disposition.kind) {
      case "undecided":
        if (htlcStates[htlc.state].addCommitted) core.incoming.add(ref);
        break;
      case "claimable": {
        const { amount, cltvExpiry } = htlc;
        core.claimables.restore(htlc.paymentHash, { ref, amount, cltvExpiry, terms: disposition });
        break;
      }
      case "trampoline":
        core.relays.restore({ ref, htlc, terms: disposition });
        break;
      case "intercepted":
        if (disposition.forwardTo === undefined) core.intercepted.restore(ref, htlc.cltvExpiry);
        else core.incoming.add(ref);
        break;
      case "forwarded": {
        const { outgoing } = disposition;
        const next = core.channels.funded(outgoing.channelId);
        const twin = next && findHtlc(next.commitments, "outgoing", outgoing.htlcId);
        // Neither forwarded again nor failed: either could pay twice.
        if (twin === undefined) core.channels.quarantine(channelId, `forwarded HTLC ${id} has lost its twin`);
        break;
      }
      case "resolved":
        break;
    }
  }
}

function restorePayments(core: ManagerCore, entries: readonly KvEntry[]): Result<undefined, StorageError> {
  const { payments } = core;
  for (const entry of entries) {
    const payment = readPayment(entry);
    if (!payment.ok) return payment;
    payments.restore(payment.value);
  }
  for (const [id] of core.channels.all()) {
    const channel = core.channels.funded(id);
    for (const { id: htlcId, source, settledOnChain } of channel?.outgoing ?? []) {
      if (source.kind !== "local" || settledOnChain || channel === undefined) continue;
      const htlc = findHtlc(channel.commitments, "outgoing", htlcId);
      if (htlc !== undefined) payments.partSent(source, htlc);
    }
  }
  payments.restored();
  return ok(undefined);
}

/** What was broadcast and is not confirmed goes out once more, and what must be watched is told to the chain source. */
function rebroadcast({ channels, turn }: ManagerCore): void {
  for (const [channelId, { state }] of channels.all()) {
    const channel = fundedChannel(state);
    if (channel === undefined) continue;
    for (const { localKey, remoteKey, outPoint } of channel.commitments.fundings) {
      const output = { outPoint, script: p2wsh(fundingScript(localKey, remoteKey)) };
      turn.effect({ kind: "register-output", output }, channelId);
    }
    const { fundingTransaction, fundingStatus } = channel;
    if (fundingTransaction !== undefined && fundingStatus.kind === "unconfirmed") {
      turn.effect({ kind: "broadcast", transactions: [fundingTransaction], type: "funding" }, channelId);
    }
    if (state.kind === "closing" && state.closingTransaction !== undefined) {
      const transactions = [state.closingTransaction];
      turn.effect({ kind: "broadcast", transactions, type: "cooperative-close" }, channelId);
    }
  }
}

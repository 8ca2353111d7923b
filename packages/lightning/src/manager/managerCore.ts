import type { BlockLocator } from "../chain/chainInterface.ts";
import type { CrossChannelAction } from "../channel/action.ts";
import type { HtlcRef } from "../channel/disposition.ts";
import {
  type Event,
  type IndexedEvent,
  type MessageSendEvent,
  withPrintableText,
} from "../handlers/index.ts";
import type { MonitorEvent } from "../onchain/watch.ts";
import { OutboundPayments } from "../payment/outboundPayments.ts";
import { probeSecretOf } from "../payment/probes.ts";
import type { OutboxRow } from "../storage/v1/outbox.ts";
import type { Bytes32 } from "../util/bytes.ts";
import type { ChannelId, PaymentId, UnixSeconds } from "../util/ids.ts";
import { messageOf } from "../util/text.ts";
import { Announcer } from "./announcer.ts";
import type { Batch, EffectGroup } from "./batch.ts";
import { BatchRecords } from "./batchRecords.ts";
import { Channels, type CrossChannelHandler } from "./channels.ts";
import { Claimables } from "./claimables.ts";
import { ClosedChannels } from "./closedChannels.ts";
import { CounterpartyTerms } from "./counterpartyTerms.ts";
import { EffectGate } from "./effectGate.ts";
import { EffectRunner } from "./effectRunner.ts";
import { EncodedBatch } from "./encodedBatch.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { EventLog } from "./eventLog.ts";
import { FakeScids } from "./fakeScids.ts";
import { Forwarding } from "./forwarding.ts";
import { ForwardingBudgets } from "./forwardingBudget.ts";
import { IncomingHtlcs, type IncomingHtlcTarget } from "./incomingHtlcs.ts";
import { InterceptedHtlcs } from "./interceptedHtlcs.ts";
import { LateSigners } from "./lateSigners.ts";
import { ourFeatures } from "./ourFeatures.ts";
import { type Outbox, refOf } from "./outbox.ts";
import { OutgoingHtlcs } from "./outgoingHtlcs.ts";
import { Payer } from "./payer.ts";
import { TrampolineRelays } from "./trampolineRelays.ts";
import { Turn } from "./turn.ts";

/** What a manager starts with: the store's, or that of a new node. */
export interface CoreStart {
  readonly tip: BlockLocator;
  readonly events: EventLog;
  readonly sequence: number;
  readonly now: UnixSeconds;
  /** What a `Watch` elsewhere may not have. */
  readonly outbox: Outbox | undefined;
}

/**
 * The works behind `ChannelManager`: takes the actions of channels to where they belong, gathers them into batches, and
 * lets their effects out when they may.
 */
export class ManagerCore implements CrossChannelHandler {
  readonly environment: ManagerEnvironment;
  readonly turn = new Turn();
  readonly channels: Channels;
  readonly fakeScids: FakeScids;
  readonly lateSigners: LateSigners;
  readonly incoming: IncomingHtlcs;
  readonly forwarding: Forwarding;
  readonly intercepted: InterceptedHtlcs;
  readonly payments: OutboundPayments;
  readonly payer: Payer;
  readonly claimables: Claimables;
  readonly relays: TrampolineRelays;
  readonly outgoing: OutgoingHtlcs;
  readonly closed: ClosedChannels;
  readonly events: EventLog;
  readonly announcer: Announcer;
  readonly counterpartyTerms: CounterpartyTerms;
  readonly #records: BatchRecords;
  readonly #gate: EffectGate;
  readonly #effects: EffectRunner;
  #defersForwards = false;
  #sequence: number;
  #now: UnixSeconds;
  #tip: BlockLocator;

  constructor(given: ManagerEnvironment, start: CoreStart) {
    const environment = { ...given, logger: withPrintableText(given.logger) };
    this.environment = environment;
    this.#sequence = start.sequence;
    this.#now = start.now;
    this.#tip = start.tip;
    this.events = start.events;
    const emit = (event: Event, channelId: ChannelId): void => this.emit(event, channelId);
    const features = ourFeatures(environment.config);
    this.channels = new Channels(environment, this.turn, { features, tip: start.tip, emit });
    this.channels.handleWith(this);
    this.lateSigners = new LateSigners(this.channels, environment.nodeSigner);
    this.fakeScids = new FakeScids(environment, this.channels);
    const { fakeScids } = this;
    this.incoming = new IncomingHtlcs(environment, this.channels, { fakeScids, emit });
    const { incoming, turn } = this;
    this.announcer = new Announcer(environment, this.channels, { turn, now: () => this.#now });
    this.intercepted = new InterceptedHtlcs(environment, this.channels, { incoming, fakeScids, emit });
    this.payments = new OutboundPayments(probeSecretOf(environment.nodeSigner.inboundPaymentKey()));
    const { announcer, intercepted, payments } = this;
    const budgets = new ForwardingBudgets(this.channels, payments, environment.config.forwardingBudget);
    const parts = { incoming, announcer, intercepted, budgets };
    this.forwarding = new Forwarding(environment, this.channels, parts);
    this.payer = new Payer(environment, this.channels, { payments, budgets });
    this.claimables = new Claimables(environment, this.channels, this.incoming);
    this.relays = new TrampolineRelays(environment, this.channels, { incoming, payments });
    const { relays, forwarding } = this;
    this.outgoing = new OutgoingHtlcs(this.channels, { payments, relays, forwarding, incoming }, emit);
    this.closed = new ClosedChannels(this.channels, forwarding);
    this.counterpartyTerms = new CounterpartyTerms(this.channels, {
      nodeId: environment.nodeSigner.nodeId,
      chainHash: environment.network.genesisHash,
    });
    const { watch } = environment;
    const { channels, events } = this;
    this.#records = new BatchRecords({ watch, channels, payments, events, outbox: start.outbox });
    this.#gate = new EffectGate(watch);
    this.#effects = new EffectRunner(environment, channels, events);
  }

  get now(): UnixSeconds {
    return this.#now;
  }

  get tip(): BlockLocator {
    return this.#tip;
  }

  /** Also back: a clock that was ahead must not let invoices expire until it is as late as that. */
  setTime(now: number): void {
    this.#now = now as UnixSeconds;
  }

  setTip(tip: BlockLocator): void {
    this.#tip = tip;
    this.#records.setTip(tip);
    this.channels.setTip(tip.height);
  }

  /** Runs one input; what it causes becomes one group of effects. */
  input<T>(act: () => T): T {
    try {
      return act();
    } finally {
      this.#collectEvents();
      this.turn.endInput();
    }
  }

  emit(event: Event, channelId?: ChannelId): void {
    this.turn.effect({ kind: "event", event: this.events.record(event) }, channelId);
  }

  onChannelAction(channelId: ChannelId, action: CrossChannelAction): void {
    switch (action.kind) {
      case "htlc-added":
        this.incoming.add({ channelId, htlcId: action.htlc.id });
        return;
      case "htlcs-signed":
        this.outgoing.signed(channelId, action);
        return;
      case "htlc-fulfilled":
        this.outgoing.fulfilled(channelId, action, action.preimage);
        return;
      case "htlc-removed":
        this.outgoing.removed(channelId, action);
        return;
      case "htlc-dropped":
        this.outgoing.dropped(channelId, action);
        return;
      case "incoming-htlc-gone":
        this.#forgetIncoming({ channelId, htlcId: action.htlc.id });
        return;
      case "usability-changed":
        this.announcer.changed(channelId);
        this.payments.channelsChanged();
        this.incoming.channelsChanged();
        return;
      case "announce":
        this.turn.effect({ kind: "gossip", message: action.announcement }, channelId);
        this.announcer.announced(channelId);
        return;
      case "closed":
        this.announcer.changed(channelId);
        this.counterpartyTerms.forget(channelId);
        this.payments.channelsChanged();
        this.incoming.channelsChanged();
        return;
    }
  }

  /** Takes in all that the `Watch` has to tell. */
  takeMonitorEvents(): void {
    for (const event of this.environment.watch.takeMonitorEvents())
      this.input(() => this.monitorEvent(event));
  }

  /** What the chain told the monitors. */
  monitorEvent(event: MonitorEvent): void {
    const { channelId } = event;
    switch (event.kind) {
      case "completed":
        for (const id of this.#gate.completed(channelId, event.updateId)) this.#refused(id);
        return;
      case "refused":
        for (const id of this.#gate.refused(channelId, event.updateId)) this.#refused(id);
        return;
      case "commitment-confirmed":
        this.forwarding.commitmentConfirmed(channelId);
        this.closed.fundingSpent.set(channelId, this.#tip.height);
        this.channels.step(channelId, { kind: "funding-spent", by: "commitment" });
        return;
      case "holder-force-closed":
        this.channels.step(channelId, {
          kind: "funding-spent",
          by: "commitment",
          dueHtlc: event.paymentHash,
        });
        return;
      case "cooperative-close-confirmed":
        this.closed.fundingSpent.set(channelId, this.#tip.height);
        this.channels.step(channelId, { kind: "funding-spent", by: "closing-transaction" });
        return;
      case "preimage-seen":
        this.outgoing.claimedOnChain(channelId, event.htlcId, event.preimage as Bytes32);
        return;
      case "htlc-timed-out":
        this.outgoing.timedOutOnChain(channelId, event.htlcId);
        return;
      case "resolved":
        this.closed.resolved(channelId);
        return;
      case "spendable-outputs": {
        this.emit(event);
        if (this.environment.watch.durability === "same-batch") return;
        const outPoints = event.outputs.map(({ outPoint }) => outPoint);
        this.turn.effect({ kind: "outputs-stored", channelId, outPoints });
        return;
      }
    }
  }

  /** The best block is at `height`: what must be failed upstream now is. */
  failBackInTime(height: number): void {
    this.forwarding.failBackInTime(height);
    this.intercepted.newBlock(height);
    this.relays.newBlock(height, (channelId) => this.forwarding.isOnChain(channelId));
  }

  /** Forgets a channel for good; `keys` are those of all its records. */
  archive(channelId: ChannelId, keys: readonly string[]): void {
    for (const { id } of this.channels.funded(channelId)?.incoming ?? []) {
      this.#forgetIncoming({ channelId, htlcId: id });
    }
    this.closed.forget(channelId);
    this.forwarding.forget(channelId);
    this.announcer.forget(channelId);
    this.channels.forget(channelId);
    this.turn.forget(channelId);
    this.#records.delete(keys);
  }

  #forgetIncoming(ref: HtlcRef): void {
    this.claimables.forget(ref);
    this.relays.forget(ref);
    this.incoming.forget(ref);
    this.intercepted.forget(ref);
  }

  /** Everything since the last batch, or `undefined` when nothing has happened. */
  takeBatch(): Batch | undefined {
    this.#process();
    const taken = this.turn.take();
    const { groups } = taken;
    const sequence = this.#sequence + 1;
    const encoders = this.#records.take(taken, sequence);
    if (encoders.length === 0 && groups.length === 0) return undefined;
    this.#sequence = sequence;
    this.#gate.enter({ sequence, groups });
    return new EncodedBatch(sequence, encoders);
  }

  /** The batch is durable. */
  batchCommitted(sequence: number): void {
    const refused = this.#gate.committed(sequence);
    // Why a monitor is locked is what the user wants to hear, if it says so.
    if (refused.length > 0) this.takeMonitorEvents();
    for (const id of refused) this.input(() => this.#refused(id));
    this.release();
  }

  /**
   * After a restart, before anything else: gives a `Watch` elsewhere again what it may not have, and takes its answers
   * as if the batches had just been committed. `held`, the stored events, wait for all of it.
   */
  replay(rows: readonly OutboxRow[], held: readonly IndexedEvent[]): void {
    const groups: EffectGroup[] = rows.map((row) => ({
      channels: [refOf(row).channelId],
      setups: row.kind === "watch-channel" ? [row.setup] : [],
      updates: row.kind === "update-channel" ? [row.update] : [],
      effects: [],
    }));
    groups.push({
      channels: rows.map((row) => refOf(row).channelId),
      setups: [],
      updates: [],
      effects: held.map((event) => ({ effect: { kind: "event", event } })),
    });
    this.#gate.enter({ sequence: this.#sequence, groups });
    this.batchCommitted(this.#sequence);
  }

  /** Lets out what may leave now. */
  release(): void {
    const { effects, dropped, settled } = this.#gate.release();
    for (const effect of effects) this.#effects.run(effect);
    for (const effect of dropped) this.#effects.drop(effect);
    for (const ref of settled) this.#records.settled(ref);
  }

  takeMessages(): readonly MessageSendEvent[] {
    return this.#effects.takeMessages();
  }

  /** Whether batches wait, or far too many events, so that a peer should not be read from. */
  get congested(): boolean {
    return this.#gate.size > maxGroupsWaiting || this.events.isFull;
  }

  /** The channel's monitor is locked. */
  #refused(channelId: ChannelId): void {
    this.channels.step(channelId, { kind: "watch-refused" });
  }

  /**
   * From now on incoming HTLCs are decided by `processForwards` only, and failures that leave a blinded path wait for
   * it.
   */
  deferForwards(): void {
    this.#defersForwards = true;
    this.incoming.delayFailures();
  }

  /** Decides all HTLCs that wait for it. */
  processForwards(): void {
    for (const { ref, resolution } of this.incoming.takeFailures()) {
      this.input(() => void this.incoming.resolve(ref, resolution));
    }
    for (const ref of this.incoming.take()) this.input(() => this.#decide(ref));
  }

  /** Decides, retries, announces and signs until nothing is left to do. */
  #process(): void {
    for (let round = 0; round < maxRounds; round++) {
      if (!this.#defersForwards) this.processForwards();
      for (const paymentId of this.payments.takeRetries()) {
        this.input(() => this.attempt(paymentId, () => this.payer.attempt(paymentId, this.#now)));
      }
      for (const channelId of this.channels.takeUnsigned()) this.input(() => this.channels.sign(channelId));
      const isDecided = this.#defersForwards || this.incoming.size === 0;
      if (isDecided && !this.payments.hasRetries) break;
    }
    this.input(() => this.announcer.publish());
  }

  /** A bug that one HTLC brings out stops its channel, and no other HTLC. */
  #decide(ref: HtlcRef): void {
    try {
      this.incoming.decide(ref, this.#target);
    } catch (error) {
      this.channels.quarantine(ref.channelId, messageOf(error));
    }
  }

  /** A bug that one payment brings out ends its attempts, and no other payment's. */
  attempt(paymentId: PaymentId, act: () => void): void {
    try {
      act();
    } catch (error) {
      const text = `payment ${paymentId}: ${messageOf(error)}`;
      this.environment.logger.log({ level: "error", module: "payment", text });
      this.payments.abandon(paymentId, "unexpected-error");
    }
  }

  readonly #target: IncomingHtlcTarget = {
    forward: (read, order) => this.forwarding.forward(read, order),
    forwardIntercepted: (read, order, to) => this.forwarding.forwardIntercepted(read, order, to),
    receive: (read, payload) => this.claimables.receive(read, payload, this.#now),
    relay: (read, order) => this.relays.relay(read, order, this.#now),
  };

  #collectEvents(): void {
    for (const failed of this.payments.takeFailedRelays()) this.relays.failed(failed);
    for (const event of this.payments.takeEvents()) this.emit(event);
    for (const event of this.claimables.takeEvents()) this.emit(event);
  }
}

/** Groups of effects that may wait for the store before peers are no longer read from. */
const maxGroupsWaiting = 1_000;
/** Decisions may cause others; more rounds than this would be a loop. */
const maxRounds = 100;

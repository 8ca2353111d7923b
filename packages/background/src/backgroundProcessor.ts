import type { KVStore, Lease } from "@fulmen/lightning/chain";
import {
  type Event,
  type EventsProvider,
  type LogRecord,
  withPrintableText,
} from "@fulmen/lightning/handlers";
import type { PeerConnections } from "@fulmen/lightning/peer";
import { channelPrefixes } from "@fulmen/lightning/storage";
import { messageOf, printable, type UnixSeconds } from "@fulmen/lightning/util";
import type { BackgroundProcessorOptions, NodeStatus } from "./backgroundOptions.ts";
import { BatchCommitter } from "./batchCommitter.ts";
import { systemClock } from "./clock.ts";
import { type EventHandler, EventPump } from "./eventPump.ts";
import { type DeliveredEvent, EventStream } from "./eventStream.ts";
import { randomForwardDelay } from "./forwardDelay.ts";
import { GossipVerifier } from "./gossipVerifier.ts";
import { NetworkKnowledge } from "./networkKnowledge.ts";
import { NodeCommits } from "./nodeCommits.ts";
import { pagesBelow } from "./pagesBelow.ts";
import { Timers } from "./timers.ts";
import { wakingConnections } from "./wakingConnections.ts";

/** Milliseconds until a lease that is not held now is looked at again. */
const leaseLookInterval = 100;

/**
 * Runs a node: commits what happened, lets the effects out that rest on it, gives the user events, and keeps the time.
 *
 * After every call to the manager that may have caused something, call `wake`; bytes that come in through `peers` do
 * so by themselves. No timer and no commit happens before `start`.
 *
 * @ldk lightning_background_processor::BackgroundProcessor
 */
export class BackgroundProcessor {
  /** The `PeerManager` as the transport shall see it: what peers send is dealt with at once. */
  readonly peers: PeerConnections;
  readonly #options: BackgroundProcessorOptions;
  readonly #committer: BatchCommitter;
  readonly #lease: BackgroundProcessorOptions["lease"];
  readonly #eventSource: EventsProvider;
  /** Who gets the events; there may be nobody for a while. */
  #events: EventPump | EventStream | undefined;
  readonly #timers: Timers;
  readonly #gossipVerifier: GossipVerifier | undefined;
  #status: NodeStatus = { kind: "stopped" };
  readonly #commits: NodeCommits;
  #turnIsDue = false;
  /** Cancels the timer of HTLCs that wait to be decided. */
  #cancelForwards: (() => void) | undefined;
  #cancelLeaseLook: (() => void) | undefined;
  #isPolling = false;
  readonly #knowledge: NetworkKnowledge;

  constructor(options: BackgroundProcessorOptions) {
    const { store, peerManager, clock = systemClock } = options;
    this.#options = { ...options, logger: withPrintableText(options.logger) };
    this.peers = wakingConnections(peerManager, () => this.wake());
    const { manager } = options;
    this.#lease = options.lease ?? leaseOf(store);
    this.#eventSource = {
      pendingEvents: (limit, after) => (this.#mayAct() ? manager.pendingEvents(limit, after) : []),
      acknowledgeEvent: (index) => manager.acknowledgeEvent(index),
      acknowledgeEvents: (index) => manager.acknowledgeEvents(index),
    };
    this.#committer = new BatchCommitter(store, clock, {
      frozen: (error, attempt, retryIn) => this.#frozen(error, attempt, retryIn),
      stalled: (waited) => {
        const error = new Error(`the store has not answered for ${waited / 1_000} s`);
        this.#log("error", `${error.message}; nothing leaves the node until it does`);
        this.#become({ kind: "frozen", error, attempt: 1, retryIn: 0 });
        this.#disconnect();
      },
      thawed: () => {
        this.#log("info", "the store works again");
        this.#become({ kind: "running" });
        this.wake();
      },
      lost: (error) => this.#fail(error, "the store cannot be used any more"),
    });
    this.#commits = new NodeCommits(options);
    this.#timers = new Timers(clock);
    const { networkGraph: graph, scorer } = options;
    const { logger } = this.#options;
    this.#knowledge = new NetworkKnowledge({
      store,
      logger,
      ...(graph && { graph }),
      ...(scorer && { scorer }),
    });
    const { gossip, signatureVerifier: verifier } = options;
    if (gossip !== undefined && verifier !== undefined) {
      this.#gossipVerifier = new GossipVerifier({ gossip, verifier, progressed: () => this.wake() });
    }
    if (options.forwardDelay !== "none") options.manager.deferHtlcForwards();
    if (options.handleEvent !== undefined) this.handleEvents(options.handleEvent);
  }

  get status(): NodeStatus {
    return this.#status;
  }

  /** Begins. To be called when the manager is restored and has seen the chain up to its tip. */
  start(): void {
    const { manager, peerManager, chainMonitor, bumpTransactionHandler, sweeper, gossip } = this.#options;
    const { clock = systemClock } = this.#options;
    this.#become({ kind: "running" });
    this.#lease?.onLost((error) => this.#fail(error, "the node is another process's"));
    if (!this.#isAlive) return;
    this.#every(10, () => {
      peerManager.tick();
      gossip?.tick(clock.now() as UnixSeconds);
    });
    this.#every(30, () => {
      chainMonitor?.rebroadcast();
      sweeper?.rebroadcast();
      if (chainMonitor !== undefined) void bumpTransactionHandler?.retain(chainMonitor.unsettledClaims());
    });
    this.#every(60, () => manager.timerTickOccurred(clock.now()));
    const { pollInterval = 1_000 } = this.#options;
    if (this.#options.prober !== undefined) this.#every(1, () => this.#probe());
    this.#every(5 * 60, () => this.#knowledge.timePassed(clock.now() as UnixSeconds));
    this.#timers.every(60 * 60 * 1_000, () => {
      void this.#archive();
      if (!this.#committer.isFrozen) void this.#knowledge.save();
    });
    if (this.#options.pollChain !== undefined) this.#timers.every(pollInterval, () => void this.#poll());
    this.#guard(() => manager.timerTickOccurred(clock.now()));
    this.#guard(() => this.#knowledge.timePassed(clock.now() as UnixSeconds));
    chainMonitor?.rebroadcast();
    sweeper?.rebroadcast();
    this.wake();
  }

  /** Something may have happened. Cheap, and may be called at any time. */
  wake(): void {
    if (this.#turnIsDue || !this.#isAlive) return;
    this.#turnIsDue = true;
    queueMicrotask(() => {
      this.#turnIsDue = false;
      this.#guard(() => this.#turn());
    });
  }

  /**
   * Gives all events to `handler`, one after the other by their index, each until it was handled once without an error:
   * one that fails comes again after a second, then two, up to a minute, and does not hold up those behind it. Events
   * wait as long as nobody gets them. One handler or loop at a time: throws while there is another.
   */
  handleEvents(handler: EventHandler): void {
    const { clock = systemClock } = this.#options;
    this.#expectNobody();
    this.#events = new EventPump({
      source: this.#eventSource,
      handle: (event, index) => {
        this.#track(event, index);
        return handler(event, index);
      },
      clock,
      handled: ({ event, error }) => {
        if (error !== undefined)
          this.#log("error", `the handler of ${event.kind} failed: ${messageOf(error)}`);
        this.wake();
      },
      isSlow: ({ kind }) =>
        this.#log("warn", `the handler of ${kind} has not finished for a minute; later events wait for it`),
    });
    this.wake();
  }

  /**
   * All events for a `for await` loop, in place of `handleEvents`. The loop ends when the node does. An event of which
   * `acknowledge` was not called comes again in the next loop, or after a restart. Throws while there is another loop
   * or a handler.
   *
   * ```ts
   * for await (const { event, acknowledge } of background.events()) {
   *   if (event.kind === "payment-claimed") await shop.paid(event.paymentHash);
   *   acknowledge();
   * }
   * ```
   */
  events(): AsyncIterableIterator<DeliveredEvent> {
    this.#expectNobody();
    const stream = new EventStream({
      source: this.#eventSource,
      deliver: (event, index) => this.#track(event, index),
      acknowledged: () => this.wake(),
      ended: () => {
        if (this.#events === stream) this.#events = undefined;
      },
    });
    this.#events = stream;
    return stream;
  }

  /** Resolves when all that has happened is durable, or at once when the store fails: `status` tells. */
  async saved(): Promise<void> {
    await this.#committer.settled();
    this.#guard(() => this.#turn());
    await this.#committer.settled();
  }

  /**
   * Ends: peers are disconnected, what happened is committed, and the handler finishes with its event. Afterwards the
   * store and the transport can be closed. While the store fails, what it did not take is given up; nothing of it
   * was shown to anybody.
   */
  async stop(): Promise<void> {
    this.#timers.stop();
    this.#cancelForwards?.();
    this.#cancelLeaseLook?.();
    await this.#endEvents();
    if (this.#isAlive) {
      this.#options.peerManager.disconnectAll();
      await this.saved();
      await this.saved();
      if (this.#isAlive && !this.#committer.isFrozen) await this.#knowledge.save();
    }
    this.#committer.stop();
    if (this.#status.kind !== "failed") this.#become({ kind: "stopped" });
  }

  get #isAlive(): boolean {
    return this.#status.kind === "running" || this.#status.kind === "frozen";
  }

  /** Takes what happened to the store, and what may leave to the peers and the user. */
  #turn(): void {
    if (!this.#isAlive) return;
    const { flush } = this.#options;
    this.#bump();
    this.#gossipVerifier?.pump();
    if (this.#committer.isFrozen) {
      this.#disconnect();
      return;
    }
    while (this.#committer.isReady) {
      const batch = this.#commits.take();
      if (batch === undefined) break;
      this.#committer.commit({
        writes: batch.writes,
        committed: () =>
          this.#guard(() => {
            batch.committed();
            this.wake();
          }),
      });
    }
    if (this.#mayAct()) flush();
    this.#events?.wake();
    this.#scheduleForwards();
  }

  /** Without the lease nothing leaves. It may come back, of which nobody tells. */
  #mayAct(): boolean {
    if (this.#lease === undefined || this.#lease.holdsLease()) return true;
    if (!this.#isAlive) return false;
    const { clock = systemClock } = this.#options;
    this.#cancelLeaseLook ??= clock.schedule(() => {
      this.#cancelLeaseLook = undefined;
      this.wake();
    }, leaseLookInterval);
    return false;
  }

  /**
   * HTLCs that came in wait a little: those of one moment go on together, and nobody learns much from the time it
   * takes.
   */
  #scheduleForwards(): void {
    const { manager, clock = systemClock, forwardDelay = randomForwardDelay } = this.#options;
    if (forwardDelay === "none" || this.#cancelForwards !== undefined) return;
    if (!manager.needsPendingHtlcProcessing()) return;
    this.#cancelForwards = clock.schedule(() => {
      this.#cancelForwards = undefined;
      this.#guard(() => manager.processPendingHtlcForwards());
      this.wake();
    }, forwardDelay());
  }

  /** What the sweeper takes in here is written with the acknowledgement at the latest. */
  #track(event: Event, index: number): void {
    const { sweeper, gossip, clock = systemClock } = this.#options;
    this.#knowledge.learn(event, index, clock.now() as UnixSeconds);
    if (event.kind === "spendable-outputs") {
      const { channelId, counterparty, outputs, isTracked = false } = event;
      // It may have seen them spent, and forgotten them, by now.
      if (isTracked) return;
      sweeper?.trackSpendableOutputs(outputs, { channelId, counterparty });
    } else if (event.kind === "payment-path-failed" || event.kind === "probe-failed") {
      if (event.networkUpdate !== undefined) gossip?.handleNetworkUpdate(event.networkUpdate);
    }
  }

  #probe(): void {
    const { prober, clock = systemClock } = this.#options;
    if (this.#committer.isFrozen) return;
    const attempt = prober?.tick(clock.now() as UnixSeconds);
    if (attempt?.kind === "skipped") this.#log("debug", `no probe: ${attempt.text}`);
  }

  #expectNobody(): void {
    if (this.#events !== undefined) throw new Error("the events go to another handler or loop already");
  }

  async #endEvents(): Promise<void> {
    if (this.#events instanceof EventPump) await this.#events.stop();
    else this.#events?.end();
  }

  /** Commitments and HTLCs that need a wallet's coins: also while the store fails, since their time runs out. */
  #bump(): void {
    const { chainMonitor, bumpTransactionHandler } = this.#options;
    const events = (bumpTransactionHandler && chainMonitor?.takeBumpEvents()) ?? [];
    if (events.length > 0) void bumpTransactionHandler?.handle(events, () => this.saved());
  }

  #frozen(error: unknown, attempt: number, retryIn: number): void {
    const text = `the store failed (attempt ${attempt}): ${messageOf(error)}; nothing leaves the node until it works again`;
    this.#log("error", text);
    this.#become({ kind: "frozen", error, attempt, retryIn });
    this.#disconnect();
  }

  /** Nobody is to wait for answers that cannot be given. */
  #disconnect(): void {
    this.#options.peerManager.disconnectAll();
    this.#options.flush();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling || !this.#isAlive) return;
    this.#isPolling = true;
    try {
      await this.#options.pollChain?.();
    } catch (error) {
      this.#log("warn", `the chain could not be asked: ${messageOf(error)}`);
    }
    this.#isPolling = false;
    this.wake();
  }

  /** Forgets closed channels of which nothing is left. */
  async #archive(): Promise<void> {
    const { manager, chainMonitor, store } = this.#options;
    for (const channelId of manager.channelsToArchive()) {
      try {
        const keys: string[] = [];
        for (const prefix of channelPrefixes(channelId))
          for await (const page of pagesBelow(store, prefix)) keys.push(...page.map(({ key }) => key));
        if (!this.#isAlive) return;
        this.#guard(() => {
          manager.archiveChannel(channelId, keys);
          chainMonitor?.archive(channelId);
        });
      } catch (error) {
        this.#log(
          "warn",
          `the records of closed channel ${channelId} could not be read: ${messageOf(error)}`,
        );
        return;
      }
    }
    this.wake();
  }

  #every(seconds: number, action: () => void): void {
    this.#timers.every(seconds * 1_000, () => {
      this.#guard(action);
      this.wake();
    });
  }

  /** A bug leaves the memory in doubt, never the store: the node stops, and can be started from there. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error, "a bug was found");
    }
  }

  #fail(error: unknown, what: string): void {
    if (!this.#isAlive) return;
    this.#timers.stop();
    this.#committer.stop();
    void this.#endEvents();
    const text = `${what}: ${printable(messageOf(error))}; the node stops here and is to be started anew`;
    this.#log("error", text);
    this.#become({ kind: "failed", error, text });
    this.#disconnect();
  }

  #become(status: NodeStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }

  #log(level: LogRecord["level"], text: string): void {
    this.#options.logger.log({ level, module: "background", text });
  }
}

/** The lease that comes with a store such as PostgreSQL's. */
function leaseOf(store: KVStore & Partial<Lease>): BackgroundProcessorOptions["lease"] {
  const { holdsLease, onLost } = store;
  if (holdsLease === undefined || onLost === undefined) return undefined;
  return { holdsLease: holdsLease.bind(store), onLost: onLost.bind(store) };
}

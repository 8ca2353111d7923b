import type { Disposition, HtlcRef, IncomingHtlc, Resolution } from "../channel/disposition.ts";
import type { ChannelRefusal } from "../channel/error.ts";
import type { ChannelState } from "../channel/state.ts";
import { findHtlc } from "../commitment/dance.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type {
  Event,
  HtlcHandlingFailureReason,
  HtlcHandlingFailureType,
  LocalHtlcFailureReason,
} from "../handlers/event.ts";
import type { BadOnion, FinalPayload } from "../onion/index.ts";
import { forwardFailureType, reasonOf } from "../payment/forwardPolicy.ts";
import {
  type ForwardOrder,
  type OnionReading,
  readIncomingOnion,
  type TrampolineOrder,
} from "../payment/incomingOnion.ts";
import { readPhantomOnion } from "../payment/phantomOnion.ts";
import { failHere, type WayBack } from "../payment/wayBack.ts";
import { noBytes } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Msat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { FakeScids } from "./fakeScids.ts";
import { HoldTimes } from "./holdTimes.ts";
import { IncomingLimits } from "./incomingLimits.ts";

/** Two to three minutes: a peer is back by then, or not for long. */
const ticksToWait = 3;

/** An incoming HTLC whose onion was read and is sound. */
export interface ReadHtlc extends WayBack {
  readonly ref: HtlcRef;
  readonly htlc: Htlc;
  /** What the phantom behind us would have been offered; absent when the HTLC is for us. */
  readonly offered?: { readonly amount: Msat; readonly cltvExpiry: number };
}

/** What the user decided about an intercepted HTLC. */
export type ForwardTo = NonNullable<Extract<Disposition, { readonly kind: "intercepted" }>["forwardTo"]>;

/** What was tried with an HTLC, and why it failed: for the user. */
export interface HandlingFailure {
  readonly failureType: HtlcHandlingFailureType;
  readonly reason: LocalHtlcFailureReason;
}

/** What is done with an HTLC that its onion sends onward, or leaves here. */
export interface IncomingHtlcTarget {
  forward(read: ReadHtlc, order: ForwardOrder): void;
  /** The user has said where to. */
  forwardIntercepted(read: ReadHtlc, order: ForwardOrder, to: ForwardTo): void;
  receive(read: ReadHtlc, payload: FinalPayload): void;
  relay(read: ReadHtlc, order: TrampolineOrder): void;
}

/** A failure that is stored, and waits a moment before the peer hears of it. */
interface DelayedFailure {
  readonly ref: HtlcRef;
  readonly resolution: Resolution;
}

/**
 * HTLCs that the peers have irrevocably offered us and about which nothing is decided. Each is decided once: from then
 * on its disposition says what became of it. BOLT 4, "Accepting and Forwarding a Payment".
 */
export class IncomingHtlcs {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #fakeScids: FakeScids;
  #undecided: HtlcRef[] = [];
  /** Those whose next channel is waited for. */
  #waiting: HtlcRef[] = [];
  /** Ticks since one was put off for the first time; keys by `refKey`. */
  readonly #ticksWaited = new Map<string, number>();
  /** Those that are to be decided again since the connection went away over them. */
  readonly #interrupted = new Set<string>();
  /**
   * Failures of blinded paths that begin here, which are not told yet; keys by `refKey`. Absent where none has to wait.
   */
  #delayed: Map<string, DelayedFailure> | undefined;
  readonly #holdTimes: HoldTimes;
  readonly #limits = new IncomingLimits();
  readonly #emit: (event: Event, channelId: ChannelId) => void;

  constructor(
    environment: ManagerEnvironment,
    channels: Channels,
    parts: {
      readonly fakeScids: FakeScids;
      readonly emit: (event: Event, channelId: ChannelId) => void;
    },
  ) {
    this.#environment = environment;
    this.#emit = parts.emit;
    this.#holdTimes = new HoldTimes(environment.clock);
    this.#channels = channels;
    this.#fakeScids = parts.fakeScids;
  }

  get size(): number {
    return this.#undecided.length;
  }

  /** Failures that wait for `takeFailures`. */
  get failuresToTell(): number {
    return this.#delayed?.size ?? 0;
  }

  /**
   * From now on failures of blinded paths that begin here wait for `takeFailures`: whoever sees how long one takes
   * could learn how far behind us the recipient is (BOLT 4, "payload format"; BOLT 2, "Removing an HTLC").
   */
  delayFailures(): void {
    this.#delayed ??= new Map();
  }

  /** Failures that have waited; each is to be resolved once more. */
  takeFailures(): readonly DelayedFailure[] {
    const failures = [...(this.#delayed?.values() ?? [])];
    this.#delayed?.clear();
    return failures;
  }

  add(ref: HtlcRef): void {
    this.#holdTimes.begin(refKey(ref));
    this.#undecided.push(ref);
  }

  /** One that was on its way to the next node when that connection went away. */
  addInterrupted(ref: HtlcRef): void {
    this.#interrupted.add(refKey(ref));
    this.add(ref);
  }

  wasInterrupted(ref: HtlcRef): boolean {
    return this.#interrupted.has(refKey(ref));
  }

  /** Puts off the decision until channels change. `false` when that was done for long enough. */
  wait(ref: HtlcRef): boolean {
    const key = refKey(ref);
    const ticks = this.#ticksWaited.get(key) ?? 0;
    if (ticks >= ticksToWait) return false;
    this.#ticksWaited.set(key, ticks);
    this.#waiting.push(ref);
    return true;
  }

  /** A channel that is waited for may be there. */
  channelsChanged(): void {
    const refs = this.#waiting;
    this.#waiting = [];
    for (const ref of refs) this.#undecided.push(ref);
  }

  tick(): void {
    for (const [key, ticks] of this.#ticksWaited) this.#ticksWaited.set(key, ticks + 1);
    this.channelsChanged();
  }

  /** The HTLC is gone. */
  forget(ref: HtlcRef): void {
    const key = refKey(ref);
    this.#ticksWaited.delete(key);
    this.#interrupted.delete(key);
    this.#delayed?.delete(key);
    this.#holdTimes.forget(key);
  }

  /** How long we have held an incoming HTLC, in units of 100 milliseconds; 0 when that is not known. */
  holdTime(ref: HtlcRef): number {
    return this.#holdTimes.of(refKey(ref));
  }

  /** Those that wait; each is to be decided now. */
  take(): readonly HtlcRef[] {
    const refs = this.#undecided;
    this.#undecided = [];
    return refs;
  }

  /**
   * Fails an HTLC with a reason that only the payer can read, if anybody, and tells the user. Without `handling`, it is
   * one that was to be received.
   */
  fail(read: WayBack & Pick<ReadHtlc, "ref">, failure: FailureMessage, handling?: HandlingFailure): void {
    const reason = handling?.reason ?? reasonOf(failure);
    this.tellFailed(read.ref, handling?.failureType, { kind: "local", reason });
    this.failBack(read, failHere(read, failure, this.holdTime(read.ref)));
  }

  /** Lets a failure go back; after a moment, where it leaves a blinded path here. */
  failBack({ ref, blinded }: WayBack & Pick<ReadHtlc, "ref">, resolution: Resolution): void {
    const waits = blinded === "introduction" && this.#delayed !== undefined;
    this.resolve(ref, resolution, waits);
    if (waits) this.#delayed?.set(refKey(ref), { ref, resolution });
  }

  resolve({ channelId, htlcId }: HtlcRef, resolution: Resolution, later = false): ChannelRefusal | undefined {
    return this.#channels.command(channelId, {
      kind: "resolve-htlc",
      htlcId,
      resolution,
      monitor: undefined,
      ...(later && { later: true as const }),
    });
  }

  decide(ref: HtlcRef, target: IncomingHtlcTarget): void {
    const found = this.#find(ref);
    if (found === undefined) return;
    const { htlc, channel, entry, incoming } = found;
    const { disposition } = incoming;
    if (disposition.kind !== "undecided" && disposition.kind !== "intercepted") return;
    const forwardTo = disposition.kind === "intercepted" ? disposition.forwardTo : undefined;
    // The user has not said yet.
    if (disposition.kind === "intercepted" && forwardTo === undefined) return;
    // After a bug there is nobody to be told; a restart asks again.
    if (entry.quarantined) return;
    if (isOver(entry.state)) {
      // The chain decides what becomes of it, and perhaps not for us: nothing is to be paid on its account any more.
      this.resolve(ref, { kind: "fail", reason: new Uint8Array(0) });
      return;
    }
    const reading = this.#read(htlc, disposition);
    if (reading.kind === "malformed") {
      const reason = badOnionReasons[reading.reason];
      this.tellFailed(ref, { kind: "invalid-onion" }, { kind: "local", reason });
      this.resolve(ref, { kind: "fail-malformed", ...reading.malformed });
      return;
    }
    const read: ReadHtlc = { ref, htlc, ...reading.back };
    if (reading.kind === "fail") {
      this.#log(`an onion: ${reading.reason}`);
      this.fail(read, reading.failure, invalidOnion(reading.failure));
      return;
    }
    const overloaded =
      forwardTo === undefined ? this.#limits.refusal(this.#channels.context, channel, htlc) : undefined;
    if (overloaded !== undefined) {
      this.#log(overloaded.text);
      const failureType: HtlcHandlingFailureType =
        reading.kind === "forward"
          ? forwardFailureType(reading.order)
          : reading.kind === "trampoline"
            ? { kind: "trampoline-forward" }
            : { kind: "receive", paymentHash: htlc.paymentHash };
      const failure = { type: "temporary_channel_failure", channelUpdate: noBytes } as const;
      this.fail(read, failure, { failureType, reason: overloadReason(overloaded) });
      return;
    }
    if (reading.kind === "receive") target.receive(read, reading.payload);
    else if (reading.kind === "trampoline") target.relay(read, reading.order);
    else if (this.#isForPhantom(read, reading.order)) this.#decidePhantom(read, reading.order, target);
    else if (forwardTo === undefined) target.forward(read, reading.order);
    else target.forwardIntercepted(read, reading.order, forwardTo);
  }

  #isForPhantom({ blinded }: ReadHtlc, { next }: ForwardOrder): boolean {
    if (this.#environment.nodeSigner.phantom === undefined || blinded !== undefined) return false;
    if (next.kind !== "short-channel-id" || this.#channels.named(next.shortChannelId) !== undefined)
      return false;
    return this.#fakeScids.has("phantom", next.shortChannelId);
  }

  #decidePhantom(read: ReadHtlc, order: ForwardOrder, target: IncomingHtlcTarget): void {
    const { paymentHash, amount, cltvExpiry } = read.htlc;
    const height = this.#channels.context.bestHeight;
    const { nodeSigner } = this.#environment;
    const phantom = present(nodeSigner.phantom, "a phantom");
    const reading = readPhantomOnion(
      { paymentHash, amount, cltvExpiry, height, order },
      {
        nodeId: phantom.nodeId,
        ecdh: (point) => phantom.ecdh(point),
        receiveAuthKey: () => nodeSigner.receiveAuthKey(),
      },
    );
    const phantomSharedSecret = reading.sharedSecret;
    if (reading.kind === "fail") this.fail({ ...read, phantomSharedSecret }, reading.failure);
    else target.receive({ ...read, phantomSharedSecret, offered: reading.offered }, reading.payload);
  }

  /** An intercepted HTLC that the user has not decided about: its onion is read once more. */
  readIntercepted(ref: HtlcRef): { readonly read: ReadHtlc; readonly order: ForwardOrder } | undefined {
    const found = this.#find(ref);
    if (found === undefined || found.entry.quarantined || isOver(found.entry.state)) return undefined;
    const { disposition } = found.incoming;
    if (disposition.kind !== "intercepted" || disposition.forwardTo !== undefined) return undefined;
    const reading = this.#read(found.htlc, disposition);
    if (reading.kind !== "forward") return undefined;
    return { read: { ref, htlc: found.htlc, ...reading.back }, order: reading.order };
  }

  /** What is known of an HTLC about which nothing is decided. */
  undecided(ref: HtlcRef): Extract<Disposition, { readonly kind: "undecided" }> | undefined {
    const disposition = this.#find(ref)?.incoming.disposition;
    return disposition?.kind === "undecided" ? disposition : undefined;
  }

  /** The user has decided where an intercepted HTLC goes. */
  setForwardTo(ref: HtlcRef, forwardTo: ForwardTo): void {
    const disposition = this.#find(ref)?.incoming.disposition;
    if (disposition?.kind !== "intercepted") return;
    setDisposition(this.#channels, ref, { ...disposition, forwardTo });
  }

  /** The user is to decide about an undecided HTLC; it is read again then. */
  intercept(ref: HtlcRef): void {
    const disposition = this.#find(ref)?.incoming.disposition;
    if (disposition?.kind !== "undecided") return;
    setDisposition(this.#channels, ref, { ...disposition, kind: "intercepted" });
  }

  #read(
    { paymentHash, amount, cltvExpiry }: Htlc,
    { onion: packet, pathKey }: Extract<Disposition, { readonly kind: "undecided" | "intercepted" }>,
  ): OnionReading {
    const { acceptTrampolineForwards: acceptsTrampoline } = this.#environment.config;
    const onion = { packet, paymentHash, pathKey, amount, cltvExpiry, acceptsTrampoline };
    return readIncomingOnion(onion, this.#environment.nodeSigner);
  }

  #log(text: string): void {
    this.#environment.logger.log({ level: "info", module: "forwarding", text });
  }

  /** Tells the user that an HTLC fails; once, before it does. */
  tellFailed(
    ref: HtlcRef,
    failureType: HtlcHandlingFailureType | undefined,
    failureReason: HtlcHandlingFailureReason,
  ): void {
    const found = this.#find(ref);
    // It had failed, or was claimed, before.
    if (found === undefined || found.incoming.disposition.kind === "resolved") return;
    const { paymentHash } = found.htlc;
    this.#emit(
      {
        kind: "htlc-handling-failed",
        prevChannelIds: [ref.channelId],
        paymentHash,
        failureType: failureType ?? { kind: "receive", paymentHash },
        failureReason,
      },
      ref.channelId,
    );
  }

  #find({ channelId, htlcId }: HtlcRef) {
    const entry = this.#channels.get(channelId);
    const channel = this.#channels.funded(channelId);
    const htlc = channel && findHtlc(channel.commitments, "incoming", htlcId);
    const incoming: IncomingHtlc | undefined = channel?.incoming.find(({ id }) => id === htlcId);
    return entry && channel && htlc && incoming && { entry, channel, htlc, incoming };
  }
}

const badOnionReasons = {
  invalid_onion_version: "invalid-onion-version",
  invalid_onion_hmac: "invalid-onion-hmac",
  invalid_onion_key: "invalid-onion-key",
  invalid_onion_blinding: "invalid-onion-blinding",
} as const satisfies Record<BadOnion["failure"], LocalHtlcFailureReason>;

function invalidOnion(failure: FailureMessage): HandlingFailure {
  return { failureType: { kind: "invalid-onion" }, reason: reasonOf(failure) };
}

function overloadReason({ code }: ChannelRefusal): LocalHtlcFailureReason {
  return code === "dust-exposure" ? "dust-limit-holder" : "fee-spike-buffer";
}

/** Nothing is agreed with the peer any more: the chain settles what is left. */
function isOver({ kind }: ChannelState): boolean {
  return kind === "closing" || kind === "wait-for-remote-close";
}

/** Notes what became of an incoming HTLC. */
export function setDisposition(channels: Channels, ref: HtlcRef, disposition: Disposition): void {
  channels.command(ref.channelId, { kind: "set-disposition", htlcId: ref.htlcId, disposition });
}

/** Text that names an HTLC among all channels. */
export function refKey({
  channelId,
  htlcId,
}: {
  readonly channelId: ChannelId;
  readonly htlcId: bigint;
}): string {
  return `${channelId}/${htlcId}`;
}

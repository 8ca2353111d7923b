import type { Disposition, HtlcRef, IncomingHtlc, Resolution } from "../channel/disposition.ts";
import type { ChannelRefusal } from "../channel/error.ts";
import { mayKeepIncoming } from "../channel/ops/htlcs.ts";
import { findHtlc } from "../commitment/dance.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { FinalPayload } from "../onion/index.ts";
import { fakeScidKey, isFakeScid } from "../payment/fakeScid.ts";
import { type ForwardOrder, readIncomingOnion } from "../payment/incomingOnion.ts";
import { readPhantomOnion } from "../payment/phantomOnion.ts";
import { failHere, type WayBack } from "../payment/wayBack.ts";
import type { ChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Secret } from "../util/secret.ts";
import type { Msat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { HoldTimes } from "./holdTimes.ts";

/** Two to three minutes: a peer is back by then, or not for long. */
const ticksToWait = 3;

/** An incoming HTLC whose onion was read and is sound. */
export interface ReadHtlc extends WayBack {
  readonly ref: HtlcRef;
  readonly htlc: Htlc;
  /** What the phantom behind us would have been offered; absent when the HTLC is for us. */
  readonly offered?: { readonly amount: Msat; readonly cltvExpiry: number };
}

/** What is done with an HTLC that its onion sends onward, or leaves here. */
export interface IncomingHtlcTarget {
  forward(read: ReadHtlc, order: ForwardOrder): void;
  receive(read: ReadHtlc, payload: FinalPayload): void;
}

/**
 * HTLCs that the peers have irrevocably offered us and about which nothing is decided. Each is decided once: from then
 * on its disposition says what became of it. BOLT 4, "Accepting and Forwarding a Payment".
 */
export class IncomingHtlcs {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #fakeScidKey: Secret;
  #undecided: HtlcRef[] = [];
  /** Those whose next channel is waited for. */
  #waiting: HtlcRef[] = [];
  /** Ticks since one was put off for the first time; keys by `refKey`. */
  readonly #ticksWaited = new Map<string, number>();
  /** Those that are to be decided again since the connection went away over them. */
  readonly #interrupted = new Set<string>();
  readonly #holdTimes: HoldTimes;

  constructor(environment: ManagerEnvironment, channels: Channels) {
    this.#environment = environment;
    this.#holdTimes = new HoldTimes(environment.clock);
    this.#channels = channels;
    this.#fakeScidKey = fakeScidKey(environment.nodeSigner.inboundPaymentKey());
  }

  get size(): number {
    return this.#undecided.length;
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

  /** Fails an HTLC with a reason that only the payer can read, if anybody. */
  fail(read: WayBack & Pick<ReadHtlc, "ref">, failure: FailureMessage): void {
    this.resolve(read.ref, failHere(read, failure, this.holdTime(read.ref)));
  }

  resolve({ channelId, htlcId }: HtlcRef, resolution: Resolution): ChannelRefusal | undefined {
    return this.#channels.command(channelId, {
      kind: "resolve-htlc",
      htlcId,
      resolution,
      monitor: undefined,
    });
  }

  decide(ref: HtlcRef, target: IncomingHtlcTarget): void {
    const found = this.#find(ref);
    if (found === undefined || found.incoming.disposition.kind !== "undecided") return;
    const { htlc, channel, entry } = found;
    // After a bug there is nobody to be told; a restart asks again.
    if (entry.quarantined) return;
    if (entry.state.kind === "closing" || entry.state.kind === "wait-for-remote-close") {
      // The chain decides what becomes of it, and perhaps not for us: nothing is to be paid on its account any more.
      this.resolve(ref, { kind: "fail", reason: new Uint8Array(0) });
      return;
    }
    const onion = {
      packet: found.incoming.disposition.onion,
      paymentHash: htlc.paymentHash,
      pathKey: found.incoming.disposition.pathKey,
      amount: htlc.amount,
      cltvExpiry: htlc.cltvExpiry,
    };
    const reading = readIncomingOnion(onion, this.#environment.nodeSigner);
    if (reading.kind === "malformed") {
      this.resolve(ref, { kind: "fail-malformed", ...reading.malformed });
      return;
    }
    const read: ReadHtlc = { ref, htlc, ...reading.back };
    if (reading.kind === "fail") {
      this.#environment.logger.log({
        level: "info",
        module: "forwarding",
        text: `an onion: ${reading.reason}`,
      });
      this.fail(read, reading.failure);
      return;
    }
    const overloaded = mayKeepIncoming(this.#channels.context, channel, htlc);
    if (overloaded !== undefined) {
      this.#environment.logger.log({ level: "info", module: "forwarding", text: overloaded.text });
      this.fail(read, { type: "temporary_channel_failure", channelUpdate: new Uint8Array(0) });
      return;
    }
    if (reading.kind === "receive") target.receive(read, reading.payload);
    else if (this.#isForPhantom(read, reading.order)) this.#decidePhantom(read, reading.order, target);
    else target.forward(read, reading.order);
  }

  #isForPhantom({ blinded }: ReadHtlc, { next }: ForwardOrder): boolean {
    const { nodeSigner, network } = this.#environment;
    if (nodeSigner.phantom === undefined || blinded !== undefined) return false;
    if (next.kind !== "short-channel-id" || this.#channels.named(next.shortChannelId) !== undefined)
      return false;
    const id = next.shortChannelId;
    return isFakeScid(this.#fakeScidKey, "phantom", { id, network: network.name });
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

  #find({ channelId, htlcId }: HtlcRef) {
    const entry = this.#channels.get(channelId);
    const channel = this.#channels.funded(channelId);
    const htlc = channel && findHtlc(channel.commitments, "incoming", htlcId);
    const incoming: IncomingHtlc | undefined = channel?.incoming.find(({ id }) => id === htlcId);
    return entry && channel && htlc && incoming && { entry, channel, htlc, incoming };
  }
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

import type { Disposition, HtlcRef, IncomingHtlc, Resolution } from "../channel/disposition.ts";
import type { ChannelRefusal } from "../channel/error.ts";
import { mayKeepIncoming } from "../channel/ops/htlcs.ts";
import { findHtlc } from "../commitment/dance.ts";
import type { Htlc } from "../commitment/htlc.ts";
import {
  createFailure,
  decodeHopPayload,
  type FinalPayload,
  type ForwardPayload,
  failureOfPayload,
  malformedOnion,
  peelOnion,
} from "../onion/index.ts";
import { fromHex } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";

/** An incoming HTLC whose onion was read and is sound. */
export interface ReadHtlc {
  readonly ref: HtlcRef;
  readonly htlc: Htlc;
  /** Encrypts what goes back to the payer. */
  readonly sharedSecret: Uint8Array;
}

/** What is done with an HTLC that its onion sends onward, or leaves here. */
export interface IncomingHtlcTarget {
  forward(read: ReadHtlc, payload: ForwardPayload, nextPacket: Uint8Array): void;
  receive(read: ReadHtlc, payload: FinalPayload): void;
}

/**
 * HTLCs that the peers have irrevocably offered us and about which nothing is decided. Each is decided once: from then
 * on its disposition says what became of it. BOLT 4, "Accepting and Forwarding a Payment".
 */
export class IncomingHtlcs {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  #undecided: HtlcRef[] = [];

  constructor(environment: ManagerEnvironment, channels: Channels) {
    this.#environment = environment;
    this.#channels = channels;
  }

  get size(): number {
    return this.#undecided.length;
  }

  add(ref: HtlcRef): void {
    this.#undecided.push(ref);
  }

  /** Those that wait; each is to be decided now. */
  take(): readonly HtlcRef[] {
    const refs = this.#undecided;
    this.#undecided = [];
    return refs;
  }

  /** Fails an HTLC with a reason that only the payer can read. */
  fail(read: Pick<ReadHtlc, "ref" | "sharedSecret">, failure: FailureMessage): void {
    const { reason } = createFailure(failure, { sharedSecret: read.sharedSecret, holdTime: undefined });
    this.resolve(read.ref, { kind: "fail", reason });
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
    const { htlc, channel } = found;
    const peeled = peelOnion({
      packet: found.incoming.disposition.onion,
      associatedData: fromHex(htlc.paymentHash),
      ecdh: (point) => this.#environment.nodeSigner.ecdh(point),
    });
    if (!peeled.ok) {
      if (peeled.error.kind === "bad-onion") {
        this.resolve(ref, { kind: "fail-malformed", ...malformedOnion(peeled.error) });
      } else {
        const { sharedSecret } = peeled.error;
        this.fail({ ref, sharedSecret }, failureOfPayload({ type: 0n, offset: 0 }));
      }
      return;
    }
    const { payload, nextPacket, sharedSecret } = peeled.value;
    const read: ReadHtlc = { ref, htlc, sharedSecret };
    const decoded = decodeHopPayload(payload, { isFinal: nextPacket === undefined, hasPathKey: false });
    if (!decoded.ok) {
      this.fail(read, failureOfPayload(decoded.error));
      return;
    }
    const overloaded = mayKeepIncoming(this.#channels.context, channel, htlc);
    if (overloaded !== undefined) {
      this.#environment.logger.log({ level: "info", module: "forwarding", text: overloaded.text });
      this.fail(read, { type: "temporary_channel_failure", channelUpdate: new Uint8Array(0) });
      return;
    }
    switch (decoded.value.kind) {
      case "forward":
        if (nextPacket !== undefined) target.forward(read, decoded.value, nextPacket);
        return;
      case "final":
        target.receive(read, decoded.value);
        return;
      case "blinded-forward":
      case "blinded-final":
        // We hand out no blinded paths: nobody but us could have made one that leads here.
        this.fail(read, failureOfPayload({ type: 10n, offset: 0 }));
        return;
    }
  }

  #find({ channelId, htlcId }: HtlcRef) {
    const channel = this.#channels.funded(channelId);
    const htlc = channel && findHtlc(channel.commitments, "incoming", htlcId);
    const incoming: IncomingHtlc | undefined = channel?.incoming.find(({ id }) => id === htlcId);
    return channel && htlc && incoming && { channel, htlc, incoming };
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

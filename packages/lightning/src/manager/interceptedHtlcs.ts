import { crypto } from "@fulmen/bitcoin/crypto";
import { htlcInterceptionFlags as flags } from "../channel/config.ts";
import type { HtlcRef } from "../channel/disposition.ts";
import type { FundedChannel } from "../channel/state.ts";
import { Writer } from "../codec/writer.ts";
import type { Event, LocalHtlcFailureReason } from "../handlers/event.ts";
import { htlcFailBackBuffer } from "../onchain/deadlines.ts";
import type { BlindedNextHop } from "../onion/index.ts";
import { forwardFailure, forwardFailureType } from "../payment/forwardPolicy.ts";
import type { ForwardOrder } from "../payment/incomingOnion.ts";
import { fromHex, noBytes } from "../util/bytes.ts";
import { type ChannelId, type InterceptId, interceptIdOf, type NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { ApiError } from "./apiError.ts";
import { isUsable } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { FakeScids } from "./fakeScids.ts";
import type { ForwardTo, IncomingHtlcs, ReadHtlc } from "./incomingHtlcs.ts";
import { refKey } from "./incomingHtlcs.ts";

/** HTLCs that may wait for the user at once, and how many of them may come from one peer. */
const maxIntercepted = 4_000;
const maxInterceptedOfPeer = 1_000;

interface Waiting {
  readonly ref: HtlcRef;
  readonly peer: NodeId;
  readonly cltvExpiry: number;
}

/** Puts an intercepted HTLC on the channel that the user chose. */
export type OfferIntercepted = (
  read: ReadHtlc,
  order: ForwardOrder,
  to: ForwardTo,
) => { readonly text: string } | undefined;

/**
 * HTLCs about which the user decides before they go on. What is here is rebuilt from the dispositions of incoming
 * HTLCs.
 *
 * @ldk lightning::events::Event::HTLCIntercepted
 */
export class InterceptedHtlcs {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  readonly #emit: (event: Event, channelId: ChannelId) => void;
  readonly #fakeScids: FakeScids;
  readonly #waiting = new Map<InterceptId, Waiting>();
  readonly #ids = new Map<string, InterceptId>();

  constructor(
    environment: ManagerEnvironment,
    channels: Channels,
    parts: {
      readonly incoming: IncomingHtlcs;
      readonly fakeScids: FakeScids;
      readonly emit: (event: Event, channelId: ChannelId) => void;
    },
  ) {
    this.#environment = environment;
    this.#channels = channels;
    this.#incoming = parts.incoming;
    this.#emit = parts.emit;
    this.#fakeScids = parts.fakeScids;
  }

  /** Whether the user is to decide about an HTLC that goes to that name: to our channel, or to none. */
  wants({ channelId }: HtlcRef, next: BlindedNextHop, out: FundedChannel | undefined): boolean {
    const wanted = this.#environment.config.htlcInterceptionFlags;
    if (wanted === 0) return false;
    if (out === undefined) {
      if (next.kind !== "short-channel-id") return (wanted & flags.toUnknownScids) !== 0;
      const name = next.shortChannelId;
      if (this.#fakeScids.has("intercept", name)) {
        return (wanted & flags.toInterceptScids) !== 0;
      }
      if (this.#fakeScids.has("phantom", name)) return false;
      return (wanted & flags.toUnknownScids) !== 0;
    }
    const fromPublic = this.#channels.funded(channelId)?.identity.announce ?? false;
    return (wanted & this.#flagsOf(out, fromPublic)) !== 0;
  }

  #flagsOf({ identity }: FundedChannel, fromPublic: boolean): number {
    const isOnline = this.#channels.peers.connection(identity.counterparty) !== undefined;
    const toPrivate = isOnline ? flags.toOnlinePrivateChannels : flags.toOfflinePrivateChannels;
    const to = identity.announce ? flags.toPublicChannels : toPrivate;
    if (!fromPublic) return to | flags.fromPrivateChannels;
    return to | (identity.announce ? flags.fromPublicToPublicChannels : flags.fromPublicToPrivateChannels);
  }

  /** Keeps the HTLC for the user, who is told; or the reason why that cannot be. */
  add(read: ReadHtlc, order: ForwardOrder): LocalHtlcFailureReason | undefined {
    const { ref, htlc } = read;
    const peer = present(this.#channels.get(ref.channelId), "the channel of an HTLC").counterparty;
    let ofPeer = 0;
    for (const waiting of this.#waiting.values()) if (waiting.peer === peer) ofPeer++;
    if (this.#waiting.size >= maxIntercepted || ofPeer >= maxInterceptedOfPeer) {
      return "temporary-node-failure";
    }
    this.#incoming.intercept(ref);
    this.restore(ref, htlc.cltvExpiry);
    this.#tell(read, order);
    return undefined;
  }

  /** Takes in one that was stored and not decided. */
  restore(ref: HtlcRef, cltvExpiry: number): void {
    const peer = present(this.#channels.get(ref.channelId), "the channel of an HTLC").counterparty;
    const id = interceptIdOfHtlc(ref, peer);
    this.#waiting.set(id, { ref, peer, cltvExpiry });
    this.#ids.set(refKey(ref), id);
  }

  /** After a restart: tells of those that wait and of which no event is stored any more. */
  tellAgain(told: ReadonlySet<InterceptId>): void {
    for (const [id, { ref }] of this.#waiting) {
      const again = told.has(id) ? undefined : this.#incoming.readIntercepted(ref);
      if (again !== undefined) this.#tell(again.read, again.order);
    }
  }

  /** The HTLC is decided or gone. */
  forget(ref: HtlcRef): void {
    const key = refKey(ref);
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#waiting.delete(id);
  }

  /** Passes an HTLC on; throws `ApiError`, and nothing has changed, when it cannot be. */
  forward(
    interceptId: InterceptId,
    to: ForwardTo & { readonly nodeId: NodeId },
    offer: OfferIntercepted,
  ): void {
    const { read, order } = this.#waitingOf(interceptId);
    const { channelId, nodeId, amount } = to;
    const entry = this.#channels.get(channelId);
    if (entry === undefined || entry.counterparty !== nodeId) {
      throw new ApiError("channel-unavailable", `there is no channel ${channelId} with ${nodeId}`);
    }
    if (!isUsable(entry.state)) {
      const text = `channel ${channelId} cannot be used now: wait for channel-ready and the connection`;
      throw new ApiError("channel-unavailable", text);
    }
    if (amount > read.htlc.amount) {
      const text = `${amount} msat are more than the ${read.htlc.amount} msat that came in`;
      throw new ApiError("invalid-amount", text);
    }
    const refused = offer(read, order, { channelId, amount });
    if (refused !== undefined) throw new ApiError("channel-unavailable", refused.text);
    this.#incoming.setForwardTo(read.ref, { channelId, amount });
    this.forget(read.ref);
  }

  /** Fails an HTLC back; throws `ApiError` when it does not wait any more. */
  fail(interceptId: InterceptId): void {
    const { read, order } = this.#waitingOf(interceptId);
    this.#fail(read, order, "unknown-next-peer");
  }

  /** Fails what the user has left lying until it was about to expire. */
  newBlock(height: number): void {
    for (const { ref, cltvExpiry } of [...this.#waiting.values()]) {
      if (height < cltvExpiry - htlcFailBackBuffer) continue;
      const found = this.#incoming.readIntercepted(ref);
      if (found !== undefined) this.#fail(found.read, found.order, "forward-expiry-buffer");
      else this.forget(ref);
    }
  }

  #fail(read: ReadHtlc, order: ForwardOrder, reason: LocalHtlcFailureReason): void {
    const outgoing = { amount: order.amountToForward, cltvExpiry: order.outgoingCltv };
    const details = { incoming: read.htlc, outgoing, channelUpdate: () => noBytes };
    const failureType = forwardFailureType(order);
    this.#incoming.fail(read, forwardFailure(reason, details), { failureType, reason });
    this.forget(read.ref);
  }

  #waitingOf(interceptId: InterceptId): { readonly read: ReadHtlc; readonly order: ForwardOrder } {
    const waiting = this.#waiting.get(interceptId);
    const found = waiting && this.#incoming.readIntercepted(waiting.ref);
    if (found === undefined) {
      const text = `no intercepted HTLC ${interceptId} waits: it was decided, failed back in time, or its channel closed`;
      throw new ApiError("api-misuse", text);
    }
    return found;
  }

  #tell({ ref, htlc }: ReadHtlc, order: ForwardOrder): void {
    const { channelId } = ref;
    this.#emit(
      {
        kind: "htlc-intercepted",
        interceptId: present(this.#ids.get(refKey(ref)), "the id of an intercepted HTLC"),
        ...(order.next.kind === "short-channel-id" && {
          requestedNextHopScid: order.next.shortChannelId,
        }),
        paymentHash: htlc.paymentHash,
        inboundAmount: htlc.amount,
        expectedOutboundAmount: order.amountToForward,
        outgoingHtlcExpiryBlockHeight: order.outgoingCltv,
      },
      channelId,
    );
  }
}

/** LDK's: the same HTLC has the same id after a restart. */
function interceptIdOfHtlc({ channelId, htlcId }: HtlcRef, peer: NodeId): InterceptId {
  const name = new Writer().u64(htlcId).bytes(fromHex(channelId)).bytes(fromHex(peer)).finish();
  return interceptIdOf(crypto().sha256(name));
}

import { equalBytes } from "@fulmen/bitcoin/primitives";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { Event } from "@fulmen/lightning/handlers";
import {
  type ChannelId,
  channelIdFromOutPoint,
  type FeeratePerKw,
  messageOf,
  msat,
  type NodeId,
  zeroMsat,
} from "@fulmen/lightning/util";
import type { LockId } from "@fulmen/wallet";
import type { OpenChannelRequest, OpenedChannel } from "../api/channels.ts";
import { NodeError } from "../api/nodeError.ts";
import type { InboundChannelPolicy } from "../api/options.ts";
import { translated, translating, walletError } from "../errors/index.ts";
import { type NodeParts, phaseOf } from "../parts/index.ts";
import type { OpeningFacts } from "../records/index.ts";

interface Opening extends OpeningFacts {
  readonly feerate?: FeeratePerKw;
  readonly settled?: (outcome: OpenedChannel | NodeError) => void;
  /** The channel's id since its funding was made, and what holds its coins. */
  readonly funded?: { readonly channelId: ChannelId; readonly lock: LockId };
}

/** Refusals of peers' channels in an hour of which the user is told: anybody can bring them about. */
const mostRefusalsTold = 20;
const hour = 3_600;
/** For the peer to answer and sign. */
const openingTimeout = 60_000;
const defaultMaxPerPeer = 4;
const defaultMaxTotal = 500;

/** Channels that are being opened, by us and by peers, until their funding is signed. */
export class Openings {
  readonly #parts: NodeParts;
  readonly #byTemporaryId = new Map<ChannelId, Opening>();
  #refusals = { since: 0, told: 0 };

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  /** Asks a connected peer for a channel. */
  open(peer: NodeId, request: OpenChannelRequest): Promise<OpenedChannel> {
    const { manager, background } = this.#parts;
    const { amount: funding, push = zeroMsat, announce, feerate } = request;
    this.#checkFunds(request);
    const id = translating(() =>
      manager.createChannel({
        counterparty: peer,
        funding,
        push,
        ...(announce !== undefined && { announce }),
      }),
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const channelId = this.#byTemporaryId.get(id)?.funded?.channelId ?? id;
        const state = manager.listChannels().find((one) => one.channelId === channelId)?.state;
        // The peer has signed just now: the event that says so is on its way.
        if (channelId !== id && state !== undefined && state !== "wait-for-funding-signed") return;
        this.#giveUp(channelId, "the peer did not answer in time");
        settled(openFailed("the peer did not answer in time", "try again, or choose another peer"));
      }, openingTimeout);
      const settled = (outcome: OpenedChannel | NodeError): void => {
        clearTimeout(timer);
        this.#byTemporaryId.delete(id);
        if (outcome instanceof NodeError) reject(outcome);
        else resolve(outcome);
      };
      this.#byTemporaryId.set(id, {
        isOutbound: true,
        push,
        ...(feerate !== undefined && { feerate }),
        settled,
      });
      background.wake();
    });
  }

  /** What was agreed about the channel of which this event tells. */
  factsOf(event: Event): OpeningFacts | undefined {
    return event.kind === "channel-pending"
      ? this.#byTemporaryId.get(event.formerTemporaryChannelId)
      : undefined;
  }

  /**
   * Does what an event about an opening asks for. Gives the reason when a peer's channel was refused, unless there were
   * too many of late.
   */
  act(event: Event): string | undefined {
    switch (event.kind) {
      case "funding-generation-ready":
        this.#fund(event);
        return undefined;
      case "open-channel-request":
        return this.#decide(event);
      case "channel-closed": {
        const [id, opening] = this.#openingOf(event.channelId);
        const { reason } = event;
        // The peer never had the transaction: it was not signed, and is not going to be broadcast.
        if (opening?.funded !== undefined) this.#parts.wallet.release(opening.funded.lock);
        const said = reason.kind === "counterparty-force-closed" ? reason.peerMessage : reason.kind;
        opening?.settled?.(
          openFailed(
            `the peer did not take the channel: ${said}`,
            "see what it said, or choose another peer",
          ),
        );
        this.#byTemporaryId.delete(id);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** The event is stored: who waits for the channel may go on. */
  recorded(event: Event): void {
    if (event.kind !== "channel-pending") return;
    const { formerTemporaryChannelId, channelId, funding } = event;
    this.#byTemporaryId.get(formerTemporaryChannelId)?.settled?.({ channelId, funding });
    this.#byTemporaryId.delete(formerTemporaryChannelId);
  }

  /** Lets coins go that were reserved for channels which a crash ended: what is funded has been broadcast again. */
  releaseLeftOver(): void {
    const { wallet } = this.#parts;
    for (const { id } of wallet.locks()) if (id.startsWith("reservation/")) wallet.release(id);
  }

  /** The node stops. */
  stop(): void {
    for (const { settled } of [...this.#byTemporaryId.values()]) {
      settled?.(openFailed("the node was stopped", "start it, and open the channel again"));
    }
  }

  /** Refuses what cannot be paid before the peer is asked, with the numbers. */
  #checkFunds({ amount }: OpenChannelRequest): void {
    const { wallet, manager } = this.#parts;
    const { confirmed } = wallet.balance();
    if (confirmed < amount) {
      const missing = amount - confirmed;
      throw new NodeError(
        "insufficient-funds",
        `a channel of ${amount} sat takes as much and a fee from the wallet, which has ${confirmed} confirmed sat: ${missing} sat are missing`,
        {
          remedy: `send ${missing} sat and something for the fee to an address of the wallet, and wait for a block`,
          details: {
            neededSat: amount,
            availableSat: confirmed,
            missingSat: missing,
            reserveSat: manager.requiredAnchorReserve(),
          },
        },
      );
    }
  }

  #fund(event: Extract<Event, { kind: "funding-generation-ready" }>): void {
    const { manager, wallet, fees } = this.#parts;
    const { temporaryChannelId: id, channelValue: value, outputScript: script } = event;
    const opening = this.#byTemporaryId.get(id);
    // The event has come again since something else about it failed.
    if (opening?.funded !== undefined) return;
    const feerate = opening?.feerate ?? fees.forBlocks(12);
    const funded = wallet.fundTransaction({
      outputs: [{ value, script }],
      feerate,
      confirmedOnly: true,
      keep: manager.requiredAnchorReserve(),
    });
    if (!funded.ok) {
      this.#giveUp(id, "the funding failed");
      opening?.settled?.(walletError(funded.error));
      return;
    }
    try {
      const signed = wallet.signPsbt(funded.value.psbt);
      if (!signed.ok) throw openFailed(`the wallet does not sign: ${signed.error.kind}`, "look at the log");
      manager.fundingTransactionGenerated(id, signed.value);
      const index = signed.value.outputs.findIndex((one) => equalBytes(one.script, script));
      const channelId = channelIdFromOutPoint({ txid: txidOf(signed.value), index });
      const known = opening ?? { isOutbound: true, push: zeroMsat };
      this.#byTemporaryId.set(id, { ...known, funded: { channelId, lock: funded.value.lock } });
    } catch (error) {
      wallet.release(funded.value.lock);
      this.#giveUp(id, "the funding failed");
      const known = translated(error);
      const text = messageOf(error);
      opening?.settled?.(known instanceof NodeError ? known : openFailed(text, "look at the log"));
    }
  }

  /** By the id that a channel has before its funding is made, or after. */
  #openingOf(id: ChannelId): readonly [temporaryId: ChannelId, Opening | undefined] {
    const found = this.#byTemporaryId.get(id);
    if (found !== undefined) return [id, found];
    for (const [temporaryId, one] of this.#byTemporaryId)
      if (one.funded?.channelId === id) return [temporaryId, one];
    return [id, undefined];
  }

  #giveUp(id: ChannelId, why: string): void {
    try {
      this.#parts.manager.forceCloseBroadcastingLatestTxn(id, why);
    } catch {
      // It is gone already.
    }
    this.#parts.background.wake();
  }

  #decide(event: Extract<Event, { kind: "open-channel-request" }>): string | undefined {
    const { temporaryChannelId: id, counterparty, pushed } = event;
    const policy = this.#parts.options.inboundChannels ?? {};
    const refusal = this.#refusalOf(event, policy) ?? this.#accept(event, policy);
    if (refusal === undefined) {
      this.#byTemporaryId.set(id, { isOutbound: false, push: msat(pushed) });
      return undefined;
    }
    this.#giveUp(id, refusal);
    if (!this.#mayTellRefusal()) return undefined;
    const text = `a channel of ${event.funding} sat was refused: ${refusal}`;
    this.#parts.logger.log({ level: "info", module: "node", text, nodeId: counterparty });
    return refusal;
  }

  #mayTellRefusal(): boolean {
    const now = this.#parts.now();
    if (now - this.#refusals.since >= hour) this.#refusals = { since: now, told: 0 };
    this.#refusals.told++;
    return this.#refusals.told <= mostRefusalsTold;
  }

  #refusalOf(
    { counterparty, funding }: Extract<Event, { kind: "open-channel-request" }>,
    policy: InboundChannelPolicy,
  ): string | undefined {
    const {
      accept = true,
      minFunding,
      maxFunding,
      maxPerPeer = defaultMaxPerPeer,
      maxTotal = defaultMaxTotal,
    } = policy;
    if (!accept) return "this node takes no channels";
    if (minFunding !== undefined && funding < minFunding) return `the least is ${minFunding} sat`;
    if (maxFunding !== undefined && funding > maxFunding) return `the most is ${maxFunding} sat`;
    const open = this.#parts.manager.listChannels().filter((one) => phaseOf(one) !== "closed");
    const ofPeer = open.filter((one) => one.counterparty === counterparty);
    if (ofPeer.length >= maxPerPeer) return `there are ${ofPeer.length} channels with this peer already`;
    const inbound = open.filter((one) => !one.isOutbound);
    if (inbound.length >= maxTotal) return `there are ${inbound.length} channels of peers already`;
    return undefined;
  }

  #accept(
    { temporaryChannelId, counterparty }: Extract<Event, { kind: "open-channel-request" }>,
    { trustedPeers = [], withoutReserve = false }: InboundChannelPolicy,
  ): string | undefined {
    try {
      const zeroConf = trustedPeers.includes(counterparty);
      const terms = { zeroConf, withoutAnchorReserve: withoutReserve };
      this.#parts.manager.acceptInboundChannel(temporaryChannelId, terms);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** Of a channel that did not come about. */
function openFailed(message: string, remedy: string): NodeError {
  return new NodeError("open-failed", message, { remedy, details: { reason: message } });
}

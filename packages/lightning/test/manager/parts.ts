import { crypto } from "@fulmen/bitcoin/crypto";
import { type Msat, msat } from "@fulmen/lightning/util";
import type { TlvRecord } from "#src/codec/tlv";
import { parseInvoice } from "#src/invoice/index";
import { attributionBytes, buildPaymentOnion, decodeFailure, type PaymentHop } from "#src/onion/index";
import type { Bytes32 } from "#src/util/bytes";
import {
  type BlockHeight,
  type ChannelId,
  type PaymentHash,
  type PaymentId,
  paymentHashOf,
  type ShortChannelId,
} from "#src/util/ids";
import { present } from "#src/util/invariant";
import type { FailureMessage } from "#src/wire/failureCodes";
import type { DecodedMessage } from "#src/wire/index";
import type { ManagerNet, ManagerNode } from "./managers.ts";

// Single HTLCs with onions that say whatever a test wants, without the payer's own rules.

/** What one HTLC is to say; where nothing is said, it is as it should be. */
export interface PartWish {
  readonly paymentHash: PaymentHash;
  readonly paymentSecret?: Uint8Array;
  readonly amount: Msat;
  /** Default: the amount. */
  readonly totalAmount?: Msat;
  /** What the onion says that the HTLC brings. Default: the amount. */
  readonly onionAmount?: Msat;
  /** Blocks from the best one. Default 60. */
  readonly cltvExpiryDelta?: number;
  /** What the onion says. Default: the same. */
  readonly onionCltvDelta?: number;
  readonly paymentMetadata?: Uint8Array;
  readonly customTlvs?: readonly TlvRecord[];
  readonly keysendPreimage?: Uint8Array;
  /** Hops behind the receiver's peer; default: none. */
  readonly beyond?: readonly {
    readonly nodeId: ManagerNode["nodeId"];
    readonly shortChannelId: ShortChannelId;
  }[];
}

/** One HTLC that was sent, and how its failure is read. */
export interface SentPart {
  readonly channelId: ChannelId;
  readonly htlcId: bigint;
  readonly sharedSecrets: readonly Uint8Array[];
}

/** Pays by single HTLCs, and notes what comes back. */
export class PartSender {
  readonly #net: ManagerNet;
  readonly #from: ManagerNode;
  readonly #to: ManagerNode;
  readonly #seen = new Set<DecodedMessage>();
  #count = 0;

  constructor(net: ManagerNet, from: ManagerNode, to: ManagerNode) {
    this.#net = net;
    this.#from = from;
    this.#to = to;
  }

  /** Lets all messages through, and changes those that `change` gives something else for. */
  settle(change: (message: DecodedMessage) => DecodedMessage = (message) => message): void {
    this.#net.settle((from, message) => {
      if (this.#seen.has(message)) return false;
      const item = from.outbox.findIndex((one) => one.message === message);
      const changed = change(message);
      this.#seen.add(changed);
      if (changed !== message && item >= 0) {
        from.outbox[item] = { ...present(from.outbox[item], "a message"), message: changed };
      }
      return false;
    });
  }

  send(channelId: ChannelId, wish: PartWish): SentPart {
    const { amount, paymentHash, totalAmount = amount, onionAmount = amount, beyond = [] } = wish;
    const height = this.#net.height;
    const cltvExpiry = (height + (wish.cltvExpiryDelta ?? 60)) as BlockHeight;
    const onionCltv = (height + (wish.onionCltvDelta ?? wish.cltvExpiryDelta ?? 60)) as BlockHeight;
    const details = this.#from.manager.listChannels().find((one) => one.channelId === channelId);
    const shortChannelId = present(details?.shortChannelId, "a short channel id");
    const last = { amount: onionAmount, cltvExpiry: onionCltv };
    const hops: PaymentHop[] = [
      { nodeId: this.#to.nodeId, shortChannelId, ...(beyond.length > 0 ? { amount, cltvExpiry } : last) },
      ...beyond.map((hop) => ({ ...hop, ...last })),
    ];
    const sessionKey = crypto().sha256(Uint8Array.of(++this.#count));
    const built = buildPaymentOnion({
      hops,
      recipient: {
        totalAmount,
        ...(wish.paymentSecret && { paymentSecret: wish.paymentSecret as Bytes32 }),
        ...(wish.paymentMetadata && { paymentMetadata: wish.paymentMetadata }),
        ...(wish.keysendPreimage && { keysendPreimage: wish.keysendPreimage as Bytes32 }),
        ...(wish.customTlvs && { customTlvs: wish.customTlvs }),
      },
      paymentHash,
      sessionKey,
    });
    if (!built.ok) throw new Error("the onion is too large");
    const { channels } = this.#from.manager.core;
    const htlcId = present(channels.funded(channelId), "a channel").commitments.nextLocalHtlcId;
    const refused = this.#from.manager.core.input(() =>
      channels.command(channelId, {
        kind: "add-htlc",
        htlc: {
          ...{ amount, paymentHash, cltvExpiry, onion: built.value.packet },
          source: {
            kind: "local",
            paymentId: this.#count.toString(16).padStart(64, "0") as PaymentId,
            sessionKey,
            path: hops.map(({ nodeId, shortChannelId: scid }) => ({ nodeId, shortChannelId: scid })),
            amount,
          },
        },
      }),
    );
    if (refused !== undefined) throw new Error(refused.text);
    return { channelId, htlcId, sharedSecrets: built.value.sharedSecrets };
  }

  /** What the recipient says of a part that failed, and the hop that says it; `undefined` when it has not. */
  failureOf({
    channelId,
    htlcId,
    sharedSecrets,
  }: SentPart): { readonly hop: number; readonly failure: FailureMessage } | undefined {
    for (const message of this.#seen) {
      if (message.type !== "update_fail_htlc") continue;
      if (message.channelId !== channelId || message.id !== htlcId) continue;
      const { attributionData } = message.tlvs;
      const attribution = attributionData && attributionBytes(attributionData);
      const packet = { reason: message.reason, attribution };
      const { outcome } = decodeFailure(packet, sharedSecrets);
      if (outcome.kind !== "failed") throw new Error(`a failure that is ${outcome.kind}`);
      return { hop: outcome.hop, failure: outcome.failure };
    }
    return undefined;
  }

  /** Whether the part was fulfilled. */
  isFulfilled({ channelId, htlcId }: SentPart): boolean {
    return [...this.#seen].some(
      (message) =>
        message.type === "update_fulfill_htlc" && message.channelId === channelId && message.id === htlcId,
    );
  }
}

/** What a payer has to know of an invoice. */
export function invoiceOf(
  payee: ManagerNode,
  request: Omit<Parameters<ManagerNode["manager"]["createBolt11Invoice"]>[0], "description"> = {},
) {
  const { invoice } = payee.manager.createBolt11Invoice({ description: "test", ...request });
  const parsed = parseInvoice(invoice);
  if (!parsed.ok) throw new Error(`not an invoice: ${parsed.error.kind}`);
  const { paymentHash, paymentSecret, metadata } = parsed.value;
  return {
    invoice: parsed.value,
    paymentHash,
    paymentSecret,
    ...(metadata && { paymentMetadata: metadata }),
  };
}

export const userPreimage: Bytes32 = new Uint8Array(32).fill(7) as Bytes32;
export const userHash: PaymentHash = paymentHashOf(crypto().sha256(userPreimage));

/** `count` times a thousand satoshis. */
export function kilosats(count: number): Msat {
  return msat(count * 1_000_000);
}

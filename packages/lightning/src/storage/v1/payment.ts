import type { KvEntry } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bytes32,
  msat64,
  nodeId,
  paymentHash,
  rest,
  shortChannelId,
  u16,
  u32,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type { OutboundPayment, PaymentTerms } from "../../payment/outboundPayment.ts";
import type { RouteHintHop } from "../../routing/route.ts";
import type { Result } from "../../util/result.ts";
import { reading, type StorageError } from "../storageError.ts";
import { paymentFailureReason } from "./event.ts";
import { layout, needed, nested, possible, record, union } from "./layouts.ts";
import { count, paymentId } from "./values.ts";

const routeHintHop: Codec<RouteHintHop> = struct("route_hint_hop", {
  nodeId,
  shortChannelId,
  feeBaseMsat: u32,
  feeProportionalMillionths: u32,
  cltvExpiryDelta: u16,
});

const paymentTerms: Codec<PaymentTerms> = nested<PaymentTerms>("payment_terms", {
  paymentHash: needed(0, paymentHash),
  payee: needed(2, nodeId),
  amount: needed(4, msat64),
  paymentSecret: possible(6, bytes32),
  paymentMetadata: possible(8, rest),
  preimage: possible(10, bytes32),
  finalCltvExpiryDelta: needed(12, u32),
  routeHints: needed(14, array16(array16(routeHintHop))),
  maxFee: needed(16, msat64),
  expiresAt: possible(18, count),
});

const status: Codec<OutboundPayment["status"]> = union<OutboundPayment["status"]>("payment_status", {
  pending: [0, {}],
  abandoned: [1, { reason: needed(0, paymentFailureReason) }],
  fulfilled: [2, { preimage: needed(0, bytes32), feePaid: needed(2, msat64) }],
  failed: [3, { reason: needed(0, paymentFailureReason) }],
});

const payment = record(
  layout<OutboundPayment>("payment", {
    paymentId: needed(0, paymentId),
    terms: needed(2, paymentTerms),
    status: needed(4, status),
    attemptsLeft: needed(6, u32),
    failedChannels: needed(8, array16(shortChannelId)),
    ticksSinceEnd: needed(10, u32),
  }),
);

/** The record `payment/<id>`. */
export function encodePayment(value: OutboundPayment): Uint8Array {
  return encode(payment, value);
}

export function readPayment({ key, value }: KvEntry): Result<OutboundPayment, StorageError> {
  return reading(key, () => decode(payment, value));
}

import { fromHex, type Point } from "../util/bytes.ts";
import type { NodeId, PaymentHash } from "../util/ids.ts";
import type { Result } from "../util/result.ts";
import {
  type BlindedFinalPayload,
  type BlindedForwardPayload,
  encodeHopPayload,
  type FinalPayload,
  type TrampolineForwardPayload,
  type TrampolineToBlindedPathsPayload,
} from "./hopPayload.ts";
import { type BuiltOnion, buildOnion, type OnionTooLarge, onionPayloadSize } from "./sphinx.ts";

/** What one trampoline node is told. */
export interface TrampolineHop {
  /** Behind the beginning of a blinded path its blinded one. */
  readonly nodeId: NodeId;
  readonly payload:
    | TrampolineForwardPayload
    | FinalPayload
    | TrampolineToBlindedPathsPayload
    | BlindedForwardPayload
    | BlindedFinalPayload;
}

/** What `buildTrampolineOnion` makes an onion of. */
export interface TrampolineOnionPlan {
  /** The trampoline nodes in their order; the last one is the recipient, or knows blinded paths to it. */
  readonly hops: readonly TrampolineHop[];
  readonly paymentHash: PaymentHash;
  /** A fresh private key, not that of the outer onion. */
  readonly sessionKey: Uint8Array;
  /** Bytes of payloads; unless told, 400 or as many as are needed. */
  readonly payloadsLength?: number;
}

/** Few enough to leave room for eleven hops around them, and enough to hide how many trampoline nodes there are. */
const usualPayloadsLength = 400;
/** A payload of the outer onion holds no more, with all that belongs into it: BOLT 4, "Packet Structure". */
const mostPayloadsLength = 1_000;

/**
 * The onion within the outer one, for the first trampoline node: BOLT 4, "Trampoline Payments".
 *
 * @ldk lightning::ln::onion_utils::create_payment_onion
 */
export function buildTrampolineOnion(plan: TrampolineOnionPlan): Result<BuiltOnion, OnionTooLarge> {
  const hops = plan.hops.map(({ nodeId, payload }) => ({
    nodeId: fromHex(nodeId) as Point,
    payload: encodeHopPayload(payload),
  }));
  const needed = hops.reduce((total, { payload }) => total + onionPayloadSize(payload.length), 0);
  const payloadsLength = plan.payloadsLength ?? Math.max(usualPayloadsLength, needed);
  return buildOnion({
    hops,
    sessionKey: plan.sessionKey,
    associatedData: fromHex(plan.paymentHash),
    payloadsLength: Math.min(payloadsLength, mostPayloadsLength),
  });
}

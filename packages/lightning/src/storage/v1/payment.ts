import type { KvEntry } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bytes32,
  msat64,
  nodeId,
  paymentHash,
  point,
  rest,
  shortChannelId,
  u8,
  u16,
  u32,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type { TlvRecord } from "../../codec/tlv.ts";
import type { BlindedPaymentPath } from "../../onion/blindedPath.ts";
import type {
  GivenTrampolineStep,
  OutboundPayment,
  PaymentTerms,
  RelayTerms,
  TrampolineTerms,
} from "../../payment/outboundPayment.ts";
import {
  type Payee,
  type PaymentParameters,
  paymentParameters,
  type RouteHintHop,
  type RouteSolver,
} from "../../routing/route.ts";
import type { Point } from "../../util/bytes.ts";
import type { NodeId, PaymentHash, ShortChannelId } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import type { Result } from "../../util/result.ts";
import type { Msat } from "../../util/units.ts";
import { reading, type StorageError } from "../storageError.ts";
import { paymentFailureReason } from "./event.ts";
import { layout, nameOf, needed, nested, possible, record, sized, union } from "./layouts.ts";
import { blindedPaymentPath, route } from "./route.ts";
import { count, htlcRef, paymentId, tlvRecords } from "./values.ts";

/** The terms as they are stored: flat, and without what is as usual. */
interface StoredTerms {
  readonly paymentHash: PaymentHash;
  /** Absent when the payee is behind blinded paths. */
  readonly payee?: NodeId;
  readonly amount: Msat;
  readonly paymentSecret?: Uint8Array;
  readonly paymentMetadata?: Uint8Array;
  readonly preimage?: Uint8Array;
  readonly finalCltvExpiryDelta: number;
  readonly routeHints: readonly (readonly RouteHintHop[])[];
  readonly maxFee: Msat;
  readonly expiresAt?: number;
  readonly customTlvs?: readonly TlvRecord[];
  readonly declaredTotalMppValue?: Msat;
  readonly payeeFeatures?: Uint8Array;
  readonly blindedPaths?: readonly BlindedPaymentPath[];
  readonly limits?: StoredLimits;
  readonly trampoline?: StoredTrampoline;
  readonly relay?: RelayTerms;
  readonly solver?: RouteSolver;
}

type OwnTrampolines = NonNullable<TrampolineTerms["own"]>;

/** Own trampolines' plan is beside them, as it was added later. */
interface StoredTrampoline {
  readonly packet: Uint8Array;
  readonly pathKey?: Point;
  readonly own?: Omit<OwnTrampolines, "plan">;
  readonly plan?: StoredPlan;
}

interface StoredPlan {
  readonly steps: readonly GivenTrampolineStep[];
  readonly terms: StoredTerms;
}

type StoredLimits = Pick<
  PaymentParameters,
  "maxTotalCltvExpiryDelta" | "maxPathCount" | "maxPathLength" | "maxChannelSaturationPowerOfHalf"
>;

/** The payment as it is stored; lists that were added later are absent when empty. */
type StoredPayment = Omit<OutboundPayment, "terms" | "failedNodes" | "failedBlindedPaths"> & {
  readonly terms: StoredTerms;
  readonly failedNodes?: readonly NodeId[];
  readonly failedBlindedPaths?: readonly number[];
};

const routeHintHop: Codec<RouteHintHop> = struct("route_hint_hop", {
  nodeId,
  shortChannelId,
  feeBaseMsat: u32,
  feeProportionalMillionths: u32,
  cltvExpiryDelta: u16,
});

/** Terms within terms. */
const innerTerms: Codec<StoredTerms> = {
  spec: "payment_terms",
  read: (reader) => paymentTerms.read(reader),
  write: (writer, value) => paymentTerms.write(writer, value),
};

const trampolinePlan: Codec<StoredPlan> = nested<StoredPlan>("trampoline_plan", {
  steps: needed(0, array16(struct("given_step", { nodeId, fee: msat64, cltvExpiryDelta: u32 }))),
  terms: needed(2, innerTerms),
});

const trampoline: Codec<StoredTrampoline> = nested<StoredTrampoline>("trampoline_terms", {
  packet: needed(0, rest),
  own: possible(
    2,
    struct("own_trampolines", { sessionKey: bytes32, nodeIds: array16(nodeId), fees: msat64 }),
  ),
  plan: possible(3, trampolinePlan),
  pathKey: possible(4, point),
});

const relay: Codec<RelayTerms> = nested<RelayTerms>("relay_terms", {
  incoming: needed(0, array16(htlcRef)),
  latestExpiry: needed(2, u32),
  outgoingCltv: possible(4, u32),
});

const solver: Codec<RouteSolver> = nameOf<RouteSolver>("route_solver", {
  "cheapest-paths": 0,
  "min-cost-flow": 1,
});

const paymentTerms: Codec<StoredTerms> = nested<StoredTerms>("payment_terms", {
  paymentHash: needed(0, paymentHash),
  payee: possible(2, nodeId),
  amount: needed(4, msat64),
  paymentSecret: possible(6, bytes32),
  paymentMetadata: possible(8, rest),
  preimage: possible(10, bytes32),
  finalCltvExpiryDelta: needed(12, u32),
  routeHints: needed(14, array16(array16(routeHintHop))),
  maxFee: needed(16, msat64),
  expiresAt: possible(18, count),
  customTlvs: possible(20, tlvRecords),
  declaredTotalMppValue: possible(22, msat64),
  payeeFeatures: possible(23, rest),
  blindedPaths: possible(24, array16(sized(blindedPaymentPath))),
  limits: possible(
    25,
    struct("route_limits", {
      maxTotalCltvExpiryDelta: u32,
      maxPathCount: u16,
      maxPathLength: u16,
      maxChannelSaturationPowerOfHalf: u8,
    }),
  ),
  trampoline: possible(26, trampoline),
  relay: possible(28, relay),
  solver: possible(29, solver),
});

const status: Codec<OutboundPayment["status"]> = union<OutboundPayment["status"]>("payment_status", {
  pending: [0, {}],
  abandoned: [1, { reason: needed(0, paymentFailureReason) }],
  fulfilled: [2, { preimage: needed(0, bytes32), feePaid: needed(2, msat64) }],
  failed: [3, { reason: needed(0, paymentFailureReason) }],
});

const payment = record(
  layout<StoredPayment>("payment", {
    paymentId: needed(0, paymentId),
    terms: needed(2, paymentTerms),
    status: needed(4, status),
    attemptsLeft: needed(6, u32),
    failedChannels: needed(8, array16<ShortChannelId>(shortChannelId)),
    ticksSinceEnd: needed(10, u32),
    retryUntil: possible(11, count),
    route: possible(12, route),
    failedNodes: possible(13, array16(nodeId)),
    failedBlindedPaths: possible(15, array16(u16)),
  }),
);

/** The record `payment/<id>`. */
export function encodePayment(value: OutboundPayment): Uint8Array {
  const { failedNodes, failedBlindedPaths, ...others } = value;
  return encode(payment, {
    ...others,
    terms: storedTerms(value.terms),
    ...(failedNodes.length > 0 && { failedNodes }),
    ...(failedBlindedPaths.length > 0 && { failedBlindedPaths }),
  });
}

export function readPayment({ key, value }: KvEntry): Result<OutboundPayment, StorageError> {
  return reading(key, () => {
    const { terms, failedNodes = [], failedBlindedPaths = [], ...others } = decode(payment, value);
    return { ...others, terms: termsOf(terms), failedNodes, failedBlindedPaths };
  });
}

function storedTerms({
  paymentHash: hash,
  recipientOnion,
  preimage,
  routeParameters,
  ...others
}: PaymentTerms): StoredTerms {
  const { finalValue, maxFee, paymentParameters: parameters } = routeParameters;
  const { payee, expiryTime, solver } = parameters;
  const limits = limitsOf(parameters);
  return {
    paymentHash: hash,
    amount: finalValue,
    maxFee,
    ...recipientOnion,
    ...(preimage && { preimage }),
    ...(others.trampoline && { trampoline: storedTrampoline(others.trampoline) }),
    ...(others.relay && { relay: others.relay }),
    ...(payee.kind === "clear"
      ? {
          payee: payee.nodeId,
          finalCltvExpiryDelta: payee.finalCltvExpiryDelta,
          routeHints: payee.routeHints,
        }
      : { finalCltvExpiryDelta: 0, routeHints: [], blindedPaths: payee.paths }),
    ...(payee.features && { payeeFeatures: payee.features }),
    ...(expiryTime !== undefined && { expiresAt: expiryTime }),
    ...(!isUsual(limits) && { limits }),
    ...(solver && { solver }),
  };
}

function termsOf(stored: StoredTerms): PaymentTerms {
  const { paymentHash: hash, amount, maxFee, expiresAt, limits, preimage } = stored;
  const { paymentSecret, paymentMetadata, customTlvs, declaredTotalMppValue } = stored;
  return {
    paymentHash: hash,
    recipientOnion: {
      ...(paymentSecret && { paymentSecret }),
      ...(paymentMetadata && { paymentMetadata }),
      ...(customTlvs && { customTlvs }),
      ...(declaredTotalMppValue !== undefined && { declaredTotalMppValue }),
    },
    ...(preimage && { preimage }),
    ...(stored.trampoline && { trampoline: trampolineOf(stored.trampoline) }),
    ...(stored.relay && { relay: stored.relay }),
    routeParameters: {
      paymentParameters: paymentParameters(payeeOf(stored), {
        ...(expiresAt !== undefined && { expiryTime: expiresAt }),
        ...limits,
        ...(stored.solver && { solver: stored.solver }),
      }),
      finalValue: amount,
      maxFee,
    },
  };
}

function storedTrampoline({ own, ...onion }: TrampolineTerms): StoredTrampoline {
  if (own === undefined) return onion;
  const { plan, ...others } = own;
  return {
    ...onion,
    own: others,
    ...(plan && { plan: { steps: plan.steps, terms: storedTerms(plan.terms) } }),
  };
}

function trampolineOf({ own, plan, ...onion }: StoredTrampoline): TrampolineTerms {
  if (own === undefined) return onion;
  const made = plan && { plan: { steps: plan.steps, terms: termsOf(plan.terms) } };
  return { ...onion, own: { ...own, ...made } };
}

function payeeOf({ payee, blindedPaths, payeeFeatures, ...stored }: StoredTerms): Payee {
  const features = payeeFeatures && { features: payeeFeatures };
  if (blindedPaths !== undefined) return { kind: "blinded", paths: blindedPaths, ...features };
  const { finalCltvExpiryDelta, routeHints } = stored;
  const clear = { kind: "clear", nodeId: present(payee, "a payee"), routeHints } as const;
  return { ...clear, finalCltvExpiryDelta, ...features };
}

function limitsOf(parameters: PaymentParameters): StoredLimits {
  const { maxTotalCltvExpiryDelta, maxPathCount, maxPathLength, maxChannelSaturationPowerOfHalf } =
    parameters;
  return { maxTotalCltvExpiryDelta, maxPathCount, maxPathLength, maxChannelSaturationPowerOfHalf };
}

const usualLimits = limitsOf(paymentParameters({ kind: "blinded", paths: [] }));
const limitNames = Object.keys(usualLimits) as readonly (keyof StoredLimits)[];

function isUsual(limits: StoredLimits): boolean {
  return limitNames.every((name) => limits[name] === usualLimits[name]);
}

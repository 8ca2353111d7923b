import type { EntropySource } from "../chain/index.ts";
import { buildTrampolineOnion, type TrampolineHop } from "../onion/index.ts";
import type { GivenTrampolineStep, PaymentTerms, TrampolineDemand } from "../payment/outboundPayment.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { blockHeight, type NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type Msat, minus, msat, plus, sum } from "../util/units.ts";
import { Features } from "../wire/features.ts";
import { ApiError } from "./apiError.ts";

/** A node that is asked to find the way to the next one: BOLT 4, "Trampoline Payments". */
export interface TrampolineStep {
  readonly nodeId: NodeId;
  /** What it is given beside what it is to pass on. Default: its share of half of the highest fee. */
  readonly fee?: Msat;
  /** Blocks that it is given for its way. Default: its share of 576. */
  readonly cltvExpiryDelta?: number;
}

/** What trampoline nodes are given together, in blocks: enough for long ways, and half of what a payment may lock in all. */
const usualCltvExpiryDelta = 576;
/** Blocks that may be found before the last of them offers its HTLC. */
const cltvSafetyBlocks = 3;

const trampolineFeatures = Features.of({ var_onion_optin: "required", basic_mpp: "optional" });

/** Where and when an onion is made. */
interface Making {
  readonly entropy: EntropySource;
  readonly height: number;
}

/**
 * The terms of a payment to the first of `steps`, with the onion in which they are told what `terms` ask for. Throws
 * `ApiError` when the payee cannot be paid so, or not for that fee.
 */
export function overTrampolines(
  terms: PaymentTerms,
  steps: readonly TrampolineStep[],
  making: Making,
): PaymentTerms {
  const { maxFee } = terms.routeParameters;
  const share = (whole: bigint) => whole / BigInt(Math.max(1, steps.length));
  const given = steps.map(({ nodeId, fee, cltvExpiryDelta }) => ({
    nodeId,
    fee: fee ?? msat(share(maxFee / 2n)),
    cltvExpiryDelta: cltvExpiryDelta ?? Number(share(BigInt(usualCltvExpiryDelta))),
  }));
  return givingThem(terms, given, making);
}

/**
 * The terms with which a payment gives a trampoline node what it asks for; `undefined` when it was given that before, or it
 * is more than may be given.
 */
export function meetingDemand(
  { trampoline }: PaymentTerms,
  demand: TrampolineDemand,
  making: Making,
): PaymentTerms | undefined {
  const plan = trampoline?.own?.plan;
  const step = plan?.steps[demand.index];
  if (plan === undefined || step === undefined) return undefined;
  const behind = plan.steps.slice(demand.index + 1).map(({ fee }) => fee);
  const passedOn = plus(plan.terms.routeParameters.finalValue, sum(behind));
  const fee = BigInt(demand.feeBaseMsat) + (passedOn * BigInt(demand.feeProportionalMillionths)) / 1_000_000n;
  const { cltvExpiryDelta } = demand;
  const rise = fee > step.fee ? fee - step.fee : 0n;
  if (rise === 0n && cltvExpiryDelta <= step.cltvExpiryDelta) return undefined;
  // Those before it pass on that much more, and will ask for a share of that: this node's rate is the best guess at theirs.
  const share = (rise * BigInt(demand.feeProportionalMillionths) + 999_999n) / 1_000_000n;
  const steps = plan.steps.map((one, index) => {
    if (index > demand.index) return one;
    if (index < demand.index) return { ...one, fee: msat(one.fee + share) };
    const blocks = Math.max(cltvExpiryDelta, step.cltvExpiryDelta);
    return { ...one, fee: msat(one.fee + rise), cltvExpiryDelta: blocks };
  });
  try {
    return givingThem(plan.terms, steps, making);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return undefined;
  }
}

function givingThem(
  terms: PaymentTerms,
  given: readonly GivenTrampolineStep[],
  { entropy, height }: Making,
): PaymentTerms {
  const { paymentHash, recipientOnion, routeParameters, preimage } = terms;
  const { paymentParameters, finalValue, maxFee } = routeParameters;
  const { payee } = paymentParameters;
  const [first] = given;
  if (first === undefined)
    throw new ApiError("api-misuse", "no trampoline node: give one, or leave out the list");
  const features = payee.features && Features.fromBytes(payee.features);
  if (payee.kind === "blinded" || preimage !== undefined || !features?.has("trampoline_routing")) {
    const text = "the payee does not say that it can be paid by trampoline nodes: pay it without them";
    throw new ApiError("api-misuse", text);
  }
  const fees = sum(given.map(({ fee }) => fee));
  if (fees > maxFee) {
    throw new ApiError("api-misuse", `${fees} msat for trampoline nodes, of ${maxFee} msat for all fees`);
  }
  let amount = finalValue;
  let delta = payee.finalCltvExpiryDelta + cltvSafetyBlocks;
  const { declaredTotalMppValue: totalAmount = finalValue, paymentSecret, paymentMetadata } = recipientOnion;
  const hops: TrampolineHop[] = [
    {
      nodeId: payee.nodeId,
      payload: {
        kind: "final",
        amount,
        outgoingCltv: blockHeight(height + delta),
        paymentData: {
          paymentSecret: present(paymentSecret, "the invoice's payment secret") as Bytes32,
          totalAmount,
        },
        ...(paymentMetadata && { paymentMetadata }),
        customTlvs: recipientOnion.customTlvs ?? [],
      },
    },
  ];
  let next = payee.nodeId;
  for (const step of given.toReversed()) {
    const payload = {
      kind: "trampoline-forward",
      amountToForward: amount,
      outgoingCltv: blockHeight(height + delta),
      nextNodeId: next,
    } as const;
    hops.push({ nodeId: step.nodeId, payload });
    amount = plus(amount, step.fee);
    delta += step.cltvExpiryDelta;
    next = step.nodeId;
  }
  const sessionKey = entropy.randomBytes(32);
  const onion = buildTrampolineOnion({ hops: hops.reverse(), paymentHash, sessionKey });
  if (!onion.ok) {
    const text = `${onion.error.needed} bytes for trampoline nodes: give fewer of them, or less to tell the payee`;
    throw new ApiError("onion-too-large", text);
  }
  const nodeIds = [...given.map(({ nodeId }) => nodeId), payee.nodeId];
  return {
    paymentHash,
    // Only the payee may know the invoice's own secret.
    recipientOnion: { paymentSecret: entropy.randomBytes(32) },
    trampoline: {
      packet: onion.value.packet,
      own: { sessionKey, nodeIds, fees, plan: { steps: given, terms } },
    },
    routeParameters: {
      paymentParameters: {
        ...paymentParameters,
        payee: {
          kind: "clear",
          nodeId: first.nodeId,
          routeHints: [],
          features: trampolineFeatures.toBytes(),
          finalCltvExpiryDelta: delta,
        },
      },
      finalValue: amount,
      maxFee: minus(maxFee, fees),
    },
  };
}

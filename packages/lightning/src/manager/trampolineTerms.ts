import type { EntropySource } from "../chain/index.ts";
import { buildTrampolineOnion, type TrampolineHop } from "../onion/index.ts";
import type { PaymentTerms } from "../payment/outboundPayment.ts";
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

/**
 * The terms of a payment to the first of `steps`, with the onion in which they are told what `terms` ask for. Throws
 * `ApiError` when the payee cannot be paid so, or not for that fee.
 */
export function overTrampolines(
  terms: PaymentTerms,
  steps: readonly TrampolineStep[],
  { entropy, height }: { readonly entropy: EntropySource; readonly height: number },
): PaymentTerms {
  const { paymentHash, recipientOnion, routeParameters, preimage } = terms;
  const { paymentParameters, finalValue, maxFee } = routeParameters;
  const { payee } = paymentParameters;
  const [first] = steps;
  if (first === undefined)
    throw new ApiError("api-misuse", "no trampoline node: give one, or leave out the list");
  const features = payee.features && Features.fromBytes(payee.features);
  if (payee.kind === "blinded" || preimage !== undefined || !features?.has("trampoline_routing")) {
    const text = "the payee does not say that it can be paid by trampoline nodes: pay it without them";
    throw new ApiError("api-misuse", text);
  }
  const share = (whole: bigint) => whole / BigInt(steps.length);
  const given = steps.map(({ nodeId, fee, cltvExpiryDelta }) => ({
    nodeId,
    fee: fee ?? msat(share(maxFee / 2n)),
    cltvExpiryDelta: cltvExpiryDelta ?? Number(share(BigInt(usualCltvExpiryDelta))),
  }));
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
    trampoline: { packet: onion.value.packet, own: { sessionKey, nodeIds, fees } },
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

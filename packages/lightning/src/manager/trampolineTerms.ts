import type { EntropySource } from "../chain/index.ts";
import { type BlindedPaymentPath, buildTrampolineOnion, type TrampolineHop } from "../onion/index.ts";
import type { GivenTrampolineStep, PaymentTerms, TrampolineDemand } from "../payment/outboundPayment.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { blockHeight, type NodeId, nodeIdOf } from "../util/ids.ts";
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

/**
 * What trampoline nodes are given together, in blocks: enough for long ways, and half of what a payment may lock in
 * all.
 */
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
 * The terms with which a payment gives a trampoline node what it asks for; `undefined` when it was given that before,
 * or it is more than may be given.
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
  // Those before it pass on that much more, and will ask for a share of that: this node's rate is the best guess at
  // theirs.
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
  const { paymentHash, routeParameters } = terms;
  const { paymentParameters, finalValue, maxFee } = routeParameters;
  const sessionKey = entropy.randomBytes(32);
  const inner = (end: InnerEnd) => {
    const { hops, amount, delta } = hopsBefore(end, given, height);
    return { hops, amount, delta, onion: buildTrampolineOnion({ hops, paymentHash, sessionKey }) };
  };
  const ends = endsOf(terms, height);
  const last = ends.at(-1);
  // The nodes of a blinded path may be trampoline nodes enough.
  if (given.length === 0 && !ends.some(({ hops }) => hops.length > 1))
    throw new ApiError("api-misuse", "no trampoline node: give one, or leave out the list");
  if (last === undefined)
    throw new ApiError("api-misuse", "the payee has no path that trampoline nodes can go");
  const made = ends.map(inner).find(({ onion }) => onion.ok) ?? inner(last);
  const fees = minus(made.amount, finalValue);
  if (fees > maxFee) {
    throw new ApiError("api-misuse", `${fees} msat for trampoline nodes, of ${maxFee} msat for all fees`);
  }
  if (!made.onion.ok) {
    const text = `${made.onion.error.needed} bytes for trampoline nodes: give fewer of them, or less to tell the payee`;
    throw new ApiError("onion-too-large", text);
  }
  return {
    paymentHash,
    // Only the payee may know the invoice's own secret.
    recipientOnion: { paymentSecret: entropy.randomBytes(32) },
    trampoline: {
      packet: made.onion.value.packet,
      own: {
        sessionKey,
        fees,
        nodeIds: made.hops.map(({ nodeId }) => nodeId),
        plan: { steps: given, terms },
      },
    },
    routeParameters: {
      paymentParameters: {
        ...paymentParameters,
        payee: {
          kind: "clear",
          nodeId: present(made.hops[0], "a hop").nodeId,
          routeHints: [],
          features: trampolineFeatures.toBytes(),
          finalCltvExpiryDelta: made.delta,
        },
      },
      finalValue: made.amount,
      maxFee: minus(maxFee, fees),
    },
  };
}

/** What the last of the nodes that are chosen for the way passes on. */
interface InnerEnd {
  /** What it is told beside amount and expiry. */
  readonly told:
    | { readonly nextNodeId: NodeId }
    | { readonly blindedPaths: readonly BlindedPaymentPath[]; readonly recipientFeatures?: Uint8Array };
  readonly amount: Msat;
  /** Blocks from now until the expiry of what it passes on. */
  readonly delta: number;
  /** Nodes behind it that read the inner onion, too. */
  readonly hops: readonly TrampolineHop[];
}

/** Ways to end the inner onion, the best one first; the later ones take less room. */
function endsOf(terms: PaymentTerms, height: number): readonly InnerEnd[] {
  const { recipientOnion, routeParameters, preimage } = terms;
  const { finalValue, paymentParameters } = routeParameters;
  const { payee } = paymentParameters;
  const features = payee.features && Features.fromBytes(payee.features);
  const knowsTrampolines = features?.has("trampoline_routing") === true;
  const { declaredTotalMppValue: totalAmount = finalValue, paymentSecret, paymentMetadata } = recipientOnion;
  if (payee.kind === "blinded") {
    const paths = payee.paths;
    if (knowsTrampolines)
      return paths.flatMap((path) => alongPath(path, { finalValue, totalAmount, height }));
    const recipientFeatures = payee.features;
    const told = recipientFeatures && { recipientFeatures };
    // As many paths as there is room for.
    return paths.map((_, index) => ({
      told: { blindedPaths: paths.slice(0, paths.length - index), ...told },
      amount: finalValue,
      delta: cltvSafetyBlocks,
      hops: [],
    }));
  }
  if (preimage !== undefined || !knowsTrampolines) {
    const text = "the payee does not say that it can be paid by trampoline nodes: pay it without them";
    throw new ApiError("api-misuse", text);
  }
  const delta = payee.finalCltvExpiryDelta + cltvSafetyBlocks;
  const payload = {
    kind: "final",
    amount: finalValue,
    outgoingCltv: blockHeight(height + delta),
    paymentData: {
      paymentSecret: present(paymentSecret, "the invoice's payment secret") as Bytes32,
      totalAmount,
    },
    ...(paymentMetadata && { paymentMetadata }),
    customTlvs: recipientOnion.customTlvs ?? [],
  } as const;
  const { nodeId } = payee;
  return [{ told: { nextNodeId: nodeId }, amount: finalValue, delta, hops: [{ nodeId, payload }] }];
}

/**
 * The nodes of the path read the inner onion, too: each finds the way to the next one. None for a path that begins at a
 * channel.
 */
function alongPath(
  { introductionNode, blindedHops, pathKey, payinfo }: BlindedPaymentPath,
  to: { readonly finalValue: Msat; readonly totalAmount: Msat; readonly height: number },
): readonly InnerEnd[] {
  if (introductionNode.kind !== "node-id") return [];
  const { nodeId: first } = introductionNode;
  const { feeBase, feeProportionalMillionths, cltvExpiryDelta } = payinfo;
  const { finalValue, totalAmount, height } = to;
  const hops = blindedHops.map(({ blindedNodeId, encryptedPayload }, index): TrampolineHop => {
    const nodeId = index === 0 ? first : nodeIdOf(blindedNodeId);
    const common = {
      encryptedRecipientData: encryptedPayload,
      ...(index === 0 && { currentPathKey: pathKey }),
    };
    if (index < blindedHops.length - 1) return { nodeId, payload: { kind: "blinded-forward", ...common } };
    const outgoingCltv = blockHeight(height + cltvSafetyBlocks);
    const amounts = { amount: finalValue, outgoingCltv, totalAmount };
    return { nodeId, payload: { kind: "blinded-final", ...common, ...amounts } };
  });
  // Rounded up: nodes round in the payer's favour what is to be passed on.
  const fee = feeBase + (finalValue * BigInt(feeProportionalMillionths) + 999_999n) / 1_000_000n;
  const delta = cltvSafetyBlocks + cltvExpiryDelta;
  return [{ told: { nextNodeId: first }, amount: msat(finalValue + fee), delta, hops }];
}

/** All hops of the inner onion, and what the first of them is to be offered. */
function hopsBefore(
  end: InnerEnd,
  given: readonly GivenTrampolineStep[],
  height: number,
): { readonly hops: readonly TrampolineHop[]; readonly amount: Msat; readonly delta: number } {
  const hops: TrampolineHop[] = [];
  let { amount, delta, told } = end;
  for (const step of given.toReversed()) {
    const terms = { amountToForward: amount, outgoingCltv: blockHeight(height + delta) };
    hops.push({
      nodeId: step.nodeId,
      payload:
        "nextNodeId" in told
          ? { kind: "trampoline-forward", ...terms, ...told }
          : { kind: "trampoline-to-blinded-paths", ...terms, ...told },
    });
    amount = plus(amount, step.fee);
    delta += step.cltvExpiryDelta;
    told = { nextNodeId: step.nodeId };
  }
  return { hops: [...hops.reverse(), ...end.hops], amount, delta };
}

import type { HtlcRemoval } from "../commitment/htlc.ts";
import type { NetworkUpdate } from "../handlers/event.ts";
import {
  type DecodedFailure,
  decodeFailure,
  pathSecrets,
  readFulfillAttribution,
  unwrapReason,
} from "../onion/index.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { type FailureMessage, failureCodeOf, failureFlags } from "../wire/failureCodes.ts";
import type { LocalSource } from "./inFlightParts.ts";
import type { TrampolineDemand, TrampolineTerms } from "./outboundPayment.ts";

/** What came back for a part that failed. */
export type FailedRemoval = Omit<Extract<HtlcRemoval, { readonly kind: "fail" }>, "kind">;

/** What a failed part says about the network. */
export interface Blame {
  /** The recipient itself will not take the payment, now or ever. */
  readonly byRecipient: boolean;
  /** Whether it came from the recipient at all, who then has got the part. */
  readonly reachedRecipient: boolean;
  /** The channel to leave out next time, if one is to blame. */
  readonly shortChannelId?: ShortChannelId;
  /** The node to leave out, if it failed for its own sake. */
  readonly nodeId?: NodeId;
  /** Somewhere within the blinded part of the path: that one is not to be used again. */
  readonly withinBlindedPath?: true;
  /** What the graph may learn of it. */
  readonly networkUpdate?: NetworkUpdate;
  /** A trampoline node will not, or cannot, pass the payment on: that it is tried again is of no use. */
  readonly stuck?: true;
  /** A trampoline node asks for more than it was given. */
  readonly demand?: TrampolineDemand;
  /** Made for the payer by a trampoline node behind the end of our path. */
  readonly beyond?: Uint8Array;
  readonly failureCode?: number;
  readonly failureName?: string;
}

/**
 * Reads the failure of a part (BOLT 4, "Returning Errors"). Nobody along the way can make it blame beyond himself and
 * his neighbour.
 *
 * @ldk lightning::ln::onion_utils::process_onion_failure
 */
export function blameOf(
  source: LocalSource,
  { reason, attribution }: FailedRemoval,
  trampoline?: TrampolineTerms,
): Blame & { readonly holdTimes: readonly number[] } {
  const { length } = source.path;
  const outer = secretsOf(source);
  const secrets = [...outer, ...trampolineSecrets(trampoline)];
  const { outcome, holdTimes } = decodeFailure({ reason, attribution }, secrets, length);
  const isForeign = trampoline !== undefined && trampoline.own === undefined;
  if (isForeign && outcome.kind !== "failed") {
    return { ...innocent, byRecipient: true, beyond: unwrapReason(reason, outer), holdTimes };
  }
  const blame = trampoline?.own && blameForTrampolines(outcome, { length, nodes: trampoline.own.nodeIds });
  return { ...(blame ?? blameFor(source, outcome)), holdTimes };
}

function trampolineSecrets(trampoline: TrampolineTerms | undefined): readonly Uint8Array[] {
  if (trampoline?.own === undefined) return [];
  const { sessionKey, nodeIds } = trampoline.own;
  const points = nodeIds.map((nodeId) => fromHex(nodeId) as Point);
  return pathSecrets(sessionKey, points).sharedSecrets;
}

/** What the first trampoline node or one behind it says, behind a path of `length` nodes. */
function blameForTrampolines(
  outcome: DecodedFailure,
  { length, nodes }: { readonly length: number; readonly nodes: readonly NodeId[] },
): Blame | undefined {
  // The last node of the path is the first trampoline node: of its own accord, it answers by the outer onion only.
  if (outcome.kind === "undecodable" || outcome.hop < length - 1) return undefined;
  const reachedRecipient = outcome.hop === length + nodes.length - 1;
  if (outcome.kind === "unreadable")
    return { ...innocent, byRecipient: reachedRecipient, reachedRecipient, stuck: true };
  const { failure } = outcome;
  const isPermanent = (failureCodeOf(failure) & failureFlags.permanent) !== 0;
  // The node's own layer of the outer onion comes before its layer of the inner one.
  const index = Math.max(0, outcome.hop - length);
  const demand = reachedRecipient ? undefined : demandOf(failure, index);
  return {
    byRecipient: reachedRecipient && isPermanent,
    reachedRecipient,
    ...(isPermanent && { stuck: true as const }),
    ...(demand && { demand }),
    ...nameOf(failure),
  };
}

function demandOf(failure: FailureMessage, index: number): TrampolineDemand | undefined {
  if (failure.type !== "trampoline_fee_or_expiry_insufficient") return undefined;
  const { feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta } = failure;
  return { index, feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta };
}

/**
 * How long the nodes held a part that was fulfilled: of those that told, from our peer on, in units of 100
 * milliseconds.
 */
export function fulfillHoldTimes(
  source: LocalSource,
  attribution: Uint8Array | undefined,
): readonly number[] {
  if (attribution === undefined) return [];
  const secrets = secretsOf(source).slice(0, source.path.length);
  return readFulfillAttribution(attribution, secrets)?.holdTimes ?? [];
}

function secretsOf({ path, blindedTail, sessionKey, sharedSecrets }: LocalSource): readonly Uint8Array[] {
  if (sharedSecrets !== undefined) return sharedSecrets;
  const points = path.map(({ nodeId }) => fromHex(nodeId) as Point);
  return pathSecrets(sessionKey, [...points, ...(blindedTail?.nodeIds ?? [])]).sharedSecrets;
}

function blameFor(source: LocalSource, outcome: DecodedFailure): Blame {
  if (outcome.kind === "undecodable") {
    // The suspect did it, or the node before it: the channel between them has one of the two at an end.
    return channelAfter(source, outcome.suspect === undefined ? 0 : outcome.suspect - 1);
  }
  const { hop } = outcome;
  const last = source.path.length - 1;
  const tail = source.blindedTail;
  const named = outcome.kind === "failed" ? nameOf(outcome.failure) : {};
  // What happens behind an introduction node nobody outside is to know: the path as a whole has failed.
  if (tail !== undefined && (hop > last || (hop === last && isHidden(source, outcome)))) {
    return { ...innocent, withinBlindedPath: true, ...named };
  }
  const isRecipient = hop === last && (tail === undefined || tail.nodeIds.length === 0);
  if (outcome.kind === "unreadable") {
    return isRecipient
      ? { ...innocent, byRecipient: true, reachedRecipient: true }
      : nodeAt(source, hop, true);
  }
  const code = failureCodeOf(outcome.failure);
  const isPermanent = (code & failureFlags.permanent) !== 0;
  // A recipient that is only busy, or lacks other parts, may be asked again.
  if (isRecipient) return { ...innocent, byRecipient: isPermanent, reachedRecipient: true, ...named };
  // Who says that the onion was bad speaks of the node behind him, who may have garbled it.
  const isBadOnion = (code & failureFlags.badOnion) !== 0;
  if ((code & failureFlags.node) !== 0) return { ...nodeAt(source, hop, isPermanent), ...named };
  return { ...channelAfter(source, hop, isPermanent && !isBadOnion), ...named };
}

/** Whether the introduction node speaks for the blinded path: with nodes behind it, whatever it says. */
function isHidden({ blindedTail }: LocalSource, outcome: DecodedFailure): boolean {
  if (blindedTail === undefined) return false;
  if (blindedTail.nodeIds.length > 0) return true;
  return outcome.kind === "failed" && outcome.failure.type === "invalid_onion_blinding";
}

/** Our own channel could not carry it: it is not to be used. */
export function firstHopBlame(source: LocalSource): Blame & { readonly holdTimes: readonly number[] } {
  return { ...channelAfter(source, -1), holdTimes: [] };
}

const innocent = { byRecipient: false, reachedRecipient: false } as const;

function nameOf(failure: FailureMessage): Pick<Blame, "failureCode" | "failureName"> {
  return { failureCode: failureCodeOf(failure), failureName: failure.type };
}

/** The node at `hop`, and the channel that leads to it. */
function nodeAt({ path }: LocalSource, hop: number, isPermanent: boolean): Blame {
  const at = path[hop];
  if (at === undefined) return innocent;
  const { nodeId, shortChannelId } = at;
  return {
    ...innocent,
    nodeId,
    shortChannelId,
    networkUpdate: { kind: "node-failure", nodeId, isPermanent },
  };
}

/** The channel that leaves the node at `hop` (from 0, our peer; -1 is ourselves). */
function channelAfter({ path }: LocalSource, hop: number, isPermanent = false): Blame {
  const next = path[hop + 1] ?? path.at(-1);
  if (next === undefined) return innocent;
  const { shortChannelId } = next;
  return {
    ...innocent,
    shortChannelId,
    ...(hop >= 0 && { networkUpdate: { kind: "channel-failure", shortChannelId, isPermanent } }),
  };
}

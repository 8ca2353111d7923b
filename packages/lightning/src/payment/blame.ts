import type { HtlcSource } from "../channel/disposition.ts";
import type { HtlcRemoval } from "../commitment/htlc.ts";
import {
  attributionFields,
  type DecodedFailure,
  decodeFailure,
  pathSecrets,
  readFulfillAttribution,
} from "../onion/index.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import type { ShortChannelId } from "../util/ids.ts";
import { failureCodeOf, failureFlags } from "../wire/failureCodes.ts";

type LocalSource = Extract<HtlcSource, { readonly kind: "local" }>;

/** What came back for a part that failed. */
export type FailedRemoval = Omit<Extract<HtlcRemoval, { readonly kind: "fail" }>, "kind">;

/** What a failed part says about the network. */
export interface Blame {
  /** The recipient itself will not take the payment. */
  readonly byRecipient: boolean;
  /** The channel to leave out next time, if one is to blame. */
  readonly shortChannelId?: ShortChannelId;
  readonly failureCode?: number;
  readonly failureName?: string;
  /** Of the nodes that told, from our peer on, in units of 100 milliseconds. */
  readonly holdTimes: readonly number[];
}

/** Reads the failure of a part (BOLT 4, "Returning Errors"). Nobody along the way can make it blame beyond himself and his neighbour. */
export function blameOf(source: LocalSource, { reason, attribution }: FailedRemoval): Blame {
  const attributionData = attribution && attributionFields(attribution);
  const { length } = source.path;
  const { outcome, holdTimes } = decodeFailure({ reason, attributionData }, secretsOf(source), length);
  return { ...blamed(source, outcome), holdTimes };
}

/** How long the nodes held a part that was fulfilled: of those that told, from our peer on, in units of 100 milliseconds. */
export function fulfillHoldTimes(
  source: LocalSource,
  attribution: Uint8Array | undefined,
): readonly number[] {
  if (attribution === undefined) return [];
  const secrets = secretsOf(source).slice(0, source.path.length);
  return readFulfillAttribution(attributionFields(attribution), secrets)?.holdTimes ?? [];
}

/** Our own peer could not read the onion: its channel to us is not to be used. */
export function firstHopBlame(source: LocalSource): Blame {
  return { ...channelAfter(source, -1), holdTimes: [] };
}

function secretsOf({ path, sessionKey, sharedSecrets }: LocalSource): readonly Uint8Array[] {
  if (sharedSecrets !== undefined) return sharedSecrets;
  const points = path.map(({ nodeId }) => fromHex(nodeId) as Point);
  return pathSecrets(sessionKey, points).sharedSecrets;
}

function blamed(source: LocalSource, outcome: DecodedFailure): Omit<Blame, "holdTimes"> {
  const last = source.path.length - 1;
  switch (outcome.kind) {
    case "undecodable":
      // The suspect did it, or the node before it: the channel between them has one of the two at an end.
      return channelAfter(source, outcome.suspect === undefined ? 0 : outcome.suspect - 1);
    case "unreadable":
      return outcome.hop === last ? { byRecipient: true } : channelAfter(source, outcome.hop);
    case "failed": {
      const failureCode = failureCodeOf(outcome.failure);
      const failureName = outcome.failure.type;
      const named = { failureCode, failureName };
      if (outcome.hop === last) {
        // A recipient that is only busy may be asked again.
        const permanent =
          (failureCode & failureFlags.permanent) !== 0 || outcome.failure.type === "mpp_timeout";
        return { byRecipient: permanent, ...named };
      }
      const ofNode = (failureCode & failureFlags.node) !== 0;
      return { ...channelAfter(source, ofNode ? outcome.hop - 1 : outcome.hop), ...named };
    }
  }
}

/** The channel that leaves the node at `hop` (from 0, our peer; -1 is ourselves). */
function channelAfter({ path }: LocalSource, hop: number): Omit<Blame, "holdTimes"> {
  const next = path[Math.max(0, hop + 1)];
  return { byRecipient: false, ...(next && { shortChannelId: next.shortChannelId }) };
}

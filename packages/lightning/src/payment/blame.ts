import type { HtlcSource } from "../channel/disposition.ts";
import { decodeFailure, pathSecrets } from "../onion/index.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import type { ShortChannelId } from "../util/ids.ts";
import { failureCodeOf, failureFlags } from "../wire/failureCodes.ts";

type LocalSource = Extract<HtlcSource, { readonly kind: "local" }>;

/** What a failed part says about the network. */
export interface Blame {
  /** The recipient itself will not take the payment. */
  readonly byRecipient: boolean;
  /** The channel to leave out next time, if one is to blame. */
  readonly shortChannelId?: ShortChannelId;
  readonly failureCode?: number;
  readonly failureName?: string;
}

/** Reads the failure of a part (BOLT 4, "Returning Errors"). Nobody along the way can make it blame beyond himself and his neighbour. */
export function blameOf(source: LocalSource, reason: Uint8Array): Blame {
  const points = source.path.map(({ nodeId }) => fromHex(nodeId) as Point);
  const { sharedSecrets } = pathSecrets(source.sessionKey, points);
  const { outcome } = decodeFailure({ reason, attributionData: undefined }, sharedSecrets);
  const last = source.path.length - 1;
  switch (outcome.kind) {
    case "undecodable":
      return channelAfter(source, 0);
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

/** Our own peer could not read the onion: its channel to us is not to be used. */
export function firstHopBlame(source: LocalSource): Blame {
  return channelAfter(source, -1);
}

/** The channel that leaves the node at `hop` (from 0, our peer; -1 is ourselves). */
function channelAfter({ path }: LocalSource, hop: number): Blame {
  const next = path[Math.max(0, hop + 1)];
  return { byRecipient: false, ...(next && { shortChannelId: next.shortChannelId }) };
}

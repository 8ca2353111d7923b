import type { AcceptChannel, ErrorMessage } from "../../wire/index.ts";
import type { ChannelContext } from "../input.ts";
import { askForFallback } from "../openChannel.ts";
import { send } from "../ops/commit.ts";
import { failUnfunded } from "../ops/endUnfunded.ts";
import { openingScript } from "../ops/firstCommitments.ts";
import { checkAcceptChannel } from "../ops/openingChecks.ts";
import { termsIn } from "../ops/openingTerms.ts";
import type { Outcome } from "../outcome.ts";
import type { AgreedOpening, WaitForAcceptChannel } from "../state.ts";

/**
 * The peer's terms (BOLT 2, "The accept_channel Message"): if they hold, the user is asked for a funding transaction.
 */
export function acceptChannelReceived(
  ctx: ChannelContext,
  state: WaitForAcceptChannel,
  accept: AcceptChannel,
): Outcome {
  const refused = checkAcceptChannel(ctx, state, accept);
  if (refused !== undefined) return failUnfunded(state, refused);
  const { identity, keys, open, format, config } = state;
  const trusted = config.channelHandshakeLimits.trustOwnFunding0conf;
  const opening: AgreedOpening = {
    identity,
    keys,
    format,
    temporaryChannelId: open.temporaryChannelId,
    isOpener: true,
    capacity: open.fundingSatoshis,
    pushed: open.pushMsat,
    feerate: open.feeratePerKw,
    local: termsIn(open),
    remote: termsIn(accept),
    remoteFundingKey: accept.fundingPubkey,
    remoteFirstPoint: accept.firstPerCommitmentPoint,
    minimumDepth: trusted ? accept.minimumDepth : Math.max(accept.minimumDepth, 1),
  };
  return {
    state: { kind: "wait-for-funding-transaction", opening, ticks: 0 },
    actions: [
      {
        kind: "event",
        event: {
          kind: "funding-generation-ready",
          temporaryChannelId: opening.temporaryChannelId,
          counterparty: identity.counterparty,
          channelValue: opening.capacity,
          outputScript: openingScript(opening),
          userChannelId: identity.userChannelId,
        },
      },
    ],
  };
}

/** The peer refused: it may take the channel in the next format. `undefined` when it was asked for all. */
export function askAgain(
  ctx: ChannelContext,
  state: WaitForAcceptChannel,
  error: ErrorMessage,
): Outcome | undefined {
  if (error.channelId !== state.open.temporaryChannelId) return undefined;
  const next = askForFallback(ctx, state);
  return next && { state: next, actions: [send(next.open)] };
}

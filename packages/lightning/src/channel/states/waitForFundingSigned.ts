import type { FundingSigned } from "../../wire/index.ts";
import type { ChannelContext } from "../input.ts";
import { failUnfunded } from "../ops/endUnfunded.ts";
import { firstCommitments } from "../ops/firstCommitments.ts";
import { fundedByUs } from "../ops/funding.ts";
import type { Outcome } from "../outcome.ts";
import type { WaitForFundingSigned } from "../state.ts";

/** With the peer's signature, our money can come back to us: the funding transaction may go out. */
export function fundingSignedReceived(
  ctx: ChannelContext,
  state: WaitForFundingSigned,
  message: FundingSigned,
): Outcome {
  const first = firstCommitments(state.opening, state.funding, message.signature);
  return first.ok ? fundedByUs(ctx, state, first.value) : failUnfunded(state, first.error);
}

import { type ChannelRefusal, refusal } from "../channel/error.ts";
import type { ChannelContext } from "../channel/input.ts";
import { feeLimits } from "../channel/ops/limits.ts";
import type { FundedChannel } from "../channel/state.ts";
import type { Commitments } from "../commitment/commitments.ts";
import type { Htlc } from "../commitment/htlc.ts";
import { acceptIncomingHtlc, type LimitsContext, sendingState } from "../commitment/limits.ts";
import { violationText } from "../commitment/limitViolation.ts";

/** What was reckoned of a channel: it holds for all HTLCs about which is decided while its commitments are these. */
interface Reckoned {
  readonly commitments: Commitments;
  readonly limits: LimitsContext;
  readonly state: ReturnType<typeof sendingState>;
}

/**
 * Whether incoming HTLCs, now irrevocably added, may be kept; otherwise they are failed, not their channel. Hundreds
 * may come at once: what the limits depend on is counted once for all of them.
 */
export class IncomingLimits {
  #last: Reckoned | undefined;

  /** Why the HTLC may not be kept, if so. */
  refusal(ctx: ChannelContext, channel: FundedChannel, htlc: Htlc): ChannelRefusal | undefined {
    const violation = acceptIncomingHtlc(this.#reckoned(ctx, channel).state, htlc);
    return violation && refusal("ignore", violation.kind, violationText(violation));
  }

  #reckoned(ctx: ChannelContext, channel: FundedChannel): Reckoned {
    const { commitments } = channel;
    const limits = feeLimits(ctx, channel);
    const last = this.#last;
    if (last?.commitments === commitments && isSame(last.limits, limits)) return last;
    const reckoned = { commitments, limits, state: sendingState(commitments, limits) };
    this.#last = reckoned;
    return reckoned;
  }
}

function isSame(one: LimitsContext, other: LimitsContext): boolean {
  return one.maxDustExposure === other.maxDustExposure && one.exposureFeerate === other.exposureFeerate;
}

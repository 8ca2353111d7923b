import type { FeeEstimator } from "../chain/chainInterface.ts";
import type { ChannelFeerates } from "../channel/config.ts";
import { commitmentFeerate } from "../channel/ops/fee.ts";
import type { ChannelState } from "../channel/state.ts";
import { nextFeerate } from "../commitment/dance.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { type FeeratePerKw, minOf } from "../util/units.ts";

/** Blocks over which the least bound on the peer's feerate counts. @ldk FEERATE_TRACKING_BLOCKS */
const trackedBlocks = 144;

type Bound = "minAllowedAnchorChannelRemoteFee" | "minAllowedNonAnchorChannelRemoteFee";
const bounds: readonly Bound[] = ["minAllowedAnchorChannelRemoteFee", "minAllowedNonAnchorChannelRemoteFee"];

/**
 * The feerates that channels see. What a peer must pay at least is the least that was asked in the last day: one bad
 * estimate, or a sudden rise that the peer has not followed yet, must not close a channel.
 */
export class FeerateTracker {
  readonly #estimator: FeeEstimator;
  readonly #history: { readonly height: number; readonly feerates: ChannelFeerates }[] = [];

  constructor(estimator: FeeEstimator) {
    this.#estimator = estimator;
  }

  /** The estimates at this height. */
  at(height: number): ChannelFeerates {
    const feerates = estimates(this.#estimator);
    const last = this.#history.at(-1);
    if (last === undefined || last.height !== height) this.#history.push({ height, feerates });
    else this.#history[this.#history.length - 1] = { height, feerates: lesser(last.feerates, feerates) };
    while (this.#history.length > trackedBlocks) this.#history.shift();
    return this.#history.reduce((least, past) => lesser(least, past.feerates), feerates);
  }
}

/**
 * The feerate to propose for a channel of ours, or `undefined` when the present one will do: it follows every rise,
 * and a fall by half.
 *
 * @ldk lightning::ln::channelmanager::ChannelManager::update_channel_fee
 */
export function dueFeerate(state: ChannelState, feerates: ChannelFeerates): FeeratePerKw | undefined {
  if (state.kind !== "normal" || !state.channel.commitments.params.isOpener) return undefined;
  const { commitments } = state.channel;
  const { format } = commitments.params;
  if (formatOf(format).feerateBasis === "none") return undefined;
  const wanted = commitmentFeerate(feerates, format);
  const present = nextFeerate(commitments, "remote");
  return wanted > present || wanted * 2n <= present ? wanted : undefined;
}

function lesser(present: ChannelFeerates, past: ChannelFeerates): ChannelFeerates {
  const least = { ...present };
  for (const bound of bounds) least[bound] = minOf(present[bound], past[bound]);
  return least;
}

function estimates(estimator: FeeEstimator): ChannelFeerates {
  return {
    maximumFeeEstimate: estimator.feerate("maximum-fee-estimate"),
    minAllowedAnchorChannelRemoteFee: estimator.feerate("min-allowed-anchor-channel-remote-fee"),
    minAllowedNonAnchorChannelRemoteFee: estimator.feerate("min-allowed-non-anchor-channel-remote-fee"),
    anchorChannelFee: estimator.feerate("anchor-channel-fee"),
    nonAnchorChannelFee: estimator.feerate("non-anchor-channel-fee"),
    channelCloseMinimum: estimator.feerate("channel-close-minimum"),
  };
}

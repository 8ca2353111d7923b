import { type ChannelState, fundedChannel } from "../channel/state.ts";
import type { FormatName } from "../commitment/params.ts";
import {
  type AnchorReserveRefusal,
  anchorReserve,
  canSupportAdditionalAnchorChannel,
  defaultAnchorReserveTerms,
  needsAnchorReserve,
} from "../onchain/anchorReserve.ts";
import { type Sat, zeroSat } from "../util/units.ts";
import { ApiError } from "./apiError.ts";
import { isUnfunded } from "./channelDetails.ts";
import type { ManagerCore } from "./managerCore.ts";

/** Thrown when the wallet has too little for one more channel; the text has the numbers as well. */
export class AnchorReserveError extends ApiError {
  override readonly name = "AnchorReserveError";
  readonly refusal: AnchorReserveRefusal;

  constructor(refusal: AnchorReserveRefusal) {
    super("insufficient-anchor-reserve", textOf(refusal));
    this.refusal = refusal;
  }
}

/**
 * What the wallet must keep for the channels at hand: `FundRequest.keep` of `@fulmen/wallet`. Channels that have cost
 * their peers nothing do not count: anybody could tie all coins up by them.
 */
export function requiredAnchorReserve(core: ManagerCore): Sat {
  const { terms = defaultAnchorReserveTerms } = core.environment.anchorReserve ?? {};
  return anchorReserve(terms, formatsAtHand(core, "paid-for"));
}

/** What is to be served by the wallet beside the channels at hand. */
interface Additional {
  /** Any of these. */
  readonly formats: readonly FormatName[];
  /** What of the wallet's goes into it. */
  readonly funding: Sat;
  /** Which other channels count: for one of a peer's, those that peers have not paid for, too. */
  readonly beside: "paid-for" | "all";
}

/** Throws `AnchorReserveError` when the wallet cannot serve one channel more. */
export function checkAnchorReserve(core: ManagerCore, { formats, funding, beside }: Additional): void {
  const { anchorReserve: source } = core.environment;
  if (source === undefined) return;
  const { terms = defaultAnchorReserveTerms, fundsChannels } = source;
  const coins = source.confirmedCoins();
  const atHand = formatsAtHand(core, beside);
  const spending = fundsChannels ? funding : zeroSat;
  for (const additional of formats) {
    const result = canSupportAdditionalAnchorChannel(terms, coins, { atHand, additional, spending });
    if (!result.ok) throw new AnchorReserveError(result.error);
  }
}

function formatsAtHand(
  { channels, environment, tip }: ManagerCore,
  which: Additional["beside"],
): readonly FormatName[] {
  const formats: FormatName[] = [];
  for (const [channelId, { state }] of channels.all()) {
    if (which === "paid-for" && hasCostNothing(state)) continue;
    const monitor = environment.anchorReserve?.monitor?.(channelId);
    if (monitor !== undefined && !needsAnchorReserve(monitor, tip.height)) continue;
    const format = formatOfChannel(state);
    if (format !== undefined) formats.push(format);
  }
  return formats;
}

/** Whether a peer has begun it, and no block has its funding. */
function hasCostNothing(state: ChannelState): boolean {
  if (state.kind === "awaiting-signer") return hasCostNothing(state.before);
  const funded = fundedChannel(state);
  return state.kind === "wait-for-funding-created" || (funded !== undefined && isUnfunded(funded));
}

/** `undefined` for a channel that is not ours yet, or no more. */
function formatOfChannel(state: ChannelState): FormatName | undefined {
  switch (state.kind) {
    case "wait-for-accept-channel":
      return state.format;
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
      return state.opening.format;
    case "wait-for-acceptance":
    case "ended":
      return undefined;
    case "awaiting-signer":
      return formatOfChannel(state.before);
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "negotiating":
    case "offline":
    case "syncing":
    case "closing":
    case "wait-for-remote-close":
      return fundedChannel(state)?.commitments.params.format;
  }
}

function textOf(refusal: AnchorReserveRefusal): string {
  if (refusal.kind === "too-few-coins") {
    const { supportable, channels } = refusal;
    return `the wallet's confirmed coins can serve ${supportable} of ${channels} channels when all close at once: split its coins, or add some`;
  }
  const { needed, available, reserved } = refusal;
  return `${needed} sat must be confirmed in the wallet, ${reserved} of them for the channels at hand, and ${available} are: ${needed - available} more are needed to get the channels' transactions confirmed when fees are high`;
}

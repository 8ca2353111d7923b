import { formatOf } from "../../commitment/formats/formatOf.ts";
import { openerCost } from "../../commitment/load.ts";
import type { FormatName, PartyParams } from "../../commitment/params.ts";
import { err, ok, type Result } from "../../util/result.ts";
import {
  type FeeratePerKw,
  type Msat,
  minusOrZero,
  plus,
  type Sat,
  sat,
  satToMsat,
} from "../../util/units.ts";
import { type AcceptChannel, type Features, type OpenChannel, sameChannelType } from "../../wire/index.ts";
import type { ChannelHandshakeConfig, ChannelHandshakeLimits } from "../config.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import type { WaitForAcceptChannel } from "../state.ts";
import { type KnownChannelType, readChannelType, supportsChannelType } from "./channelType.ts";
import { leastRemoteFeerate, mostRemoteFeerate } from "./fee.ts";
import { allowsZeroReserve, leastDustLimit, ourLimits, type PartyLimits, termsIn } from "./openingTerms.ts";
import { isShutdownScript } from "./shutdownScript.ts";

// Every requirement of BOLT 2, "Channel Establishment v1", and LDK's bounds where the BOLT leaves them open.

/** Channels from here on need `option_support_large_channel`. */
const largeChannel: Sat = sat(2n ** 24n);
/** More than there will ever be. */
const allCoins: Sat = sat(21_000_000n * 100_000_000n);
/** @ldk lightning::ln::channel::MAX_CHAN_DUST_LIMIT_SATOSHIS */
const mostDustLimit: Sat = sat(10_000);
/**
 * The peer needs that long to see a revoked commitment and to punish it.
 *
 * @ldk lightning::chain::channelmonitor::BREAKDOWN_TIMEOUT
 */
const leastToSelfDelay = 144;
/** @ldk lightning::ln::channel::MAX_LOCAL_BREAKDOWN_TIMEOUT */
const mostToSelfDelay = 2_016;
/**
 * The opener must be able to pay for so many HTLCs from the start.
 *
 * @ldk lightning::ln::channel::MIN_AFFORDABLE_HTLC_COUNT
 */
const affordableHtlcs = 4;

/** Violated or not, what to call it, and the sentence. */
type Check = readonly [violated: boolean, code: string, text: string];

function firstViolated(checks: readonly Check[]): ChannelRefusal | undefined {
  const found = checks.find(([violated]) => violated);
  return found && refusal("close", found[1], found[2]);
}

/** What an opening is about, whoever opens. */
export interface OpeningTerms {
  readonly capacity: Sat;
  readonly pushed: Msat;
  readonly feerate: FeeratePerKw;
  readonly format: FormatName;
}

/** Whether our own settings make a channel that keeps the protocol. */
export function checkOurTerms(
  config: ChannelHandshakeConfig,
  ours: PartyLimits,
  capacity: Sat,
): ChannelRefusal | undefined {
  const { toSelfDelay, channelReserve, maxAcceptedHtlcs, htlcMinimum } = ours;
  return firstViolated([
    [
      toSelfDelay < leastToSelfDelay || toSelfDelay > 0xffff,
      "our-to-self-delay",
      `our_to_self_delay of ${toSelfDelay} blocks is not in ${leastToSelfDelay}..65535`,
    ],
    [maxAcceptedHtlcs < 1, "our-max-accepted-htlcs", "our_max_accepted_htlcs of 0 makes a useless channel"],
    [
      config.minimumDepth < 0 || config.minimumDepth > 0xffff_ffff,
      "our-minimum-depth",
      `minimum_depth of ${config.minimumDepth}`,
    ],
    [
      channelReserve >= capacity || htlcMinimum >= satToMsat(minusOrZero(capacity, channelReserve)),
      "funding-below-our-reserve",
      `a channel of ${capacity} sat cannot hold our reserve of ${channelReserve} sat and an HTLC of ${htlcMinimum} msat`,
    ],
  ]);
}

/** Whether we may ask for this channel, before anything is sent. */
export function checkOurOpen(
  ctx: ChannelContext,
  remoteFeatures: Features,
  terms: OpeningTerms,
): ChannelRefusal | undefined {
  return checkFunding(terms, [ctx.ourFeatures, remoteFeatures]) ?? checkOpenerPays(terms, sat(0));
}

/** The peer's `open_channel`: what it asks for, or why it does not get it. */
export function checkOpenChannel(
  ctx: ChannelContext,
  open: OpenChannel,
  remoteFeatures: Features,
): Result<KnownChannelType, ChannelRefusal> {
  const ofType = checkChannelType(ctx.ourFeatures, open);
  if (!ofType.ok) return ofType;
  const { channelHandshakeConfig, channelHandshakeLimits: limits } = ctx.config;
  const { format } = ofType.value;
  const capacity = open.fundingSatoshis;
  const terms = { capacity, pushed: open.pushMsat, feerate: open.feeratePerKw, format };
  const ours = ourLimits(channelHandshakeConfig, { capacity, announce: isAnnounced(open), format });
  const theirs = termsIn(open);
  const refused =
    checkOpening(ctx, open, { remoteFeatures, terms }) ??
    checkFunding(terms, [ctx.ourFeatures]) ??
    checkOurTerms(channelHandshakeConfig, ours, capacity) ??
    checkTheirTerms(ctx, theirs, { capacity, format, ours, limits, remoteFeatures }) ??
    checkOpenerPays(terms, ours.channelReserve) ??
    checkFirstBalances(terms, theirs.channelReserve);
  return refused === undefined ? ofType : err(refused);
}

/** What only an opener says. */
function checkOpening(
  { ourFeatures, chainHash, config, feerates }: ChannelContext,
  open: OpenChannel,
  by: { readonly remoteFeatures: Features; readonly terms: OpeningTerms },
): ChannelRefusal | undefined {
  const { remoteFeatures, terms } = by;
  const { minFunding, forceAnnouncedChannelPreference } = config.channelHandshakeLimits;
  const announce = isAnnounced(open);
  const least = leastRemoteFeerate(feerates, terms.format);
  const most = mostRemoteFeerate(feerates, terms.format);
  const feerate = `feerate of ${terms.feerate} sat/kW`;
  return firstViolated([
    [
      open.chainHash !== chainHash,
      "unknown-chain",
      `chain_hash ${open.chainHash}, this node is on ${chainHash}`,
    ],
    [
      ourFeatures.has("option_dual_fund") && remoteFeatures.has("option_dual_fund"),
      "dual-fund-negotiated",
      "open_channel although option_dual_fund is negotiated",
    ],
    [
      forceAnnouncedChannelPreference && announce !== config.channelHandshakeConfig.announceForForwarding,
      "announcement-preference",
      `the channel is ${announce ? "" : "not "}to be announced, our preference is different`,
    ],
    [
      terms.capacity < minFunding,
      "funding-too-small",
      `funding of ${terms.capacity} sat, at least ${minFunding} sat are asked for`,
    ],
    [terms.feerate < least, "feerate-too-low", `${feerate}, at least ${least} sat/kW is asked for`],
    [terms.feerate > most, "feerate-too-high", `${feerate}, at most ${most} sat/kW is reasonable`],
  ]);
}

/** The peer's `accept_channel` to our `open_channel`. */
export function checkAcceptChannel(
  ctx: ChannelContext,
  state: WaitForAcceptChannel,
  accept: AcceptChannel,
): ChannelRefusal | undefined {
  const { open, identity, config, format } = state;
  const ours = termsIn(open);
  const theirs = termsIn(accept);
  const limits = config.channelHandshakeLimits;
  const asked = open.tlvs.channelType ?? new Uint8Array(0);
  const answered = accept.tlvs.channelType;
  const capacity = open.fundingSatoshis;
  const most = minusOrZero(capacity, ours.channelReserve);
  const terms = { capacity, pushed: open.pushMsat, feerate: open.feeratePerKw, format };
  return (
    firstViolated([
      [
        answered === undefined || !sameType(asked, answered),
        "channel-type-mismatch",
        "accept_channel has not the channel_type that was asked for",
      ],
      [
        accept.minimumDepth > limits.maxMinimumDepth,
        "minimum-depth-too-large",
        `minimum_depth of ${accept.minimumDepth} blocks, at most ${limits.maxMinimumDepth} are acceptable`,
      ],
      [
        theirs.channelReserve > most,
        "reserve-too-large",
        `channel_reserve of ${theirs.channelReserve} sat, ${most} sat are left beside our own`,
      ],
    ]) ??
    checkTheirTerms(ctx, theirs, {
      capacity,
      format,
      ours,
      limits,
      remoteFeatures: identity.remoteFeatures,
    }) ??
    checkFirstBalances(terms, theirs.channelReserve)
  );
}

/** Bit 0 of `channel_flags`. */
export function isAnnounced(open: OpenChannel): boolean {
  return (open.channelFlags & 1) === 1;
}

/** The type that the peer asks for, or why not. */
function checkChannelType(
  ourFeatures: Features,
  open: OpenChannel,
): Result<KnownChannelType, ChannelRefusal> {
  const record = open.tlvs.channelType;
  if (record === undefined) {
    return err(refusal("close", "no-channel-type", "open_channel without channel_type"));
  }
  const read = readChannelType(record);
  if (read === undefined || !supportsChannelType(ourFeatures, read.type)) {
    const text = "open_channel has a channel_type that we do not take";
    return err(refusal("close", "unsupported-channel-type", text));
  }
  if (read.type.scidAlias && isAnnounced(open)) {
    const text = "an announced channel cannot have option_scid_alias in its channel_type";
    return err(refusal("close", "unsupported-channel-type", text));
  }
  return ok(read);
}

/** What the other side's terms are held against. */
interface TermsBounds {
  readonly capacity: Sat;
  readonly format: FormatName;
  readonly ours: PartyLimits;
  readonly limits: ChannelHandshakeLimits;
  readonly remoteFeatures: Features;
}

/** The terms that either side may have, against ours and our limits. */
function checkTheirTerms(
  ctx: ChannelContext,
  theirs: PartyParams,
  bounds: TermsBounds,
): ChannelRefusal | undefined {
  const { limits, remoteFeatures } = bounds;
  const { toSelfDelay, upfrontShutdownScript: upfront } = theirs;
  const mostDelay = Math.min(limits.theirToSelfDelay, mostToSelfDelay);
  return (
    checkDustAndReserve(theirs, bounds) ??
    checkHtlcTerms(theirs, bounds) ??
    firstViolated([
      [
        toSelfDelay > mostDelay,
        "to-self-delay-too-large",
        `to_self_delay of ${toSelfDelay} blocks, at most ${mostDelay} are acceptable`,
      ],
      [
        upfront !== undefined && !isShutdownScript(upfront, ctx.ourFeatures, remoteFeatures),
        "invalid-upfront-shutdown-script",
        "upfront_shutdown_script has none of the forms that a cooperative close may pay to",
      ],
    ])
  );
}

function checkDustAndReserve(
  { dustLimit, channelReserve }: PartyParams,
  { capacity, format, ours, limits }: TermsBounds,
): ChannelRefusal | undefined {
  const reserve = `channel_reserve of ${channelReserve} sat`;
  const dust = `dust_limit of ${dustLimit} sat`;
  // We need not keep anything: the peer's risk, and its wish.
  const isTrusted = channelReserve === 0n && allowsZeroReserve(format);
  return firstViolated([
    [
      dustLimit < leastDustLimit,
      "dust-limit-too-small",
      `${dust}, at least ${leastDustLimit} sat are relayed`,
    ],
    [
      dustLimit > mostDustLimit,
      "dust-limit-too-large",
      `${dust}, at most ${mostDustLimit} sat are acceptable`,
    ],
    [
      dustLimit > ours.channelReserve && !(ours.channelReserve === 0n && allowsZeroReserve(format)),
      "dust-limit-above-reserve",
      `${dust} is above the reserve of ${ours.channelReserve} sat that we ask for`,
    ],
    [
      channelReserve < ours.dustLimit && !isTrusted,
      "reserve-below-dust-limit",
      `${reserve} is below our dust_limit`,
    ],
    [channelReserve < dustLimit && !isTrusted, "reserve-below-dust-limit", `${reserve} is below a ${dust}`],
    [channelReserve > capacity, "reserve-too-large", `${reserve} is above the funding of ${capacity} sat`],
    [
      channelReserve > limits.maxChannelReserve,
      "reserve-too-large",
      `${reserve}, at most ${limits.maxChannelReserve} sat are acceptable`,
    ],
  ]);
}

function checkHtlcTerms(
  { channelReserve, htlcMinimum, maxHtlcValueInFlight, maxAcceptedHtlcs }: PartyParams,
  { capacity, format, limits }: TermsBounds,
): ChannelRefusal | undefined {
  const mostAcceptedHtlcs = formatOf(format).maxAcceptedHtlcs;
  const usable = satToMsat(minusOrZero(capacity, channelReserve));
  const accepted = `max_accepted_htlcs of ${maxAcceptedHtlcs}`;
  return firstViolated([
    [
      htlcMinimum >= usable,
      "htlc-minimum-too-large",
      `htlc_minimum of ${htlcMinimum} msat, ${usable} msat can be sent`,
    ],
    [
      htlcMinimum > limits.maxHtlcMinimum,
      "htlc-minimum-too-large",
      `htlc_minimum of ${htlcMinimum} msat, at most ${limits.maxHtlcMinimum} msat are acceptable`,
    ],
    [maxAcceptedHtlcs < 1, "max-accepted-htlcs-too-small", `${accepted} makes a useless channel`],
    [
      maxAcceptedHtlcs > mostAcceptedHtlcs,
      "max-accepted-htlcs-too-large",
      `${accepted}, the most is ${mostAcceptedHtlcs}`,
    ],
    [
      maxAcceptedHtlcs < limits.minMaxAcceptedHtlcs,
      "max-accepted-htlcs-too-small",
      `${accepted}, at least ${limits.minMaxAcceptedHtlcs} are asked for`,
    ],
    [
      maxHtlcValueInFlight < limits.minMaxHtlcValueInFlight,
      "max-htlc-value-in-flight-too-small",
      `max_htlc_value_in_flight of ${maxHtlcValueInFlight} msat, at least ${limits.minMaxHtlcValueInFlight} msat are asked for`,
    ],
  ]);
}

/** `supporters` must all take large channels if this is one. */
function checkFunding(
  { capacity, pushed }: OpeningTerms,
  supporters: readonly Features[],
): ChannelRefusal | undefined {
  const large = supporters.every((features) => features.has("option_support_large_channel"));
  return firstViolated([
    [capacity > allCoins, "funding-too-large", `funding of ${capacity} sat is more than there is`],
    [
      capacity >= largeChannel && !large,
      "funding-too-large",
      `funding of ${capacity} sat, less than ${largeChannel} sat without option_support_large_channel`,
    ],
    [
      pushed > satToMsat(capacity),
      "push-above-funding",
      `push of ${pushed} msat of a funding of ${capacity} sat`,
    ],
  ]);
}

/** The opener must be able to pay for its commitments, and keep `reserve`. */
function checkOpenerPays(terms: OpeningTerms, reserve: Sat): ChannelRefusal | undefined {
  const { capacity, pushed, feerate, format } = terms;
  const balance = minusOrZero(satToMsat(capacity), pushed);
  const cost = openerCost(formatOf(format), feerate, affordableHtlcs);
  return firstViolated([
    [
      balance < plus(cost, satToMsat(reserve)),
      "opener-cannot-afford-fee",
      `the opener's ${balance} msat do not pay ${cost} msat of fee and anchors and leave a reserve of ${reserve} sat`,
    ],
  ]);
}

/** BOLT 2: on the first commitment, one side at least must have more than the reserve. */
function checkFirstBalances(terms: OpeningTerms, reserve: Sat): ChannelRefusal | undefined {
  const { capacity, pushed, feerate, format } = terms;
  const kept = minusOrZero(satToMsat(capacity), pushed);
  const left = minusOrZero(kept, openerCost(formatOf(format), feerate, 0));
  const least = satToMsat(reserve);
  return firstViolated([
    [
      left <= least && pushed <= least,
      "both-below-reserve",
      `first balances of ${left} and ${pushed} msat are both within the reserve of ${reserve} sat`,
    ],
  ]);
}

function sameType(asked: Uint8Array, answered: Uint8Array): boolean {
  const a = readChannelType(asked);
  const b = readChannelType(answered);
  return a !== undefined && b !== undefined && sameChannelType(a.type, b.type);
}

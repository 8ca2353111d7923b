import { witnessSize } from "@fulmen/bitcoin/transaction";
import type { Utxo } from "../chain/coinSelection.ts";
import type { CommitmentFormat } from "../commitment/format.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import type { FormatName } from "../commitment/params.ts";
import type { Point } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type FeeratePerKw, feeratePerKw, plus, type Sat, sat, sum, zeroSat } from "../util/units.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { isContested } from "./commitmentOutputs.ts";
import { isFinal } from "./deadlines.ts";

/** What a reserve must suffice for. @ldk lightning::util::anchor_channel_reserves::AnchorChannelReserveContext */
export interface AnchorReserveTerms {
  /** Up to this feerate commitments and HTLC transactions can be paid for. */
  readonly upperBoundFeerate: FeeratePerKw;
  /**
   * HTLCs that a channel is expected to have accepted when it closes, each of which was forwarded over it or another.
   */
  readonly expectedAcceptedHtlcs: number;
  /** Whether the wallet's coins and change are P2TR; else they are P2WPKH. */
  readonly isTaprootWallet: boolean;
  /**
   * Whether channels may wait for one another's change: when all close at once, a coin raises the fee of one commitment
   * in each block. If not, there must be a coin for each channel.
   */
  readonly sharesCoins: boolean;
}

/** 50 sat/vB, ten HTLCs, P2WPKH, a coin for each channel. */
export const defaultAnchorReserveTerms: AnchorReserveTerms = {
  upperBoundFeerate: feeratePerKw(12_500),
  expectedAcceptedHtlcs: 10,
  isTaprootWallet: false,
  sharesCoins: false,
};

/** A confirmed coin that stands by. */
export type ReserveCoin = Pick<Utxo, "output" | "satisfactionWeight">;

/**
 * The wallet that stands by for channels whose transactions cannot pay for themselves. With it the manager opens and
 * accepts no such channel that the wallet could not defend.
 */
export interface AnchorReserveSource {
  /** `defaultAnchorReserveTerms` when not given. */
  readonly terms?: AnchorReserveTerms;
  /** The wallet's confirmed coins, those included that it holds for claims of channels. */
  confirmedCoins(): readonly ReserveCoin[];
  /** Whether the channels that we open are funded from these coins. */
  readonly fundsChannels: boolean;
  /** `ChainMonitor.monitor`: says when a closed channel needs no coins any more. */
  monitor?(channelId: ChannelId): ChannelMonitor | undefined;
}

/** Why one more channel would leave too little for all of them. */
export type AnchorReserveRefusal =
  /**
   * `needed` is for all channels, `reserved` of it for those at hand; `available` is what the coins are worth less
   * their own fees.
   */
  | {
      readonly kind: "insufficient-anchor-reserve";
      readonly needed: Sat;
      readonly available: Sat;
      readonly reserved: Sat;
    }
  /** The sum would do, and the coins can serve only so many of the channels at once. */
  | { readonly kind: "too-few-coins"; readonly supportable: number; readonly channels: number };

/** What a transaction has besides inputs and outputs: version, counts, lock time, marker and flag. */
const emptyWeight = 42;
/** Outpoint, length of the empty script, sequence. */
const inputWeight = 4 * 41;
/** With their lengths: a coin's witness, and an output. */
const coinWeights = {
  p2wpkh: { input: inputWeight + 1 + 1 + 72 + 1 + 33, output: 4 * 31, dust: sat(294) },
  p2tr: { input: inputWeight + 1 + 1 + 64, output: 4 * 43, dust: sat(330) },
};

/** A signature with its sighash type, and a key: only their lengths count. */
const signature = new Uint8Array(72);
const key = new Uint8Array(33) as Point;

/**
 * Satoshis that must stay confirmed on chain for one channel, in a coin whose spending they pay for: what its
 * commitment, the child that raises it, and its HTLC transactions cost when every HTLC is taken by a transaction of its
 * own. Zero in a format whose transactions pay for themselves.
 *
 * @ldk lightning::util::anchor_channel_reserves::get_reserve_per_channel
 */
export function reservePerChannel(terms: AnchorReserveTerms, name: FormatName): Sat {
  const { input } = walletWeights(terms);
  const reserve = reserveWithoutCoin(terms, name);
  return reserve === 0n ? zeroSat : plus(reserve, feeAtMost(terms, input));
}

/**
 * How many channels of one format the coins can serve when all close at once. Coins that are too small for a channel
 * alone count half: selection may take up to twice of what it needs.
 *
 * @ldk lightning::util::anchor_channel_reserves::get_supportable_anchor_channels
 */
export function supportableAnchorChannels(
  terms: AnchorReserveTerms,
  coins: readonly ReserveCoin[],
  name: FormatName,
): number {
  const reserve = reserveWithoutCoin(terms, name);
  if (reserve === 0n) return Number.POSITIVE_INFINITY;
  const worths = coins.map((coin) => worthOf(terms, coin));
  const whole = worths.filter((worth) => worth >= reserve).length;
  const fractions = sum(worths.filter((worth) => worth < reserve));
  return whole + Number(fractions / reserve / 2n);
}

/**
 * Whether the coins suffice for the channels at hand and one more. `spending` is what else will go from the coins: the
 * funding of the new channel, when the same wallet pays it.
 *
 * @ldk lightning::util::anchor_channel_reserves::can_support_additional_anchor_channel
 */
export function canSupportAdditionalAnchorChannel(
  terms: AnchorReserveTerms,
  coins: readonly ReserveCoin[],
  channels: {
    readonly atHand: readonly FormatName[];
    readonly additional: FormatName;
    readonly spending?: Sat;
  },
): Result<undefined, AnchorReserveRefusal> {
  const { additional, spending = zeroSat } = channels;
  const more = reservePerChannel(terms, additional);
  if (more === 0n) return ok(undefined);
  const atHand = channels.atHand.filter((name) => reservePerChannel(terms, name) > 0n);
  const reserved = anchorReserve(terms, atHand);
  const needed = sum([reserved, more, spending]);
  // Each channel's reserve has the fee of a coin in it.
  const available = sum(coins.map(({ output }) => output.value));
  if (available < needed) return err({ kind: "insufficient-anchor-reserve", needed, available, reserved });
  if (terms.sharesCoins) return ok(undefined);
  const all = [...atHand, additional];
  const supportable = servedAtOnce(terms, coins, all);
  return supportable < all.length
    ? err({ kind: "too-few-coins", supportable, channels: all.length })
    : ok(undefined);
}

/** What these channels need together: a wallet's spending must leave as much. */
export function anchorReserve(terms: AnchorReserveTerms, channels: readonly FormatName[]): Sat {
  return sum(channels.map((name) => reservePerChannel(terms, name)));
}

/**
 * Whether a wallet's coins may still be wanted for the channel: until it is settled that our commitment is not the one,
 * or what was contested of it is spent. Claims on a peer's commitment pay for themselves.
 */
export function needsAnchorReserve({ setup, chain }: ChannelMonitor, tip: number): boolean {
  if (paysForItself(formatOf(setup.params.format))) return false;
  const { fundingSpend, spends } = chain;
  if (fundingSpend === undefined || !isFinal(fundingSpend.height, tip)) return true;
  if (fundingSpend.spender.kind !== "holder-commitment") return false;
  const contested = fundingSpend.outputs.filter(isContested).length;
  return contested > spends.filter(({ height }) => isFinal(height, tip)).length;
}

/**
 * How many of the channels can be served: each by the smallest coin that suffices, others by twice as much of the rest.
 */
function servedAtOnce(
  terms: AnchorReserveTerms,
  coins: readonly ReserveCoin[],
  channels: readonly FormatName[],
): number {
  const reserves = channels.map((name) => reserveWithoutCoin(terms, name)).sort(ascending);
  const worths = coins.map((coin) => worthOf(terms, coin)).sort(ascending);
  let served = 0;
  let fractions: bigint = 0n;
  for (const worth of worths) {
    const reserve = reserves[served];
    if (reserve === undefined) break;
    if (worth >= reserve) served++;
    else fractions += worth;
  }
  for (const reserve of reserves.slice(served)) {
    if (fractions < 2n * reserve) break;
    fractions -= 2n * reserve;
    served++;
  }
  return served;
}

function reserveWithoutCoin(terms: AnchorReserveTerms, name: FormatName): Sat {
  const format = formatOf(name);
  if (paysForItself(format)) return zeroSat;
  const { weights, maxAcceptedHtlcs } = format;
  const { commitment, htlcOutput, htlcSuccess, htlcTimeout } = weights;
  const { input, output, dust } = walletWeights(terms);
  const htlcs = Math.min(terms.expectedAcceptedHtlcs, maxAcceptedHtlcs);
  const anchor = format.anchor(key);
  const anchorInput =
    inputWeight + witnessSize(anchor === undefined ? [] : [signature, anchor.witnessScript]);
  const child = emptyWeight + anchorInput + output;
  const perHtlc = 2 * htlcOutput + htlcSuccess + htlcTimeout + 2 * (input + output);
  return plus(feeAtMost(terms, commitment + child + htlcs * perHtlc), dust);
}

function paysForItself({ feerateBasis }: CommitmentFormat): boolean {
  return feerateBasis === "full";
}

function walletWeights({ isTaprootWallet }: AnchorReserveTerms): (typeof coinWeights)["p2wpkh"] {
  return isTaprootWallet ? coinWeights.p2tr : coinWeights.p2wpkh;
}

/** What is left of a coin when its own input is paid for. */
function worthOf(terms: AnchorReserveTerms, { output, satisfactionWeight }: ReserveCoin): Sat {
  const cost = feeAtMost(terms, 4 * 40 + satisfactionWeight);
  return output.value > cost ? sat(output.value - cost) : zeroSat;
}

function feeAtMost({ upperBoundFeerate }: AnchorReserveTerms, weight: number): Sat {
  return sat((upperBoundFeerate * BigInt(weight) + 999n) / 1000n);
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { outPointKey } from "@fulmen/bitcoin/primitives";
import { htlcKey } from "../commitment/htlc.ts";
import type { PaymentHash } from "../util/ids.ts";
import { type Msat, minus, plus, type Sat, satToMsat, zeroMsat, zeroSat } from "../util/units.ts";
import type { FundingSpend, FundingSpender } from "./chainView.ts";
import { type ChannelMonitor, preimageOf } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { isContested } from "./commitmentOutputs.ts";
import { secondStageOutputs } from "./confirmations.ts";
import { isOn } from "./htlcTable.ts";
import { maturingOutputs } from "./spendableOutputs.ts";
import { holderCommitments } from "./validCommitments.ts";

/** Why funds wait for confirmations. @ldk lightning::chain::channelmonitor::BalanceSource */
export type BalanceSource = "holder-force-closed" | "counterparty-force-closed" | "coop-close" | "htlc";

/**
 * Funds of a channel that are or may become ours, in whole satoshis.
 *
 * @ldk lightning::chain::channelmonitor::Balance
 */
export type Balance =
  /** The channel is open: our share if our commitment were published now, its fee taken off when we pay it. */
  | {
      readonly kind: "claimable-on-channel-close";
      readonly amount: Sat;
      /** The fee that is taken off. */
      readonly transactionFee: Sat;
      /** What HTLCs lose to the fee: those that have no output, whole, and of the others the parts of a satoshi. */
      readonly outboundHtlcRounded: Msat;
      /** The same of incoming HTLCs whose preimage we know. */
      readonly inboundClaimingHtlcRounded: Msat;
      /** The same of the other incoming ones. */
      readonly inboundHtlcRounded: Msat;
    }
  /** On chain and nobody else's: to be spent from block `confirmationHeight` on. */
  | {
      readonly kind: "claimable-awaiting-confirmations";
      readonly amount: Sat;
      readonly confirmationHeight: number;
      readonly source: BalanceSource;
    }
  /** An incoming HTLC on chain whose preimage we know: ours unless the peer takes it back after `timeoutHeight`. */
  | {
      readonly kind: "contentious-claimable";
      readonly amount: Sat;
      readonly timeoutHeight: number;
      readonly paymentHash: PaymentHash;
      readonly paymentPreimage: Uint8Array;
    }
  /** An HTLC of ours: back with us from `claimableHeight` on unless the peer has the preimage. */
  | {
      readonly kind: "maybe-timeout-claimable-htlc";
      readonly amount: Sat;
      readonly claimableHeight: number;
      readonly paymentHash: PaymentHash;
    }
  /** An incoming HTLC: ours if we learn the preimage before `expiryHeight`. */
  | {
      readonly kind: "maybe-preimage-claimable-htlc";
      readonly amount: Sat;
      readonly expiryHeight: number;
      readonly paymentHash: PaymentHash;
    }
  /** An output of a commitment that the peer revoked and published all the same. */
  | { readonly kind: "counterparty-revoked-output-claimable"; readonly amount: Sat };

/**
 * What is to be had of a channel, each satoshi counted once. Outputs that are mature and were handed over are the
 * user's, and left out. `destination` is the script to which our claims pay.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitor::get_claimable_balances
 */
export function claimableBalances(monitor: ChannelMonitor, destination: Uint8Array): readonly Balance[] {
  const { fundingSpend } = monitor.chain;
  return fundingSpend === undefined
    ? openBalances(monitor)
    : closedBalances(monitor, fundingSpend, destination);
}

function openBalances(monitor: ChannelMonitor): readonly Balance[] {
  const [commitment] = holderCommitments(monitor);
  if (commitment === undefined) return [];
  const { built, number } = commitment;
  const balances: Balance[] = [];
  const values = new Map(built.htlcs.map((one) => [htlcKey(one), one.value]));
  let amount = built.toOwner?.value ?? zeroSat;
  const rounded = { outgoing: zeroMsat, claiming: zeroMsat, incoming: zeroMsat };
  for (const { htlc, key, local } of monitor.rows) {
    if (!isOn(local, number)) continue;
    const value = values.get(key) ?? zeroSat;
    const balance = htlcBalance(monitor, htlc, value);
    const isClaiming = balance.kind === "contentious-claimable";
    const group = isClaiming ? "claiming" : htlc.direction;
    rounded[group] = plus(rounded[group], minus(htlc.amount, satToMsat(value)));
    if (isClaiming) amount = plus(amount, value);
    else if (value > 0n) balances.push(balance);
  }
  return [
    {
      kind: "claimable-on-channel-close",
      amount,
      transactionFee: monitor.setup.params.isOpener ? built.fee : zeroSat,
      outboundHtlcRounded: rounded.outgoing,
      inboundClaimingHtlcRounded: rounded.claiming,
      inboundHtlcRounded: rounded.incoming,
    },
    ...balances,
  ];
}

/**
 * What a confirmed spend of the funding leaves us: outputs that are ours alone until they are handed over, and those
 * that are contested until somebody has taken them.
 */
function closedBalances(
  monitor: ChannelMonitor,
  spend: FundingSpend,
  destination: Uint8Array,
): readonly Balance[] {
  const { kind } = spend.spender;
  const gone = new Set(monitor.handedOver.map(outPointKey));
  const balances: Balance[] = [];
  for (const { descriptor, matureHeight } of maturingOutputs(monitor, destination)) {
    const { outPoint, output } = descriptor;
    if (gone.has(outPointKey(outPoint)) || output.value === 0n) continue;
    const source = outPoint.txid === spend.txid ? sourceOf(kind) : "htlc";
    const { value: amount } = output;
    balances.push({
      kind: "claimable-awaiting-confirmations",
      amount,
      confirmationHeight: matureHeight,
      source,
    });
  }
  const spent = new Set(monitor.chain.spends.map(({ outPoint }) => outPointKey(outPoint)));
  for (const output of spend.outputs) {
    if (!isContested(output) || spent.has(outPointKey(output.outPoint))) continue;
    const { value } = output;
    if (output.kind === "revoked")
      balances.push({ kind: "counterparty-revoked-output-claimable", amount: value });
    else balances.push(htlcBalance(monitor, output.htlc, value));
  }
  if (kind !== "revoked-commitment") return balances;
  for (const { outPoint, output } of secondStageOutputs(monitor.chain.spends)) {
    if (spent.has(outPointKey(outPoint))) continue;
    balances.push({ kind: "counterparty-revoked-output-claimable", amount: output.value });
  }
  return balances;
}

function sourceOf(kind: FundingSpender["kind"]): BalanceSource {
  switch (kind) {
    case "holder-commitment":
    case "lost-holder-commitment":
      return "holder-force-closed";
    case "cooperative-close":
      return "coop-close";
    case "counterparty-commitment":
    case "revoked-commitment":
    case "future-commitment":
    case "unknown-commitment":
      return "counterparty-force-closed";
  }
}

function htlcBalance(monitor: ChannelMonitor, htlc: MonitoredHtlc, amount: Sat): Balance {
  const { paymentHash, cltvExpiry } = htlc;
  if (htlc.direction === "outgoing") {
    return { kind: "maybe-timeout-claimable-htlc", amount, claimableHeight: cltvExpiry, paymentHash };
  }
  const paymentPreimage = preimageOf(monitor, paymentHash);
  if (paymentPreimage === undefined) {
    return { kind: "maybe-preimage-claimable-htlc", amount, expiryHeight: cltvExpiry, paymentHash };
  }
  return { kind: "contentious-claimable", amount, timeoutHeight: cltvExpiry, paymentHash, paymentPreimage };
}

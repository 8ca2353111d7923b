import { equalBytes } from "../util/bytes.ts";
import type { PaymentHash } from "../util/ids.ts";
import { msatToSat, plus, type Sat, sum, zeroSat } from "../util/units.ts";
import type { FundingSpend } from "./chainView.ts";
import { type ChannelMonitor, preimageOf } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { antiReorgDelay } from "./deadlines.ts";
import { isOn } from "./htlcTable.ts";
import { penaltyOutputs } from "./penalty.ts";
import { holderCommitments } from "./validCommitments.ts";

/** Why funds wait for confirmations. @ldk lightning::chain::channelmonitor::BalanceSource */
export type BalanceSource = "holder-force-closed" | "counterparty-force-closed" | "coop-close";

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
 * What is to be had of a channel, each satoshi counted once. Outputs on chain that were spent already are left out,
 * and so is our balance on a commitment of which no more is known than its number.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitor::get_claimable_balances
 */
export function claimableBalances(monitor: ChannelMonitor): readonly Balance[] {
  const { fundingSpend } = monitor.chain;
  return fundingSpend === undefined ? openBalances(monitor) : closedBalances(monitor, fundingSpend);
}

function openBalances(monitor: ChannelMonitor): readonly Balance[] {
  const [commitment] = holderCommitments(monitor);
  if (commitment === undefined) return [];
  const { built, number } = commitment;
  const balances: Balance[] = [];
  let amount = built.toOwner?.value ?? zeroSat;
  for (const row of monitor.rows) {
    if (!isOn(row.local, number)) continue;
    const balance = htlcBalance(monitor, row.htlc, msatToSat(row.htlc.amount));
    if (balance.kind === "contentious-claimable") amount = plus(amount, balance.amount);
    else balances.push(balance);
  }
  const transactionFee = monitor.setup.params.isOpener ? built.fee : zeroSat;
  return [{ kind: "claimable-on-channel-close", amount, transactionFee }, ...balances];
}

function closedBalances(monitor: ChannelMonitor, spend: FundingSpend): readonly Balance[] {
  const { spender, transaction, height } = spend;
  const spent = new Set(monitor.chain.spends.map(({ outputIndex }) => outputIndex));
  const matured = height + antiReorgDelay - 1;
  const balances: Balance[] = [];
  const ours = (amount: Sat, source: BalanceSource, confirmationHeight = matured): void => {
    if (amount > 0n) {
      balances.push({ kind: "claimable-awaiting-confirmations", amount, confirmationHeight, source });
    }
  };
  switch (spender.kind) {
    case "holder-commitment": {
      const { toSelfDelay } = monitor.setup.params.remote;
      const { toOwner } = spender.commitment.built;
      ours(toOwner?.value ?? zeroSat, "holder-force-closed", Math.max(matured, height + toSelfDelay - 1));
      break;
    }
    case "counterparty-commitment":
      ours(spender.commitment.built.toOther?.value ?? zeroSat, "counterparty-force-closed");
      break;
    case "revoked-commitment": {
      for (const { index, value } of penaltyOutputs(monitor, { ...spender, transaction })) {
        if (!spent.has(index))
          balances.push({ kind: "counterparty-revoked-output-claimable", amount: value });
      }
      return balances;
    }
    case "cooperative-close": {
      const { shutdownScript } = monitor;
      if (shutdownScript === undefined) return [];
      const paid = transaction.outputs.filter(({ script }) => equalBytes(script, shutdownScript));
      ours(sum(paid.map(({ value }) => value)), "coop-close");
      return balances;
    }
    case "future-commitment":
    case "unknown-commitment":
      return [];
  }
  for (const { outputIndex, htlc } of spend.contested) {
    const value = transaction.outputs[outputIndex]?.value;
    if (htlc === undefined || value === undefined || spent.has(outputIndex)) continue;
    balances.push(htlcBalance(monitor, htlc, value));
  }
  return balances;
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

import { type Balance, type ChannelMonitor, claimableBalances } from "@fulmen/lightning/onchain";
import { type ChannelId, msat, satToMsat } from "@fulmen/lightning/util";
import type { PendingBalance, PendingReason } from "../api/balances.ts";
import { isStateLost, phaseOf, type StoredParts } from "../parts/index.ts";

type ClosingParts = Pick<StoredParts, "manager" | "chainMonitor" | "sweeper" | "wallet">;

/** Where the claims of closed channels pay to. */
export interface Destination {
  readonly destination: Uint8Array;
}

/**
 * What closed channels still owe us, each satoshi once: on the chain and not mature, contested, or on its way to the
 * wallet. What the wallet knows of is the wallet's.
 */
export function closingBalances(
  parts: ClosingParts,
  { destination }: Destination,
  isDiscarded: (id: ChannelId) => boolean,
): readonly PendingBalance[] {
  const { manager, chainMonitor } = parts;
  const channels = manager.listChannels();
  const open = new Set(channels.flatMap((one) => (phaseOf(one) === "closed" ? [] : [one.channelId])));
  const lost = new Set(channels.flatMap((one) => (isStateLost(one) ? [one.channelId] : [])));
  const found: PendingBalance[] = [];
  for (const monitor of chainMonitor.monitors()) {
    const { channelId } = monitor.setup;
    if (open.has(channelId) || isDiscarded(channelId)) continue;
    for (const balance of claimableBalances(monitor, destination)) {
      const pending = pendingOf(balance, monitor, lost.has(channelId));
      if (pending !== undefined) found.push(pending);
    }
  }
  return [...found, ...sweeping(parts)];
}

function sweeping({ sweeper, wallet }: ClosingParts): readonly PendingBalance[] {
  return sweeper.trackedSpendableOutputs().flatMap(({ channelId, descriptor, status }) => {
    const isTaken = status.kind === "pending-threshold-confirmations";
    const isInWallet = status.kind !== "pending-initial-broadcast" && wallet.isActive(status.spendingTxid);
    if (isTaken || isInWallet) return [];
    const amount = satToMsat(descriptor.output.value);
    const explanation =
      status.kind === "pending-initial-broadcast"
        ? "final and ours; a transaction takes it to the wallet when that is worth its fee"
        : "final and ours; the transaction that takes it to the wallet was broadcast";
    return [{ reason: "sweep", amount, ...(channelId && { channelId }), explanation }];
  });
}

function pendingOf(balance: Balance, monitor: ChannelMonitor, isLost: boolean): PendingBalance | undefined {
  const { channelId } = monitor.setup;
  const amount = satToMsat(balance.amount);
  const pending = (
    reason: PendingReason,
    explanation: string,
    more: Pick<PendingBalance, "height" | "paymentHash"> = {},
  ): PendingBalance | undefined =>
    amount === 0n ? undefined : { reason, amount: msat(amount), channelId, ...more, explanation };
  switch (balance.kind) {
    case "claimable-on-channel-close": {
      if (isLost)
        return pending(
          "their-force-close",
          "our share by the last state that is known here; a newer one is lost, and what is ours now will be known when " +
            "the peer has published its commitment",
        );
      const reason = monitor.lock === undefined ? "cooperative-close" : "our-force-close";
      return pending(reason, "our share; the transaction that closes the channel waits for a block");
    }
    case "claimable-awaiting-confirmations": {
      const height = balance.confirmationHeight;
      const [reason, text] = sources[balance.source];
      return pending(reason, `${text}; ours to spend from block ${height} on`, { height });
    }
    case "contentious-claimable": {
      const { timeoutHeight: height, paymentHash } = balance;
      const text = `a payment to us that was under way; our claim must be in a block before ${height}`;
      return pending("htlc-claim", text, { height, paymentHash });
    }
    case "maybe-timeout-claimable-htlc": {
      const { claimableHeight: height, paymentHash } = balance;
      const text = `a payment that was under way; it comes back from block ${height} on unless it arrived`;
      return pending("htlc-timeout", text, { height, paymentHash });
    }
    case "maybe-preimage-claimable-htlc":
      return undefined;
    case "counterparty-revoked-output-claimable":
      return pending("penalty", "the peer published a commitment that it had revoked: we take this from it");
  }
}

const sources: Readonly<
  Record<
    Extract<Balance, { kind: "claimable-awaiting-confirmations" }>["source"],
    readonly [PendingReason, string]
  >
> = {
  "holder-force-closed": ["our-force-close", "our share of a commitment that we published"],
  "counterparty-force-closed": ["their-force-close", "our share of a commitment that the peer published"],
  "coop-close": ["cooperative-close", "our share of a channel that was closed in agreement"],
  htlc: ["htlc-claim", "a payment that was settled on the chain"],
};

import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { isContested } from "./commitmentOutputs.ts";
import { secondStageOutputs } from "./confirmations.ts";
import { antiReorgDelay } from "./deadlines.ts";
import { maturingOutputs } from "./spendableOutputs.ts";

/**
 * The height at which nothing was left of a closed channel: what closed it is final, whatever was contested is spent
 * for good, and what is ours was handed over. `undefined` while something is open.
 *
 * A channel that nobody ever used and that holds nothing for us is resolved as soon as it is closed, at height 0:
 * whether its funding confirms or not, there is nothing to claim, to lose or to punish.
 */
export function resolvedAt(monitor: ChannelMonitor, destination: Uint8Array): number | undefined {
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return isUnused(monitor) ? 0 : undefined;
  const spent = new Map(spends.map((spend) => [outPointKey(spend.outPoint), spend.height]));
  const handedOver = new Set(monitor.handedOver.map(outPointKey));
  let last = fundingSpend.height + antiReorgDelay - 1;
  const contested = fundingSpend.outputs.filter(isContested).map(({ outPoint }) => outPoint);
  if (fundingSpend.spender.kind === "revoked-commitment") {
    for (const { outPoint } of secondStageOutputs(spends)) contested.push(outPoint);
  }
  for (const outPoint of contested) {
    const height = spent.get(outPointKey(outPoint));
    if (height === undefined) return undefined;
    last = Math.max(last, height + antiReorgDelay - 1);
  }
  for (const { descriptor, matureHeight } of maturingOutputs(monitor, destination)) {
    if (!handedOver.has(outPointKey(descriptor.outPoint))) return undefined;
    last = Math.max(last, matureHeight);
  }
  return last;
}

function isUnused({ lock, holder, counterparty, rows, shutdownScript }: ChannelMonitor): boolean {
  if (lock === undefined || shutdownScript !== undefined) return false;
  const isFirst = holder.number === 0 && counterparty.every(({ number }) => number === 0);
  const isEmpty = holder.commitments.every(({ toLocal }) => toLocal === 0n);
  return isFirst && isEmpty && rows.length === 0;
}

import { outPointKey } from "@fulmen/bitcoin/primitives";
import { htlcKey } from "../commitment/htlc.ts";
import type { FundingSpender } from "./chainView.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { isContested } from "./commitmentOutputs.ts";
import { firstDue, isFinal } from "./deadlines.ts";
import type { MonitorEvent } from "./watch.ts";

/**
 * What the chain up to height `tip` says that others must know, as far as the monitor knows it. Preimages are told at
 * once; that an HTLC of ours is lost to the peer only when what says so is final.
 *
 * An HTLC is named by the one output that stands for it, never found by its hash: several may share that.
 */
export function monitorEvents(monitor: ChannelMonitor, tip: number): readonly MonitorEvent[] {
  const { fundingSpend, spends } = monitor.chain;
  const { channelId } = monitor.setup;
  const events: MonitorEvent[] = [];
  const due = monitor.lock?.cause === "deadline" ? firstDue(monitor) : undefined;
  if (due !== undefined) {
    events.push({ kind: "holder-force-closed", channelId, paymentHash: due.paymentHash });
  }
  if (fundingSpend === undefined) return events;
  if (fundingSpend.spender.kind === "cooperative-close") {
    events.push({ kind: "cooperative-close-confirmed", channelId });
    return events;
  }
  events.push({ kind: "commitment-confirmed", channelId });
  if (!isKnown(fundingSpend.spender)) return events;
  const outputs = new Map<string, string>();
  for (const { htlc, outPoint } of fundingSpend.outputs.filter(isContested)) {
    if (htlc !== undefined) outputs.set(htlcKey(htlc), outPointKey(outPoint));
  }
  const byOutPoint = new Map(spends.map((spend) => [outPointKey(spend.outPoint), spend]));
  for (const { key, htlc } of monitor.rows) {
    if (htlc.direction !== "outgoing") continue;
    const output = outputs.get(key);
    const decisive = output === undefined ? fundingSpend : byOutPoint.get(output);
    if (decisive === undefined) continue;
    if ("preimage" in decisive && decisive.preimage !== undefined) {
      events.push({ kind: "preimage-seen", channelId, htlcId: htlc.id, preimage: decisive.preimage });
    } else if (isFinal(decisive.height, tip)) {
      events.push({ kind: "htlc-timed-out", channelId, htlcId: htlc.id });
    }
  }
  return events;
}

/** Whether the outputs of the commitment could be told apart. */
function isKnown({ kind }: FundingSpender): boolean {
  return kind === "holder-commitment" || kind === "counterparty-commitment" || kind === "revoked-commitment";
}

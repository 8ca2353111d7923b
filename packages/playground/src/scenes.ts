import type { FormatName } from "@fulmen/lightning/commitment";
import { formatShortChannelId, type PaymentHash, type PaymentId, sat } from "@fulmen/lightning/util";
import type { Narrator } from "./narrator.ts";
import type { Network } from "./network/network.ts";
import type { PlaygroundNode } from "./network/playgroundNode.ts";
import { satText, short } from "./text.ts";

/** Those who act: Bob is in the middle. */
export interface Cast {
  readonly network: Network;
  readonly alice: PlaygroundNode;
  readonly bob: PlaygroundNode;
  readonly carol: PlaygroundNode;
}

export interface OpenChannel {
  readonly from: PlaygroundNode;
  readonly to: PlaygroundNode;
  readonly channelId: string;
}

/** `from` opens a channel that it pays for with its wallet; it is ready when its funding is confirmed. */
export async function openChannel(
  from: PlaygroundNode,
  to: PlaygroundNode,
  {
    funding,
    format,
    narrator,
  }: { readonly funding: bigint; readonly format: FormatName; readonly narrator: Narrator },
): Promise<OpenChannel> {
  const { nodeId } = await to.info();
  const pending = await narrator.act(
    async () => {
      const temporaryId = await from.call("open", { nodeId, funding: sat(funding), format });
      return from.event(["channel-pending"], (event) => event.formerTemporaryChannelId === temporaryId);
    },
    ({ channelId }) =>
      `${from.name} → ${to.name}  ${satText(funding)}  ${format}  channel ${short(channelId)}`,
  );
  return { from, to, channelId: pending.channelId };
}

/** How a payment ended: the truth is in the events. */
export async function outcomeOf(
  payer: PlaygroundNode,
  paymentId: PaymentId,
): Promise<
  { readonly kind: "sent"; readonly feePaid: bigint } | { readonly kind: "failed"; readonly text: string }
> {
  const ends = ["payment-sent", "payment-failed"] as const;
  const end = await payer.event(ends, (event) => event.paymentId === paymentId);
  if (end.kind === "payment-sent") return { kind: "sent", feePaid: end.feePaid };
  return { kind: "failed", text: whyFailed(payer, end.paymentHash, end.reason) };
}

function whyFailed(payer: PlaygroundNode, paymentHash: PaymentHash, reason: string): string {
  const lines: string[] = [];
  for (const event of payer.events) {
    if (event.kind !== "payment-path-failed" || event.paymentHash !== paymentHash) continue;
    const { failureName = "an unreadable failure", shortChannelId } = event;
    const at = shortChannelId === undefined ? "" : ` at channel ${formatShortChannelId(shortChannelId)}`;
    lines.push(`${failureName}${at}`);
  }
  const attempts = lines.length === 0 ? "" : `${lines.join(", then ")}; `;
  return `${attempts}${payer.name} gives up: ${reason}`;
}

import type { BroadcasterInterface } from "@fulmen/lightning/chain";
import type { BumpTransactionEvent } from "@fulmen/lightning/onchain";

/**
 * Broadcasts commitments that pay nothing, which monitors leave to a wallet, and these nodes have none: the refusal
 * brings them to `BorderNetwork.payForCommitments`.
 */
export function publishUnpaid(
  events: readonly BumpTransactionEvent[],
  broadcaster: BroadcasterInterface,
): void {
  for (const event of events) {
    if (event.kind !== "channel-close" || event.commitmentFee > 0n) continue;
    broadcaster.broadcastTransactions([event.commitment], "unilateral-close");
  }
}

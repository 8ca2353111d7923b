import type { Side } from "#src/commitment/keys";
import type { ChannelMonitor } from "#src/onchain/channelMonitor";
import { isOn } from "#src/onchain/htlcTable";
import { counterpartyCommitment, holderCommitments } from "#src/onchain/validCommitments";
import { present } from "#src/util/invariant";

/** Millisatoshis of HTLCs of this direction that are on the latest commitment of `side` without an output. */
export function trimmedAmounts(
  monitor: ChannelMonitor,
  side: Side,
  direction: "incoming" | "outgoing",
): bigint {
  const theirs = present(monitor.counterparty.at(-1), "the peer's commitment");
  const { number } = side === "local" ? monitor.holder : theirs;
  const built =
    side === "local"
      ? holderCommitments(monitor)
      : theirs.commitments.map((one) => counterpartyCommitment(monitor, theirs, one));
  const shown = new Set(
    built.flatMap(({ built: { htlcs } }) => htlcs.map((htlc) => `${htlc.direction} ${htlc.id}`)),
  );
  let sum = 0n;
  for (const row of monitor.rows) {
    const { htlc } = row;
    if (htlc.direction !== direction || !isOn(row[side], number)) continue;
    if (!shown.has(`${direction} ${htlc.id}`)) sum += htlc.amount;
  }
  return sum;
}

import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { readObscuredNumber } from "../commitment/obscuredNumber.ts";
import { secretFor } from "../crypto/shachain.ts";
import type { FundingSpender } from "./chainView.ts";
import { type ChannelMonitor, oldestCounterpartyNumber } from "./channelMonitor.ts";
import { counterpartyCommitment, holderCommitments } from "./validCommitments.ts";

/**
 * Says what `transaction`, which spends the funding output, is: by its txid where that is known, by the number that
 * it carries otherwise (BOLT 5, "Unilateral Close Handling", "Revoked Transaction Close Handling").
 *
 * A commitment that we revoked ourselves cannot be told from one that the peer revoked by the number alone. It is
 * taken for the peer's; no output of it is then found to be claimable.
 */
export function identifyFundingSpend(monitor: ChannelMonitor, transaction: Transaction): FundingSpender {
  const id = txid(transaction);
  const ours = monitor.holder.commitments.findIndex((one) => one.txid === id);
  const holder = ours < 0 ? undefined : holderCommitments(monitor)[ours];
  if (holder !== undefined) return { kind: "holder-commitment", commitment: holder };
  for (const theirs of monitor.counterparty) {
    const balances = theirs.commitments.find((one) => one.txid === id);
    if (balances !== undefined) {
      const commitment = counterpartyCommitment(monitor, theirs, balances);
      return { kind: "counterparty-commitment", commitment };
    }
  }
  const number = readObscuredNumber(monitor.setup.params, transaction);
  if (number === undefined) return { kind: "cooperative-close" };
  const secret = number < oldestCounterpartyNumber(monitor) ? secretFor(monitor.secrets, number) : undefined;
  if (secret !== undefined) return { kind: "revoked-commitment", number, secret };
  const newest = monitor.counterparty.at(-1)?.number ?? number;
  return { kind: number > newest ? "future-commitment" : "unknown-commitment", number };
}

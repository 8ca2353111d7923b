import type { FormatName } from "#src/commitment/params";
import type { CommitmentName, PartyName, PlannedHtlc } from "./channelStates.ts";

/** All amounts in satoshis. What BOLT 3 makes of a channel's balances, reckoned without the kit. */
export interface LedgerCommitment {
  /** The main outputs. */
  readonly main: Readonly<Record<PartyName, bigint>>;
  /** The HTLC outputs, in no order. */
  readonly htlcs: readonly bigint[];
  /** Values of the anchors: each side's, or the one for anyone. */
  readonly anchors: readonly bigint[];
  /** What miners get for the commitment. */
  readonly fee: bigint;
}

const dustLimit = 546n;

/** Weights as BOLT 3 expects them: the commitment, an HTLC on it, HTLC-timeout, HTLC-success; and what anchors cost. */
const formats = {
  "static-remotekey": { base: 724n, htlc: 172n, timeout: 663n, success: 703n, anchors: [] },
  "anchors-zero-fee-htlc": { base: 1124n, htlc: 172n, timeout: 0n, success: 0n, anchors: [330n, 330n] },
  "zero-fee-commitments": { base: 0n, htlc: 0n, timeout: 0n, success: 0n, anchors: [] },
} as const satisfies Record<FormatName, unknown>;

/** The commitment of one side on a channel of which each side had half when it began. */
export function ledgerCommitment(channel: {
  readonly format: FormatName;
  readonly capacity: bigint;
  /** Per 1,000 weight units. */
  readonly feerate: bigint;
  readonly opener: PartyName;
  readonly commitment: CommitmentName;
  readonly htlcs: readonly PlannedHtlc[];
}): LedgerCommitment {
  const { format, capacity, feerate, opener, commitment } = channel;
  const weights = formats[format];
  const owner: PartyName = commitment === "ours" ? "us" : "them";
  const balance = { us: capacity * 500n, them: capacity * 500n };
  const htlcs: bigint[] = [];
  for (const htlc of channel.htlcs) {
    const where = htlc.on[commitment];
    if (where === "sender") continue;
    balance[htlc.from] -= htlc.amount;
    if (where === "receiver") balance[htlc.from === "us" ? "them" : "us"] += htlc.amount;
    else {
      const stage = htlc.from === owner ? weights.timeout : weights.success;
      const value = htlc.amount / 1000n;
      if (value >= dustLimit + (stage * feerate) / 1000n) htlcs.push(value);
    }
  }
  const fee = ((weights.base + weights.htlc * BigInt(htlcs.length)) * feerate) / 1000n;
  const main = { us: balance.us / 1000n, them: balance.them / 1000n };
  const anchors: bigint[] = [...weights.anchors];
  main[opener] -= fee + total(anchors);
  const left = capacity - main.us - main.them - total(htlcs) - total(anchors);
  if (format === "zero-fee-commitments") {
    const shared = left < 240n ? left : 240n;
    return { main, htlcs, anchors: [shared], fee: left - shared };
  }
  return { main, htlcs, anchors, fee: left };
}

export function total(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}

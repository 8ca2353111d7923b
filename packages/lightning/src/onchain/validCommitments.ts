import type { Transaction } from "@fulmen/bitcoin/transaction";
import { buildCommitment } from "../commitment/build.ts";
import type { FundingOutput } from "../commitment/funding.ts";
import { commitmentKeys, type Side } from "../commitment/keys.ts";
import { fundingWitness, withWitness } from "../commitment/signatures.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { CommitmentNumber, OutPoint } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import type { ValidCommitment } from "./chainView.ts";
import type { ChannelMonitor, CounterpartyCommitment, HolderCommitment } from "./channelMonitor.ts";
import type { CommitmentBalances, MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { isOn } from "./htlcTable.ts";

/** Our latest commitment, once for each funding. */
export function holderCommitments(monitor: ChannelMonitor): readonly ValidCommitment[] {
  const { holder } = monitor;
  return holder.commitments.map((balances) => rebuild(monitor, "local", { commitment: holder, balances }));
}

/** One of the commitments that the peer may broadcast, as it was signed. */
export function counterpartyCommitment(
  monitor: ChannelMonitor,
  commitment: CounterpartyCommitment,
  balances: CommitmentBalances,
): ValidCommitment {
  return rebuild(monitor, "remote", { commitment, balances });
}

/**
 * Our latest commitment, one of `holderCommitments`, ready to be broadcast; `undefined` when the signer will not or
 * cannot sign now. Only for monitors whose lock is durable.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitor::broadcast_latest_holder_commitment_txn
 */
export function signedHolderCommitment(
  monitor: ChannelMonitor,
  { number, funding, built }: ValidCommitment,
  signer: Pick<ChannelSigner, "sign">,
): Transaction | undefined {
  invariant(monitor.lock?.broadcast === true, "our commitment is not to be broadcast");
  const theirs = monitor.holder.commitments.find(({ txid }) => txid === built.txid);
  invariant(theirs !== undefined && monitor.holder.number === number, "a commitment that is not our latest");
  const answer = signer.sign({ kind: "holder-commitment", number, funding, built });
  if (answer?.kind !== "holder-commitment") return undefined;
  return withWitness(built.transaction, fundingWitness(funding, answer.signature, theirs.signature));
}

/** HTLCs on the commitment `number` of `side`, which is not revoked. */
export function htlcsOf(
  monitor: ChannelMonitor,
  side: Side,
  number: CommitmentNumber,
): readonly MonitoredHtlc[] {
  return monitor.rows.filter((row) => isOn(row[side], number)).map(({ htlc }) => htlc);
}

/** The funding output that is spent by `outPoint`'s spender, or `undefined` when it is none of this channel's. */
export function fundingOf(monitor: ChannelMonitor, outPoint: OutPoint): FundingOutput | undefined {
  const { funding } = monitor.setup;
  const { txid, index } = funding.outPoint;
  return outPoint.txid === txid && outPoint.index === index ? funding : undefined;
}

function rebuild(
  monitor: ChannelMonitor,
  side: Side,
  of: {
    readonly commitment: HolderCommitment | CounterpartyCommitment;
    readonly balances: CommitmentBalances;
  },
): ValidCommitment {
  const { params } = monitor.setup;
  const { number, point, feerate } = of.commitment;
  const { toLocal, toRemote, txid } = of.balances;
  const funding = fundingOf(monitor, of.balances.funding);
  invariant(funding !== undefined, "a commitment on an unknown funding output");
  const keys = commitmentKeys(params, side, point);
  const spec = { feerate, toLocal, toRemote, htlcs: htlcsOf(monitor, side, number) };
  const built = buildCommitment({ params, side, funding, number, keys, spec });
  invariant(built.txid === txid, `commitment ${number} rebuilt as ${built.txid}, signed as ${txid}`);
  return { side, number, funding, built };
}

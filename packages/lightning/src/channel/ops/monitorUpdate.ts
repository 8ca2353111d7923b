import type {
  Commitments,
  FirstSigned,
  HtlcSignature,
  LocalCommitment,
} from "../../commitment/commitments.ts";
import type { Htlc, HtlcInterval } from "../../commitment/htlc.ts";
import { htlcKey } from "../../commitment/htlc.ts";
import { specOf } from "../../commitment/spec.ts";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  CommitmentBalances,
  HtlcChanges,
  MonitoredHtlc,
  UpdateRef,
} from "../../onchain/channelMonitorUpdate.ts";
import type { CommitmentNumber, Txid } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import type { FundedChannel } from "../state.ts";

/** The channel's next monitor update, and the channel that counts it. */
export function nextUpdate(
  channel: FundedChannel,
  steps: readonly ChannelMonitorUpdateStep[],
  after: readonly UpdateRef[] = [],
): { channel: FundedChannel; update: ChannelMonitorUpdate } {
  const updateId = channel.lastUpdateId + 1;
  return {
    channel: { ...channel, lastUpdateId: updateId },
    update: { channelId: channel.commitments.channelId, updateId, steps, after },
  };
}

/**
 * Our commitment `localNumber`; `signed` is what the peer signed of it, for each funding. `left` are rows that this
 * step took off the table.
 */
export function holderCommitmentStep(
  commitments: Commitments,
  signed: readonly LocalCommitment[],
  left: readonly Htlc[],
): ChannelMonitorUpdateStep {
  const number = commitments.localNumber;
  const specs = commitments.fundings.map((funding) => specOf(commitments, funding, "local", number));
  return {
    kind: "holder-commitment",
    number,
    point: commitments.localPoints[0],
    feerate: present(specs[0], "a funding").feerate,
    htlcs: changesAt(commitments, left, { side: "local", number }),
    commitments: commitments.fundings.map((_, i) => {
      const { txid, signature, htlcSignatures } = present(signed[i], "a signature for each funding");
      return {
        ...balances(commitments, i, { txid, spec: present(specs[i], "a spec") }),
        signature,
        htlcSignatures: inOrder(htlcSignatures),
      };
    }),
  };
}

/** By direction and id, as they are stored: monitors are the same before and after a restart. */
function inOrder(signatures: readonly HtlcSignature[]): readonly HtlcSignature[] {
  return [...signatures].sort((a, b) => {
    if (a.direction !== b.direction) return a.direction === "incoming" ? -1 : 1;
    return a.id < b.id ? -1 : 1;
  });
}

/** The peer's commitment that we just signed. */
export function counterpartyCommitmentStep(
  commitments: Commitments,
  left: readonly Htlc[],
): ChannelMonitorUpdateStep {
  const signed = present(commitments.remoteNext, "a signed commitment");
  return {
    kind: "counterparty-commitment",
    number: signed.number,
    point: present(commitments.remoteNextPoint, "the peer's next point"),
    feerate: signed.feerate,
    htlcs: changesAt(commitments, left, { side: "remote", number: signed.number }),
    commitments: commitments.fundings.map((funding, i) =>
      balances(commitments, i, {
        txid: present(funding.remoteNextTxid, "a signed txid"),
        spec: specOf(commitments, funding, "remote", signed.number),
      }),
    ),
  };
}

/** A monitor's first update: both sides' first commitments, for the one funding. */
export function firstUpdate(
  commitments: Commitments,
  { local, remoteTxid }: FirstSigned,
): ChannelMonitorUpdate {
  const number = commitments.remoteNumber;
  const specs = commitments.fundings.map((funding) => specOf(commitments, funding, "remote", number));
  const counterparty: ChannelMonitorUpdateStep = {
    kind: "counterparty-commitment",
    number,
    point: commitments.remotePoint,
    feerate: present(specs[0], "a funding").feerate,
    htlcs: { entered: [], left: [] },
    commitments: [balances(commitments, 0, { txid: remoteTxid, spec: present(specs[0], "a spec") })],
  };
  const steps = [holderCommitmentStep(commitments, [local], []), counterparty];
  return { channelId: commitments.channelId, updateId: 1, steps, after: [] };
}

function balances(
  commitments: Commitments,
  index: number,
  { txid, spec }: { readonly txid: Txid; readonly spec: ReturnType<typeof specOf> },
): CommitmentBalances {
  const funding = present(commitments.fundings[index], "a funding");
  return { funding: funding.outPoint, txid, toLocal: spec.toLocal, toRemote: spec.toRemote };
}

function changesAt(
  commitments: Commitments,
  left: readonly Htlc[],
  at: { readonly side: "local" | "remote"; readonly number: CommitmentNumber },
): HtlcChanges {
  const entered: MonitoredHtlc[] = [];
  const gone: string[] = [];
  const visit = (htlc: Htlc): void => {
    const interval: HtlcInterval = htlc[at.side];
    if (interval.entered === at.number) entered.push(monitored(htlc));
    if (interval.left === at.number) gone.push(htlcKey(htlc));
  };
  commitments.htlcs.forEach(visit);
  left.forEach(visit);
  return { entered, left: gone };
}

function monitored({ direction, id, amount, paymentHash, cltvExpiry }: Htlc): MonitoredHtlc {
  return { direction, id, amount, paymentHash, cltvExpiry };
}

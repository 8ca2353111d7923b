import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { ScriptHashOutput } from "../commitment/format.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { commitmentKeys } from "../commitment/keys.ts";
import { type RemoteOutput, remoteOutputs } from "../commitment/remoteOutputs.ts";
import { perCommitmentPoint } from "../crypto/keyDerivation.ts";
import { type Point, toHex } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Sat } from "../util/units.ts";
import type { FundingSpender } from "./chainView.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { remoteHtlcsAt } from "./htlcTable.ts";

/** A commitment that the peer revoked and published all the same. */
export interface RevokedCommitment {
  readonly transaction: Transaction;
  readonly number: CommitmentNumber;
  /** The per-commitment secret that the peer revealed. */
  readonly secret: Uint8Array;
}

/** An output of a revoked commitment that the secret makes ours. */
export interface PenaltyOutput {
  readonly index: number;
  readonly value: Sat;
  readonly witnessScript: Uint8Array;
  /** As in `RemoteOutput`: `offered` and `received` by the peer. */
  readonly kind: RemoteOutput["kind"];
  readonly htlc?: MonitoredHtlc;
}

/**
 * All outputs of a revoked commitment that its secret makes ours, in output order. Our own balance, `to_remote`, is
 * not among them: nobody contests it.
 *
 * Outputs that share a script are told apart by their values, and twins by BOLT 3's order of outputs: by expiry.
 */
export function penaltyOutputs(
  monitor: ChannelMonitor,
  revoked: RevokedCommitment,
): readonly PenaltyOutput[] {
  const { params } = monitor.setup;
  const keys = commitmentKeys(params, "remote", perCommitmentPoint(revoked.secret));
  const htlcs = [...remoteHtlcsAt(monitor, revoked.number)].sort(byExpiryAndId);
  const candidates = new Map<string, RemoteOutput[]>();
  for (const output of remoteOutputs(params, keys, htlcs)) {
    const script = toHex(output.script);
    const sharing = candidates.get(script);
    if (sharing === undefined) candidates.set(script, [output]);
    else sharing.push(output);
  }
  const found: PenaltyOutput[] = [];
  for (const [index, { script, value }] of revoked.transaction.outputs.entries()) {
    const sharing = candidates.get(toHex(script));
    const [first] = sharing ?? [];
    if (sharing === undefined || first === undefined) continue;
    const at = sharing.findIndex((one) => one.kind !== "to-local" && one.value === value);
    const [match = first] = at < 0 ? [] : sharing.splice(at, 1);
    const { kind, witnessScript } = match;
    found.push({ index, value, witnessScript, kind, ...(match.kind !== "to-local" && { htlc: match.htlc }) });
  }
  return found;
}

/**
 * How the peer's own balance on a revoked commitment is locked, and every output of an HTLC transaction that it makes
 * there; `undefined` for any other spender of the funding.
 */
export function revokedDelayedOutput(
  { setup }: ChannelMonitor,
  spender: FundingSpender,
): ScriptHashOutput | undefined {
  if (spender.kind !== "revoked-commitment") return undefined;
  return delayedOutput(setup, perCommitmentPoint(spender.secret));
}

/** The same on any commitment of the peer: one that is valid when it confirms may turn out to be revoked. */
export function counterpartyDelayedOutput(
  { setup, counterparty }: ChannelMonitor,
  spender: FundingSpender,
): ScriptHashOutput | undefined {
  if (spender.kind === "revoked-commitment") return delayedOutput(setup, perCommitmentPoint(spender.secret));
  if (spender.kind !== "counterparty-commitment") return undefined;
  const { number } = spender.commitment;
  const { point } = present(
    counterparty.find((one) => one.number === number),
    "the peer's commitment",
  );
  return delayedOutput(setup, point);
}

function delayedOutput({ params }: ChannelMonitor["setup"], point: Point): ScriptHashOutput {
  const keys = commitmentKeys(params, "remote", point);
  return formatOf(params.format).toLocal(keys, params.local.toSelfDelay);
}

function byExpiryAndId(a: MonitoredHtlc, b: MonitoredHtlc): number {
  if (a.cltvExpiry !== b.cltvExpiry) return a.cltvExpiry - b.cltvExpiry;
  return a.id < b.id ? -1 : 1;
}

import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BuiltHtlc } from "../commitment/build.ts";
import type { OutputScript, ScriptHashOutput } from "../commitment/format.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { htlcKey } from "../commitment/htlc.ts";
import { commitmentKeys } from "../commitment/keys.ts";
import { equalBytes, type Point } from "../util/bytes.ts";
import type { OutPoint, Txid } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { CommitmentOutput, ContestedOutput, FundingSpender, ValidCommitment } from "./chainView.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { penaltyOutputs } from "./penalty.ts";
import { htlcsOf } from "./validCommitments.ts";

export function isContested(output: CommitmentOutput): output is ContestedOutput {
  return output.kind !== "delayed" && output.kind !== "payment";
}

/**
 * What of `transaction`, which spent the funding output as `spender` says, is or may become ours (BOLT 5, "Unilateral
 * Close Handling", "Revoked Transaction Close Handling"). Each HTLC is bound to one output here, once and for all: two
 * may share hash and amount.
 */
export function commitmentOutputs(
  monitor: ChannelMonitor,
  of: { readonly transaction: Transaction; readonly txid: Txid; readonly spender: FundingSpender },
): readonly CommitmentOutput[] {
  const { transaction, txid, spender } = of;
  const at = (index: number): OutPoint => ({ txid, index });
  switch (spender.kind) {
    case "holder-commitment": {
      const { toOwner } = spender.commitment.built;
      const outputs = htlcOutputs(monitor, spender.commitment).map(
        ([htlc, built]): CommitmentOutput => ({
          kind: "holder-htlc",
          outPoint: at(built.outputIndex),
          value: built.value,
          htlc,
          built,
        }),
      );
      if (toOwner === undefined) return outputs;
      return [{ kind: "delayed", outPoint: at(toOwner.index), value: toOwner.value }, ...outputs];
    }
    case "counterparty-commitment": {
      const { toOther } = spender.commitment.built;
      const outputs = htlcOutputs(monitor, spender.commitment).map(
        ([htlc, { outputIndex, value, witnessScript }]): CommitmentOutput => ({
          kind: "counterparty-htlc",
          outPoint: at(outputIndex),
          value,
          htlc,
          witnessScript,
        }),
      );
      if (toOther === undefined) return outputs;
      return [{ kind: "payment", outPoint: at(toOther.index), value: toOther.value }, ...outputs];
    }
    case "revoked-commitment": {
      const revoked = penaltyOutputs(monitor, { ...spender, transaction }).map(
        ({ index, value, witnessScript, htlc }): CommitmentOutput => ({
          kind: "revoked",
          outPoint: at(index),
          value,
          witnessScript,
          ...(htlc && { htlc }),
        }),
      );
      return [...outputsTo(paymentScript(monitor.setup), "payment", of), ...revoked];
    }
    case "lost-holder-commitment":
      return outputsTo(holderDelayedLock(monitor.setup, spender.point), "delayed", of);
    case "future-commitment":
    case "unknown-commitment":
      return outputsTo(paymentScript(monitor.setup), "payment", of);
    case "cooperative-close":
      return [];
  }
}

/** The HTLC outputs of a commitment, each with its HTLC. */
function htlcOutputs(
  monitor: ChannelMonitor,
  { side, number, built }: ValidCommitment,
): readonly (readonly [MonitoredHtlc, BuiltHtlc])[] {
  const htlcs = new Map(htlcsOf(monitor, side, number).map((htlc) => [htlcKey(htlc), htlc]));
  return built.htlcs.map((one) => [present(htlcs.get(htlcKey(one)), "the HTLC of an output"), one]);
}

/** Our balance, known by its script alone. */
function outputsTo(
  { script }: OutputScript,
  kind: "delayed" | "payment",
  { transaction, txid }: { readonly transaction: Transaction; readonly txid: Txid },
): readonly CommitmentOutput[] {
  return transaction.outputs.flatMap((output, index): readonly CommitmentOutput[] => {
    if (!equalBytes(output.script, script)) return [];
    return [{ kind, outPoint: { txid, index }, value: output.value }];
  });
}

/** How our balance and the outputs of HTLC transactions are locked on the commitment of ours that has this point. */
export function holderDelayedLock({ params }: ChannelMonitor["setup"], point: Point): ScriptHashOutput {
  return formatOf(params.format).toLocal(commitmentKeys(params, "local", point), params.remote.toSelfDelay);
}

/** Whether a commitment pays a balance to the peer's own key, as only ours do. */
export function paysPeer({ params, basepoints }: ChannelMonitor["setup"], { outputs }: Transaction): boolean {
  const { script } = formatOf(params.format).toRemote(commitmentKeys(params, "local", basepoints.payment));
  return outputs.some((output) => equalBytes(output.script, script));
}

/** BOLT 3, "`to_remote` Output", on the peer's commitments: whatever their number, the script has none of its keys. */
export function paymentScript({ params, basepoints }: ChannelMonitor["setup"]): OutputScript {
  const anyPoint: Point = basepoints.payment;
  return formatOf(params.format).toRemote(commitmentKeys(params, "remote", anyPoint));
}

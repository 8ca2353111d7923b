import { compareBytes, fromHex } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import { minus, minusOrZero, msatToSat, plus, type Sat, sum } from "../util/units.ts";
import type { CommitmentFormat, HtlcScripts, OutputScript, ScriptHashOutput, SecondStage } from "./format.ts";
import type { FundingOutput } from "./funding.ts";
import type { HtlcDirection } from "./htlc.ts";
import { type CommitmentKeys, ownerOf, type Side } from "./keys.ts";
import type { ChannelParams } from "./params.ts";
import type { CommitmentSpec, SpecHtlc } from "./spec.ts";

/** All that one commitment transaction is made of. */
export interface CommitmentTerms {
  readonly params: ChannelParams;
  readonly side: Side;
  readonly funding: FundingOutput;
  readonly number: CommitmentNumber;
  /** Those of this side and number: `commitmentKeys`. */
  readonly keys: CommitmentKeys;
  readonly spec: CommitmentSpec;
}

/** Whether the commitment's owner offered the HTLC, and so takes it back by timeout. */
export function stageOf(side: Side, direction: HtlcDirection): SecondStage {
  return (side === "local") === (direction === "outgoing") ? "timeout" : "success";
}

/** The outputs that are not HTLCs. */
export type MainOutput = "toOwner" | "toOther" | "ownerAnchor" | "otherAnchor" | "sharedAnchor";

/** A main output or an anchor in its place. */
export interface PlacedMain extends OutputScript {
  readonly kind: MainOutput;
  readonly value: Sat;
}

/** An HTLC output in its place. */
export interface PlacedHtlc extends ScriptHashOutput {
  readonly kind: "htlc";
  readonly value: Sat;
  readonly stage: SecondStage;
  readonly htlc: SpecHtlc;
}

export type Placed = PlacedMain | PlacedHtlc;

/**
 * The outputs of a commitment in their order (BOLT 3, "Commitment Transaction Construction"). `delayed` gives the
 * owner's delayed output script.
 */
export function placeOutputs(
  terms: CommitmentTerms,
  format: CommitmentFormat,
  delayed: () => OutputScript,
): readonly Placed[] {
  const { params, side, funding, keys, spec } = terms;
  const { dustLimit } = ownerOf(params, side);
  const outputs: Placed[] = placeHtlcs(terms, format);
  const untrimmed = outputs.length;
  const cost = plus(format.anchorsCost, format.commitmentFee(spec.feerate, untrimmed));
  const toLocal = msatToSat(spec.toLocal);
  const toRemote = msatToSat(spec.toRemote);
  const local = params.isOpener ? minusOrZero(toLocal, cost) : toLocal;
  const remote = params.isOpener ? toRemote : minusOrZero(toRemote, cost);
  const ours = side === "local";
  const toOwner = ours ? local : remote;
  const toOther = ours ? remote : local;
  if (toOwner >= dustLimit) outputs.push({ kind: "toOwner", value: toOwner, ...delayed() });
  if (toOther >= dustLimit) outputs.push({ kind: "toOther", value: toOther, ...format.toRemote(keys) });
  const ownerAnchor = format.anchor(ours ? funding.localKey : funding.remoteKey);
  const otherAnchor = format.anchor(ours ? funding.remoteKey : funding.localKey);
  if (ownerAnchor !== undefined && (toOwner >= dustLimit || untrimmed > 0)) {
    outputs.push({ kind: "ownerAnchor", ...ownerAnchor });
  }
  if (otherAnchor !== undefined && (toOther >= dustLimit || untrimmed > 0)) {
    outputs.push({ kind: "otherAnchor", ...otherAnchor });
  }
  const rest = (): Sat => minus(funding.capacity, sum(outputs.map(({ value }) => value)));
  const sharedAnchor = format.sharedAnchor(rest);
  if (sharedAnchor !== undefined) outputs.push({ kind: "sharedAnchor", ...sharedAnchor });
  return outputs.sort(byBip69);
}

function placeHtlcs({ params, side, keys, spec }: CommitmentTerms, format: CommitmentFormat): PlacedHtlc[] {
  const { dustLimit } = ownerOf(params, side);
  let scripts: HtlcScripts | undefined;
  const thresholds = {
    timeout: format.trimThreshold("timeout", spec.feerate, dustLimit),
    success: format.trimThreshold("success", spec.feerate, dustLimit),
  };
  const placed: PlacedHtlc[] = [];
  for (const htlc of spec.htlcs) {
    const stage = stageOf(side, htlc.direction);
    const value = msatToSat(htlc.amount);
    if (value < thresholds[stage]) continue;
    const hash = fromHex(htlc.paymentHash);
    scripts ??= format.htlcScripts(keys);
    const output = stage === "timeout" ? scripts.offered(hash) : scripts.received(hash, htlc.cltvExpiry);
    placed.push({ kind: "htlc", value, ...output, stage, htlc });
  }
  return placed;
}

/** BOLT 3, "Transaction Output Ordering". Twins that differ in nothing but the id are kept in one order. */
function byBip69(a: Placed, b: Placed): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  const byScript = compareBytes(a.script, b.script);
  if (byScript !== 0 || a.kind !== "htlc" || b.kind !== "htlc") return byScript;
  if (a.htlc.cltvExpiry !== b.htlc.cltvExpiry) return a.htlc.cltvExpiry - b.htlc.cltvExpiry;
  return a.htlc.id < b.htlc.id ? -1 : 1;
}

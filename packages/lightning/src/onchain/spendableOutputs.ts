import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import { formatOf } from "../commitment/formats/formatOf.ts";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import { equalBytes, type Point } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { CommitmentOutput, FundingSpend, FundingSpender } from "./chainView.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { paymentScript } from "./commitmentOutputs.ts";
import { antiReorgDelay } from "./deadlines.ts";

/** An output that is ours alone, and when it can be handed over. */
export interface MaturingOutput {
  readonly descriptor: SpendableOutputDescriptor;
  /** The height at which it is final and its delay is over: a transaction in the next block can spend it. */
  readonly matureHeight: number;
}

/** Every output on the chain that is ours alone, or will be: whether it was handed over already or not. */
export function maturingOutputs(monitor: ChannelMonitor, destination: Uint8Array): readonly MaturingOutput[] {
  const { fundingSpend } = monitor.chain;
  if (fundingSpend === undefined) return [];
  if (fundingSpend.spender.kind === "cooperative-close") return closingOutputs(monitor, fundingSpend);
  const balances = fundingSpend.outputs.flatMap((output) => balanceOutput(monitor, fundingSpend, output));
  return [...balances, ...spenderOutputs(monitor, fundingSpend, destination)];
}

/** Those that are mature at height `tip` and were not handed over yet. */
export function spendableOutputs(
  monitor: ChannelMonitor,
  tip: number,
  destination: Uint8Array,
): readonly SpendableOutputDescriptor[] {
  const known = new Set(monitor.handedOver.map(outPointKey));
  return maturingOutputs(monitor, destination)
    .filter(({ matureHeight }) => matureHeight <= tip)
    .map(({ descriptor }) => descriptor)
    .filter(({ outPoint }) => !known.has(outPointKey(outPoint)));
}

/** The monitor that has handed over these outputs, and does not tell of them again. */
export function handedOver(
  monitor: ChannelMonitor,
  outputs: readonly Pick<SpendableOutputDescriptor, "outPoint">[],
): ChannelMonitor {
  const outPoints = outputs.map(({ outPoint }) => outPoint);
  return { ...monitor, handedOver: [...monitor.handedOver, ...outPoints] };
}

function closingOutputs(
  { setup, shutdownScript }: ChannelMonitor,
  { txid, transaction, height }: FundingSpend,
): readonly MaturingOutput[] {
  if (shutdownScript === undefined) return [];
  const { channelKeysId } = setup;
  return transaction.outputs.flatMap((output, index): readonly MaturingOutput[] => {
    if (!equalBytes(output.script, shutdownScript)) return [];
    const descriptor = { kind: "static-output", outPoint: { txid, index }, output, channelKeysId } as const;
    return [{ descriptor, matureHeight: finalAt(height) }];
  });
}

function balanceOutput(
  monitor: ChannelMonitor,
  spend: FundingSpend,
  { kind, outPoint, value }: CommitmentOutput,
): readonly MaturingOutput[] {
  const { channelKeysId, params } = monitor.setup;
  switch (kind) {
    case "delayed":
      if (monitor.chain.spends.some((taken) => outPointKey(taken.outPoint) === outPointKey(outPoint)))
        return [];
      return [delayedOutput(monitor, spend, { outPoint, value, height: spend.height })];
    case "payment": {
      const { script, witnessScript } = paymentScript(monitor.setup);
      const descriptor = {
        kind: "static-payment-output",
        outPoint,
        output: { value, script },
        channelKeysId,
        sequence: formatOf(params.format).toRemoteSequence,
        ...(witnessScript && { witnessScript }),
      } as const;
      return [{ descriptor, matureHeight: finalAt(spend.height) }];
    }
    case "holder-htlc":
    case "counterparty-htlc":
    case "revoked":
      return [];
  }
}

/** What spenders of contested outputs gave us: one output may stem from many of them. */
function spenderOutputs(
  monitor: ChannelMonitor,
  fundingSpend: FundingSpend,
  destination: Uint8Array,
): readonly MaturingOutput[] {
  const { channelKeysId } = monitor.setup;
  const { spends } = monitor.chain;
  const spent = new Set(spends.map(({ outPoint }) => outPointKey(outPoint)));
  const found = new Map<string, MaturingOutput>();
  for (const { txid, height, output } of spends) {
    if (output === undefined) continue;
    const { kind, index, value } = output;
    const outPoint = { txid, index };
    if (kind === "ours") {
      const descriptor = {
        kind: "static-output",
        outPoint,
        output: { value, script: destination },
        channelKeysId,
      } as const;
      found.set(outPointKey(outPoint), { descriptor, matureHeight: finalAt(height) });
    } else if (fundingSpend.delayedLock !== undefined && !spent.has(outPointKey(outPoint))) {
      found.set(outPointKey(outPoint), delayedOutput(monitor, fundingSpend, { outPoint, value, height }));
    }
  }
  return [...found.values()];
}

/** The per-commitment point of a commitment of ours. */
export function holderPoint({ holder }: ChannelMonitor, spender: FundingSpender): Point | undefined {
  if (spender.kind === "lost-holder-commitment") return spender.point;
  return spender.kind === "holder-commitment" ? holder.point : undefined;
}

function delayedOutput(
  monitor: ChannelMonitor,
  { spender, delayedLock }: FundingSpend,
  of: { readonly outPoint: OutPoint; readonly value: TxOut["value"]; readonly height: number },
): MaturingOutput {
  const { outPoint, value, height } = of;
  const { params, channelKeysId } = monitor.setup;
  const { toSelfDelay } = params.remote;
  const { script, witnessScript } = present(delayedLock, "the lock of our commitment's outputs");
  const perCommitmentPoint = present(holderPoint(monitor, spender), "the point of our commitment");
  return {
    descriptor: {
      kind: "delayed-payment-output",
      outPoint,
      output: { value, script },
      channelKeysId,
      perCommitmentPoint,
      toSelfDelay,
      witnessScript,
    },
    matureHeight: Math.max(finalAt(height), height + toSelfDelay - 1),
  };
}

function finalAt(height: number): number {
  return height + antiReorgDelay - 1;
}

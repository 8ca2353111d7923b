import { crypto } from "@fulmen/bitcoin/crypto";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, type TxIn, txid } from "@fulmen/bitcoin/transaction";
import type { ScriptHashOutput } from "../commitment/format.ts";
import { equalBytes, fromHex, type Point } from "../util/bytes.ts";
import type { CommitmentNumber, OutPoint, Txid } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type {
  ChainView,
  Confirmation,
  ContestedSpend,
  FundingSpend,
  FundingSpender,
  SpenderOutput,
} from "./chainView.ts";
import { type ChannelMonitor, locked, oldestCounterpartyNumber } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { commitmentOutputs, holderDelayedLock, isContested, paysPeer } from "./commitmentOutputs.ts";
import { identifyFundingSpend } from "./identify.ts";
import { counterpartyDelayedOutput } from "./penalty.ts";
import { holderPoint } from "./spendableOutputs.ts";
import { fundingOf } from "./validCommitments.ts";

/** An output whose spender the monitor must see, and what it has to know of it then. */
export interface OutputToWatch {
  readonly outPoint: OutPoint;
  readonly script: Uint8Array;
}

/** An output whose spender matters, and how to tell what that did. */
interface WatchedSpend {
  readonly outPoint: OutPoint;
  readonly htlc?: MonitoredHtlc;
  /** The script of an HTLC transaction's output, where one could spend this output. */
  readonly secondStageScript?: Uint8Array;
}

/** What the funding transaction's spender is known by; the rest follows from the monitor. */
export type FundingSpendFacts = Omit<FundingSpend, "spender" | "outputs" | "delayedLock">;

/** The funding output, and what of the commitment that spent it and of HTLC transactions on it the peer may take. */
export function outputsToWatch(monitor: ChannelMonitor): readonly OutputToWatch[] {
  const { outPoint, script } = monitor.setup.funding;
  const watched: OutputToWatch[] = [{ outPoint, script }];
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return watched;
  for (const { outPoint } of outputsToFollow(fundingSpend)) {
    const { script } = present(fundingSpend.transaction.outputs[outPoint.index], "an output to follow");
    watched.push({ outPoint, script });
  }
  if (!followsSecondStages(fundingSpend)) return watched;
  const { script: delayedScript } = present(secondStageLock(monitor, fundingSpend), "how they are locked");
  for (const { outPoint } of secondStageOutputs(spends)) watched.push({ outPoint, script: delayedScript });
  return watched;
}

/** The outputs of HTLC transactions that are confirmed. */
export function secondStageOutputs(spends: readonly ContestedSpend[]): readonly {
  readonly outPoint: OutPoint;
  readonly spend: ContestedSpend;
  readonly output: SpenderOutput;
}[] {
  return spends.flatMap((spend) => {
    const { txid, output } = spend;
    if (output?.kind !== "second-stage") return [];
    return [{ outPoint: { txid, index: output.index }, spend, output }];
  });
}

/**
 * A block has `transaction`. The monitor that sees its funding output spent locks itself. Telling it twice, or what
 * does not concern it, changes nothing. `destination` is the script to which our claims pay.
 */
export function transactionConfirmed(
  monitor: ChannelMonitor,
  transaction: Transaction,
  at: Confirmation,
  destination: Uint8Array,
): ChannelMonitor {
  const spendsFunding = transaction.inputs.some(({ outPoint }) => fundingOf(monitor, outPoint) !== undefined);
  if (spendsFunding) {
    const { height, blockHash } = at;
    return fundingSpent(monitor, { height, blockHash, txid: txid(transaction), transaction });
  }
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  const watched = new Map(
    watchedSpends(monitor, fundingSpend).map((one) => [outPointKey(one.outPoint), one]),
  );
  const news = new Map<string, ContestedSpend>();
  for (const [inputIndex, input] of transaction.inputs.entries()) {
    const key = outPointKey(input.outPoint);
    const output = watched.get(key);
    if (output === undefined) continue;
    const preimage = shownPreimage(input, output.htlc);
    const made = spenderOutput(transaction, inputIndex, { output, destination });
    news.set(key, {
      ...at,
      outPoint: output.outPoint,
      txid: txid(transaction),
      ...(preimage && { preimage }),
      ...(made && { output: made }),
    });
  }
  for (const known of spends) {
    const key = outPointKey(known.outPoint);
    const told = news.get(key);
    if (told?.txid === known.txid && told.blockHash === known.blockHash) news.delete(key);
  }
  if (news.size === 0) return monitor;
  const others = spends.filter(({ outPoint }) => !news.has(outPointKey(outPoint)));
  return {
    ...monitor,
    chain: { fundingSpend, spends: withoutOrphans(fundingSpend, [...others, ...news.values()]) },
  };
}

/** The transaction is in no block any more. */
export function transactionUnconfirmed(monitor: ChannelMonitor, id: Txid): ChannelMonitor {
  return forget(monitor, (spend) => spend.txid === id);
}

/** The chain has no blocks above `height` any more. */
export function blocksDisconnected(monitor: ChannelMonitor, height: number): ChannelMonitor {
  return forget(monitor, (spend) => spend.height > height);
}

/** What the chain holds of a channel, from the facts that are stored: the rest follows from the monitor. */
export function restoredChainView(
  monitor: ChannelMonitor,
  spend: FundingSpendFacts | undefined,
  spends: readonly ContestedSpend[],
): ChainView {
  return spend === undefined ? { spends } : { fundingSpend: identified(monitor, spend), spends };
}

/**
 * After an update: the commitment that closed the channel is known to be revoked now, if the peer's revocation was
 * stored only after it was confirmed.
 */
export function withLateRevocation(monitor: ChannelMonitor): ChannelMonitor {
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend?.spender.kind !== "counterparty-commitment") return monitor;
  if (fundingSpend.spender.commitment.number >= oldestCounterpartyNumber(monitor)) return monitor;
  return { ...monitor, chain: restoredChainView(monitor, fundingSpend, spends) };
}

/**
 * The number of the commitment that closed the channel, when our records have none such: it may be ours all the same. One
 * before our latest was revoked, and is the peer's to take. By its number it can seem to be one that the peer has revoked,
 * but nothing is found on it then.
 */
export function strangeCommitment({ chain, holder }: ChannelMonitor): CommitmentNumber | undefined {
  const spend = chain.fundingSpend;
  const spender = spend?.spender;
  const isStrange =
    spender?.kind === "future-commitment" ||
    spender?.kind === "unknown-commitment" ||
    (spender?.kind === "revoked-commitment" && spend?.outputs.length === 0);
  return isStrange && spender.number > holder.number ? spender.number : undefined;
}

/**
 * Looks whether the strange commitment is ours, published before the records that had it were lost. `point` is our
 * per-commitment point of its number. The same monitor when it is not.
 */
export function withLostCommitment(monitor: ChannelMonitor, point: Point): ChannelMonitor {
  const number = strangeCommitment(monitor);
  const { fundingSpend, spends } = monitor.chain;
  if (number === undefined || fundingSpend === undefined) return monitor;
  const lost = spentBy(monitor, fundingSpend, { kind: "lost-holder-commitment", number, point });
  const isOurs = lost.outputs.length > 0 || paysPeer(monitor.setup, fundingSpend.transaction);
  return isOurs ? { ...monitor, chain: { fundingSpend: lost, spends } } : monitor;
}

/** Transactions that must be told of again when a reorganisation unconfirms them. */
export function relevantConfirmations(
  monitor: ChannelMonitor,
): readonly (Confirmation & { readonly txid: Txid })[] {
  const { fundingSpend, spends } = monitor.chain;
  const all = fundingSpend === undefined ? spends : [fundingSpend, ...spends];
  return all.map(({ txid, height, blockHash }) => ({ txid, height, blockHash }));
}

function fundingSpent(monitor: ChannelMonitor, spend: FundingSpendFacts): ChannelMonitor {
  const known = monitor.chain.fundingSpend;
  if (known?.txid === spend.txid) {
    if (known.blockHash === spend.blockHash) return monitor;
    return { ...monitor, chain: { ...monitor.chain, fundingSpend: { ...known, ...spend } } };
  }
  const fundingSpend = identified(monitor, spend);
  return { ...locked(monitor, false, "funding-spent"), chain: { fundingSpend, spends: [] } };
}

function identified(monitor: ChannelMonitor, spend: FundingSpendFacts): FundingSpend {
  return spentBy(monitor, spend, identifyFundingSpend(monitor, spend.transaction));
}

function spentBy(monitor: ChannelMonitor, spend: FundingSpendFacts, spender: FundingSpender): FundingSpend {
  const outputs = commitmentOutputs(monitor, { ...spend, spender });
  const point = holderPoint(monitor, spender);
  const delayedLock = point && holderDelayedLock(monitor.setup, point);
  return { ...spend, spender, outputs, ...(delayedLock && { delayedLock }) };
}

function watchedSpends(monitor: ChannelMonitor, fundingSpend: FundingSpend): readonly WatchedSpend[] {
  const secondStageScript = secondStageLock(monitor, fundingSpend)?.script;
  const watched = outputsToFollow(fundingSpend).map(({ outPoint, htlc }) => ({
    outPoint,
    ...(htlc && { htlc }),
    ...(secondStageScript && { secondStageScript }),
  }));
  if (!followsSecondStages(fundingSpend)) return watched;
  return [...watched, ...secondStageOutputs(monitor.chain.spends).map(({ outPoint }) => ({ outPoint }))];
}

/**
 * Those of the commitment. On one that we have lost any output may be an HTLC: nothing tells which, but what an HTLC
 * transaction of ours made of it is locked like our balance.
 */
function outputsToFollow({ spender, outputs, transaction, txid }: FundingSpend): readonly WatchedSpend[] {
  if (spender.kind === "lost-holder-commitment")
    return transaction.outputs.map((_, index) => ({ outPoint: { txid, index } }));
  return outputs.filter(isContested);
}

/** How outputs of HTLC transactions of the commitment's owner are locked. */
function secondStageLock(
  monitor: ChannelMonitor,
  { spender, delayedLock }: FundingSpend,
): ScriptHashOutput | undefined {
  return delayedLock ?? counterpartyDelayedOutput(monitor, spender);
}

/** Whether these are for the other side to take. A commitment that we have lost may have been revoked since. */
function followsSecondStages({ spender: { kind } }: FundingSpend): boolean {
  return kind === "revoked-commitment" || kind === "lost-holder-commitment";
}

/**
 * An HTLC transaction's output stands at the place of its input: there is but one of each, or the peer's signature
 * binds them together (`SIGHASH_SINGLE`).
 */
function spenderOutput(
  transaction: Transaction,
  inputIndex: number,
  of: { readonly output: WatchedSpend; readonly destination: Uint8Array },
): SpenderOutput | undefined {
  const { secondStageScript } = of.output;
  const beside = transaction.outputs[inputIndex];
  if (
    beside !== undefined &&
    secondStageScript !== undefined &&
    equalBytes(beside.script, secondStageScript)
  ) {
    return { kind: "second-stage", index: inputIndex, value: beside.value };
  }
  const index = transaction.outputs.findIndex(({ script }) => equalBytes(script, of.destination));
  const ours = transaction.outputs[index];
  return ours && { kind: "ours", index, value: ours.value };
}

/**
 * The preimage of an HTLC that we offered, whatever way the peer claimed it: it is an item of 32 bytes in the witness
 * (BOLT 5, "HTLC Output Handling: Local Commitment, Local Offers" and "Remote Commitment, Local Offers").
 */
function shownPreimage({ witness }: TxIn, htlc: MonitoredHtlc | undefined): Uint8Array | undefined {
  if (htlc?.direction !== "outgoing") return undefined;
  const hash = fromHex(htlc.paymentHash);
  return witness.find((item) => item.length === 32 && equalBytes(crypto().sha256(item), hash));
}

function forget(
  monitor: ChannelMonitor,
  isGone: (spend: Confirmation & { readonly txid: Txid }) => boolean,
): ChannelMonitor {
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  if (isGone(fundingSpend)) return reopened(monitor, fundingSpend.spender);
  const kept = withoutOrphans(
    fundingSpend,
    spends.filter((spend) => !isGone(spend)),
  );
  return kept.length === spends.length ? monitor : { ...monitor, chain: { fundingSpend, spends: kept } };
}

/**
 * What closed the channel is gone. The monitor stays locked, since it signed claims, and closes the channel itself
 * lest nobody does. A closing transaction is the manager's to publish again; and whoever knows a future commitment of
 * the peer, or was told not to publish, has an old one only.
 */
function reopened(monitor: ChannelMonitor, { kind }: FundingSpender): ChannelMonitor {
  const gone = { ...monitor, chain: { spends: [] } };
  const isOursToClose =
    monitor.lock?.cause === "funding-spent" &&
    (kind === "holder-commitment" || kind === "counterparty-commitment" || kind === "revoked-commitment");
  return isOursToClose ? locked(gone, true, "funding-spent") : gone;
}

/** Spends of outputs that exist: those of the commitment, and of HTLC transactions that are confirmed. */
function withoutOrphans(
  { txid }: FundingSpend,
  spends: readonly ContestedSpend[],
): readonly ContestedSpend[] {
  const existing = new Set([txid, ...spends.map((spend) => spend.txid)]);
  return spends.filter(({ outPoint }) => existing.has(outPoint.txid));
}

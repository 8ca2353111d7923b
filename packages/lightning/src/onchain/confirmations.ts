import { crypto } from "@fulmen/bitcoin/crypto";
import { type Transaction, type TxIn, txid } from "@fulmen/bitcoin/transaction";
import { htlcKey } from "../commitment/htlc.ts";
import { equalBytes, fromHex } from "../util/bytes.ts";
import type { OutPoint, Txid } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type {
  ChainView,
  Confirmation,
  ContestedOutput,
  ContestedSpend,
  FundingSpend,
  FundingSpender,
} from "./chainView.ts";
import { type ChannelMonitor, locked } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { isFinal } from "./deadlines.ts";
import { identifyFundingSpend } from "./identify.ts";
import { penaltyOutputs } from "./penalty.ts";
import { fundingOf, htlcsOf } from "./validCommitments.ts";
import type { MonitorEvent } from "./watch.ts";

/** Outputs whose spenders the monitor must see, with their scripts. */
export interface OutputToWatch {
  readonly outPoint: OutPoint;
  readonly script: Uint8Array;
}

/** The funding output, and what is contested of the commitment that spent it. */
export function outputsToWatch(monitor: ChannelMonitor): readonly OutputToWatch[] {
  const { outPoint, script } = monitor.setup.funding;
  const watched: OutputToWatch[] = [{ outPoint, script }];
  const { fundingSpend } = monitor.chain;
  if (fundingSpend === undefined) return watched;
  const { txid, transaction } = fundingSpend;
  for (const { outputIndex } of fundingSpend.contested) {
    const { script } = present(transaction.outputs[outputIndex], "a contested output");
    watched.push({ outPoint: { txid, index: outputIndex }, script });
  }
  return watched;
}

/**
 * A block has `transaction`. The monitor that sees its funding output spent locks itself. Telling it twice, or what
 * does not concern it, changes nothing.
 */
export function transactionConfirmed(
  monitor: ChannelMonitor,
  transaction: Transaction,
  at: Confirmation,
): ChannelMonitor {
  const id = txid(transaction);
  const spendsFunding = transaction.inputs.some(({ outPoint }) => fundingOf(monitor, outPoint) !== undefined);
  if (spendsFunding) return fundingSpent(monitor, { ...at, txid: id, transaction });
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  const contested = new Map(fundingSpend.contested.map((output) => [output.outputIndex, output]));
  const news: ContestedSpend[] = [];
  for (const input of transaction.inputs) {
    const { index } = input.outPoint;
    const output = input.outPoint.txid === fundingSpend.txid ? contested.get(index) : undefined;
    if (output === undefined) continue;
    const preimage = shownPreimage(input, output.htlc);
    const spend = { ...at, outputIndex: index, txid: id, ...(preimage && { preimage }) };
    if (!spends.some((known) => isSameSpend(known, spend))) news.push(spend);
  }
  if (news.length === 0) return monitor;
  const replaced = new Set(news.map(({ outputIndex }) => outputIndex));
  const others = spends.filter(({ outputIndex }) => !replaced.has(outputIndex));
  return { ...monitor, chain: { fundingSpend, spends: [...others, ...news] } };
}

/** The transaction is in no block any more. */
export function transactionUnconfirmed(monitor: ChannelMonitor, id: Txid): ChannelMonitor {
  return forget(monitor, (spend) => spend.txid === id);
}

/** The chain has no blocks above `height` any more. */
export function blocksDisconnected(monitor: ChannelMonitor, height: number): ChannelMonitor {
  return forget(monitor, (spend) => spend.height > height);
}

/**
 * What the chain up to height `tip` says that others must know, as far as the monitor knows it. Preimages are told at
 * once; that an HTLC of ours is lost to the peer only when what says so is final.
 *
 * An HTLC is named by the one output that stands for it, never found by its hash: several may share that.
 */
export function monitorEvents(monitor: ChannelMonitor, tip: number): readonly MonitorEvent[] {
  const { fundingSpend, spends } = monitor.chain;
  const { channelId } = monitor.setup;
  const events: MonitorEvent[] = [];
  if (monitor.lock?.cause === "deadline") events.push({ kind: "holder-force-closed", channelId });
  if (fundingSpend === undefined) return events;
  if (fundingSpend.spender.kind === "cooperative-close") {
    events.push({ kind: "cooperative-close-confirmed", channelId });
    return events;
  }
  events.push({ kind: "commitment-confirmed", channelId });
  if (!isKnown(fundingSpend.spender)) return events;
  const outputs = new Map<string, number>();
  for (const { htlc, outputIndex } of fundingSpend.contested) {
    if (htlc !== undefined) outputs.set(htlcKey(htlc), outputIndex);
  }
  const byOutput = new Map(spends.map((spend) => [spend.outputIndex, spend]));
  for (const { key, htlc } of monitor.rows) {
    if (htlc.direction !== "outgoing") continue;
    const outputIndex = outputs.get(key);
    const decisive = outputIndex === undefined ? fundingSpend : byOutput.get(outputIndex);
    if (decisive === undefined) continue;
    if ("preimage" in decisive && decisive.preimage !== undefined) {
      events.push({ kind: "preimage-seen", channelId, htlcId: htlc.id, preimage: decisive.preimage });
    } else if (isFinal(decisive.height, tip)) {
      events.push({ kind: "htlc-timed-out", channelId, htlcId: htlc.id });
    }
  }
  return events;
}

/** What the chain holds of a channel, from the facts that are stored: the rest follows from the monitor. */
export function restoredChainView(
  monitor: ChannelMonitor,
  spend: Omit<FundingSpend, "spender" | "contested"> | undefined,
  spends: readonly ContestedSpend[],
): ChainView {
  return spend === undefined ? { spends } : { fundingSpend: identified(monitor, spend), spends };
}

/** Transactions that must be told of again when a reorganisation unconfirms them. */
export function relevantConfirmations(
  monitor: ChannelMonitor,
): readonly (Confirmation & { readonly txid: Txid })[] {
  const { fundingSpend, spends } = monitor.chain;
  const all = fundingSpend === undefined ? spends : [fundingSpend, ...spends];
  return all.map(({ txid, height, blockHash }) => ({ txid, height, blockHash }));
}

function fundingSpent(
  monitor: ChannelMonitor,
  spend: Omit<FundingSpend, "spender" | "contested">,
): ChannelMonitor {
  const known = monitor.chain.fundingSpend;
  if (known?.txid === spend.txid) {
    if (known.blockHash === spend.blockHash) return monitor;
    return { ...monitor, chain: { ...monitor.chain, fundingSpend: { ...known, ...spend } } };
  }
  const fundingSpend = identified(monitor, spend);
  return { ...locked(monitor, false, "funding-spent"), chain: { fundingSpend, spends: [] } };
}

function identified(
  monitor: ChannelMonitor,
  spend: Omit<FundingSpend, "spender" | "contested">,
): FundingSpend {
  const { txid, transaction, height, blockHash } = spend;
  const spender = identifyFundingSpend(monitor, transaction);
  const contested = contestedOutputs(monitor, transaction, spender);
  return { txid, transaction, height, blockHash, spender, contested };
}

/** Which output of the confirmed commitment stands for which HTLC. */
function contestedOutputs(
  monitor: ChannelMonitor,
  transaction: Transaction,
  spender: FundingSpender,
): readonly ContestedOutput[] {
  switch (spender.kind) {
    case "holder-commitment":
    case "counterparty-commitment": {
      const { side, number, built } = spender.commitment;
      const htlcs = new Map(htlcsOf(monitor, side, number).map((htlc) => [htlcKey(htlc), htlc]));
      return built.htlcs.map((one) => ({
        outputIndex: one.outputIndex,
        htlc: present(htlcs.get(htlcKey(one)), "the HTLC of an output"),
      }));
    }
    case "revoked-commitment": {
      const { number, secret } = spender;
      return penaltyOutputs(monitor, { transaction, number, secret }).map(({ index, htlc }) => ({
        outputIndex: index,
        ...(htlc && { htlc }),
      }));
    }
    case "cooperative-close":
    case "future-commitment":
    case "unknown-commitment":
      return [];
  }
}

/** Whether the outputs of the commitment could be told apart. */
function isKnown({ kind }: FundingSpender): boolean {
  return kind === "holder-commitment" || kind === "counterparty-commitment" || kind === "revoked-commitment";
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

function isSameSpend(a: ContestedSpend, b: ContestedSpend): boolean {
  return a.outputIndex === b.outputIndex && a.txid === b.txid && a.blockHash === b.blockHash;
}

function forget(
  monitor: ChannelMonitor,
  isGone: (spend: Confirmation & { readonly txid: Txid }) => boolean,
): ChannelMonitor {
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  if (isGone(fundingSpend)) return { ...monitor, chain: { spends: [] } };
  const kept = spends.filter((spend) => !isGone(spend));
  return kept.length === spends.length ? monitor : { ...monitor, chain: { fundingSpend, spends: kept } };
}

import { crypto } from "@fulmen/bitcoin/crypto";
import { type Transaction, type TxIn, txid } from "@fulmen/bitcoin/transaction";
import { htlcKey } from "../commitment/htlc.ts";
import { equalBytes, fromHex } from "../util/bytes.ts";
import type { OutPoint, PaymentHash, Txid } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Confirmation, FundingSpend, FundingSpender, HtlcOutput, HtlcSpend } from "./chainView.ts";
import { type ChannelMonitor, locked } from "./channelMonitor.ts";
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

/** The funding output, and the HTLC outputs of the commitment that spent it. */
export function outputsToWatch(monitor: ChannelMonitor): readonly OutputToWatch[] {
  const { outPoint, script } = monitor.setup.funding;
  const watched: OutputToWatch[] = [{ outPoint, script }];
  const { fundingSpend } = monitor.chain;
  if (fundingSpend === undefined) return watched;
  const { txid, transaction } = fundingSpend;
  for (const { outputIndex } of fundingSpend.htlcs) {
    const { script } = present(transaction.outputs[outputIndex], "an HTLC's output");
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
  const { fundingSpend, htlcSpends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  const spends: HtlcSpend[] = [];
  for (const input of transaction.inputs) {
    if (input.outPoint.txid !== fundingSpend.txid) continue;
    const outputIndex = input.outPoint.index;
    const output = fundingSpend.htlcs.find((one) => one.outputIndex === outputIndex);
    if (output === undefined) continue;
    const preimage =
      output.htlc.direction === "outgoing" ? preimageIn(input, output.htlc.paymentHash) : undefined;
    spends.push({ ...at, outputIndex, txid: id, ...(preimage && { preimage }) });
  }
  const news = spends.filter((spend) => !htlcSpends.some((known) => isSameSpend(known, spend)));
  if (news.length === 0) return monitor;
  const replaced = new Set(news.map(({ outputIndex }) => outputIndex));
  const others = htlcSpends.filter(({ outputIndex }) => !replaced.has(outputIndex));
  return { ...monitor, chain: { fundingSpend, htlcSpends: [...others, ...news] } };
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
  const { fundingSpend, htlcSpends } = monitor.chain;
  const { channelId } = monitor.setup;
  const events: MonitorEvent[] = [];
  if (monitor.lock?.cause === "deadline") events.push({ kind: "holder-force-closed", channelId });
  if (fundingSpend === undefined || fundingSpend.spender.kind === "cooperative-close") return events;
  events.push({ kind: "commitment-confirmed", channelId });
  if (!isKnown(fundingSpend.spender)) return events;
  const outputs = new Map(fundingSpend.htlcs.map(({ htlc, outputIndex }) => [htlcKey(htlc), outputIndex]));
  const spends = new Map(htlcSpends.map((spend) => [spend.outputIndex, spend]));
  for (const { key, htlc } of monitor.rows) {
    if (htlc.direction !== "outgoing") continue;
    const outputIndex = outputs.get(key);
    const decisive = outputIndex === undefined ? fundingSpend : spends.get(outputIndex);
    if (decisive === undefined) continue;
    if ("preimage" in decisive && decisive.preimage !== undefined) {
      events.push({ kind: "preimage-seen", channelId, htlcId: htlc.id, preimage: decisive.preimage });
    } else if (isFinal(decisive.height, tip)) {
      events.push({ kind: "htlc-timed-out", channelId, htlcId: htlc.id });
    }
  }
  return events;
}

/** Transactions that must be told of again when a reorganisation unconfirms them. */
export function relevantConfirmations(
  monitor: ChannelMonitor,
): readonly (Confirmation & { readonly txid: Txid })[] {
  const { fundingSpend, htlcSpends } = monitor.chain;
  const all = fundingSpend === undefined ? htlcSpends : [fundingSpend, ...htlcSpends];
  return all.map(({ txid, height, blockHash }) => ({ txid, height, blockHash }));
}

function fundingSpent(
  monitor: ChannelMonitor,
  spend: Omit<FundingSpend, "spender" | "htlcs">,
): ChannelMonitor {
  const known = monitor.chain.fundingSpend;
  if (known?.txid === spend.txid) {
    if (known.blockHash === spend.blockHash) return monitor;
    return { ...monitor, chain: { ...monitor.chain, fundingSpend: { ...known, ...spend } } };
  }
  const spender = identifyFundingSpend(monitor, spend.transaction);
  const fundingSpend = { ...spend, spender, htlcs: htlcOutputs(monitor, spend.transaction, spender) };
  return { ...locked(monitor, false, "funding-spent"), chain: { fundingSpend, htlcSpends: [] } };
}

/** Which output of the confirmed commitment stands for which HTLC. */
function htlcOutputs(
  monitor: ChannelMonitor,
  transaction: Transaction,
  spender: FundingSpender,
): readonly HtlcOutput[] {
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
      return penaltyOutputs(monitor, { transaction, number, secret }).flatMap(({ index, htlc }) =>
        htlc === undefined ? [] : [{ outputIndex: index, htlc }],
      );
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

/** Whatever way the peer claims an HTLC: the preimage is an item of 32 bytes in the witness. */
function preimageIn({ witness }: TxIn, paymentHash: PaymentHash): Uint8Array | undefined {
  const hash = fromHex(paymentHash);
  return witness.find((item) => item.length === 32 && equalBytes(crypto().sha256(item), hash));
}

function isSameSpend(a: HtlcSpend, b: HtlcSpend): boolean {
  return a.outputIndex === b.outputIndex && a.txid === b.txid && a.blockHash === b.blockHash;
}

function forget(
  monitor: ChannelMonitor,
  isGone: (spend: Confirmation & { readonly txid: Txid }) => boolean,
): ChannelMonitor {
  const { fundingSpend, htlcSpends } = monitor.chain;
  if (fundingSpend === undefined) return monitor;
  if (isGone(fundingSpend)) return { ...monitor, chain: { htlcSpends: [] } };
  const kept = htlcSpends.filter((spend) => !isGone(spend));
  return kept.length === htlcSpends.length
    ? monitor
    : { ...monitor, chain: { fundingSpend, htlcSpends: kept } };
}

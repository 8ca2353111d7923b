import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Htlc, htlcKey } from "../commitment/htlc.ts";
import type { OutPoint, Txid } from "../util/ids.ts";
import { type FeeratePerKw, msatToSat, type Sat } from "../util/units.ts";
import type { ContestedSpend, FundingSpend, FundingSpender } from "./chainView.ts";
import { type ChannelMonitor, preimageOf } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { type Claimable, claimables } from "./claimable.ts";
import { isContested } from "./commitmentOutputs.ts";
import { secondStageOutputs } from "./confirmations.ts";
import { antiReorgDelay } from "./deadlines.ts";
import { type MaturingOutput, maturingOutputs } from "./spendableOutputs.ts";
import { htlcsOf } from "./validCommitments.ts";

/** What is at stake. */
export type TimelineSubject =
  /** The channel itself: what spends its funding. */
  | { readonly kind: "closing" }
  /** Our balance, on a commitment or in a closing transaction. */
  | { readonly kind: "balance" }
  /** An HTLC on the commitment that closed the channel. */
  | ({ readonly kind: "htlc" } & Pick<Htlc, "direction" | "id" | "paymentHash" | "cltvExpiry">)
  /** The peer's own balance on a commitment that it had revoked, or what an HTLC transaction on it gave. */
  | { readonly kind: "penalty" };

/** What has happened to it, or what it waits for. Heights are those of blocks. */
export type TimelineState =
  /**
   * Ours to take: the claim at `feerate` (since `setAt`; absent before the first) waits for a block until `deadline`.
   */
  | {
      readonly kind: "being-claimed";
      readonly feerate?: FeeratePerKw;
      readonly setAt?: number;
      /** Absent when nobody else can take it. */
      readonly deadline?: number;
    }
  /** Our commitment is not to be published: the peer's is awaited. */
  | { readonly kind: "waits-for-peer" }
  /** Ours to take from `height` on, unless the peer shows the preimage before. */
  | { readonly kind: "waits-for-expiry"; readonly height: number }
  /** Ours if we learn the preimage; the peer's from `until` on. */
  | { readonly kind: "waits-for-preimage"; readonly until: number }
  /** Ours: in the wallet's hands from `until` on, when it is final and its delay is over. */
  | { readonly kind: "maturing"; readonly txid: Txid; readonly until: number }
  /** It was told of as spendable. */
  | { readonly kind: "handed-over"; readonly txid: Txid; readonly outPoint: OutPoint }
  /**
   * The peer has it; final at `finalAt`. Of an HTLC that we offered, it has shown the preimage, or it was its penalty.
   */
  | { readonly kind: "taken-by-peer"; readonly txid: Txid; readonly height: number; readonly finalAt: number }
  /** Too small for an output: it went to the fee. */
  | { readonly kind: "trimmed"; readonly finalAt: number }
  /** A transaction that closes the channel is in a block; final at `finalAt`. */
  | {
      readonly kind: "closed";
      readonly by: FundingSpender["kind"];
      readonly txid: Txid;
      readonly height: number;
      readonly finalAt: number;
    };

/** One line of a channel's end. */
export interface TimelineEntry {
  readonly subject: TimelineSubject;
  readonly state: TimelineState;
  /** Absent for the closing itself. */
  readonly amount?: Sat;
}

/**
 * How far the end of a channel has come at height `tip`: first what closes it, then each thing at stake, with what it
 * waits for and until when, or what became of it. Empty while the channel is open. `destination` is the script to
 * which our claims pay.
 */
export function closeTimeline(
  monitor: ChannelMonitor,
  tip: number,
  destination: Uint8Array,
): readonly TimelineEntry[] {
  const { fundingSpend } = monitor.chain;
  if (fundingSpend === undefined) return monitor.lock === undefined ? [] : [closingEntry(monitor, tip)];
  const { txid, height, spender } = fundingSpend;
  const state = { kind: "closed", by: spender.kind, txid, height, finalAt: finalAt(height) } as const;
  const scene = sceneOf(monitor, fundingSpend, { tip, destination });
  return [
    { subject: { kind: "closing" }, state },
    ...balanceEntries(scene),
    ...outputEntries(scene),
    ...secondStageEntries(scene),
    ...trimmedEntries(scene),
  ];
}

/** What the entries are made from. */
interface Scene {
  readonly monitor: ChannelMonitor;
  readonly spend: FundingSpend;
  /** By `outPointKey`, as the next three. */
  readonly open: ReadonlyMap<string, Claimable>;
  readonly spends: ReadonlyMap<string, ContestedSpend>;
  readonly maturing: ReadonlyMap<string, MaturingOutput>;
  readonly handedOver: ReadonlySet<string>;
}

function sceneOf(
  monitor: ChannelMonitor,
  spend: FundingSpend,
  at: { readonly tip: number; readonly destination: Uint8Array },
): Scene {
  const outputs = maturingOutputs(monitor, at.destination);
  return {
    monitor,
    spend,
    open: new Map(claimables(monitor, at.tip).map((one) => [outPointKey(one.outPoint), one])),
    spends: new Map(monitor.chain.spends.map((one) => [outPointKey(one.outPoint), one])),
    maturing: new Map(outputs.map((one) => [outPointKey(one.descriptor.outPoint), one])),
    handedOver: new Set(monitor.handedOver.map(outPointKey)),
  };
}

function closingEntry(monitor: ChannelMonitor, tip: number): TimelineEntry {
  const [claimable] = claimables(monitor, tip);
  const subject = { kind: "closing" } as const;
  if (claimable === undefined) return { subject, state: { kind: "waits-for-peer" } };
  return { subject, state: claimedState(monitor, claimable) };
}

function balanceEntries(scene: Scene): readonly TimelineEntry[] {
  const { spend, maturing } = scene;
  const subject = { kind: "balance" } as const;
  const balances = spend.outputs.filter((output) => !isContested(output));
  const own = new Set(balances.map(({ outPoint }) => outPointKey(outPoint)));
  return [...maturing].flatMap(([key, { descriptor }]): readonly TimelineEntry[] => {
    const { kind } = spend.spender;
    const isOwn = own.has(key) || kind === "cooperative-close" || kind === "lost-holder-commitment";
    return isOwn
      ? [{ subject, amount: descriptor.output.value, state: ownState(scene, descriptor.outPoint) }]
      : [];
  });
}

/** What is contested on the commitment. */
function outputEntries(scene: Scene): readonly TimelineEntry[] {
  return scene.spend.outputs.filter(isContested).map(({ htlc, outPoint, value }) => ({
    subject: htlc === undefined ? { kind: "penalty" } : subjectOf(htlc),
    amount: value,
    state: contestedState(scene, outPoint, htlc),
  }));
}

/** Outputs of HTLC transactions that the peer made on a commitment which it had revoked. */
function secondStageEntries(scene: Scene): readonly TimelineEntry[] {
  const { monitor, spend } = scene;
  if (spend.spender.kind !== "revoked-commitment") return [];
  return secondStageOutputs(monitor.chain.spends).map(({ outPoint, output }) => ({
    subject: { kind: "penalty" },
    amount: output.value,
    state: contestedState(scene, outPoint, undefined),
  }));
}

function trimmedEntries({ monitor, spend }: Scene): readonly TimelineEntry[] {
  const { spender, height, outputs } = spend;
  if (spender.kind !== "holder-commitment" && spender.kind !== "counterparty-commitment") return [];
  const { side, number } = spender.commitment;
  const kept = new Set(outputs.filter(isContested).flatMap(({ htlc }) => (htlc ? [htlcKey(htlc)] : [])));
  return htlcsOf(monitor, side, number)
    .filter((htlc) => !kept.has(htlcKey(htlc)))
    .map((htlc) => ({
      subject: subjectOf(htlc),
      amount: msatToSat(htlc.amount),
      state: { kind: "trimmed", finalAt: finalAt(height) },
    }));
}

/** `htlc` is absent for what only a penalty takes. */
function contestedState(scene: Scene, outPoint: OutPoint, htlc: MonitoredHtlc | undefined): TimelineState {
  const { monitor, spend, open, spends } = scene;
  const key = outPointKey(outPoint);
  const taker = spends.get(key);
  if (taker !== undefined) {
    const { txid, height, output } = taker;
    const isOurs =
      output?.kind === "ours" ||
      (output?.kind === "second-stage" && spend.spender.kind === "holder-commitment");
    if (isOurs && output !== undefined) return ownState(scene, { txid, index: output.index });
    return { kind: "taken-by-peer", txid, height, finalAt: finalAt(height) };
  }
  const claimable = open.get(key);
  if (claimable !== undefined) return claimedState(monitor, claimable);
  if (htlc === undefined) return { kind: "being-claimed" };
  const { direction, cltvExpiry, paymentHash } = htlc;
  if (direction === "outgoing") return { kind: "waits-for-expiry", height: cltvExpiry };
  return preimageOf(monitor, paymentHash) === undefined
    ? { kind: "waits-for-preimage", until: cltvExpiry }
    : { kind: "being-claimed", deadline: cltvExpiry };
}

function claimedState({ claims }: ChannelMonitor, { outPoint, deadline }: Claimable): TimelineState {
  const key = outPointKey(outPoint);
  const claim = claims.find(({ outPoints }) => outPoints.some((one) => outPointKey(one) === key));
  return {
    kind: "being-claimed",
    ...(claim && { feerate: claim.feerate, setAt: claim.setAt }),
    ...(Number.isFinite(deadline) && { deadline }),
  };
}

/** Of an output that nobody contests any more. */
function ownState({ maturing, handedOver }: Scene, outPoint: OutPoint): TimelineState {
  const { txid } = outPoint;
  const key = outPointKey(outPoint);
  if (handedOver.has(key)) return { kind: "handed-over", txid, outPoint };
  return { kind: "maturing", txid, until: maturing.get(key)?.matureHeight ?? 0 };
}

function subjectOf({ direction, id, paymentHash, cltvExpiry }: MonitoredHtlc): TimelineSubject {
  return { kind: "htlc", direction, id, paymentHash, cltvExpiry };
}

function finalAt(height: number): number {
  return height + antiReorgDelay - 1;
}

import type { ChannelId, NodeId, OutPoint, PaymentId, Txid } from "../../util/ids.ts";
import { invariant } from "../../util/invariant.ts";

// The keys of all records, version 1. Numbers are padded with zeros, so that the store's byte order is the order of
// the numbers. What follows a prefix never begins another record's key: a scan of the prefix gives those records only.

/** Every key of version 1 and what its record holds, as docs/storage.md has it. */
export const keyDescriptions: readonly (readonly [key: string, holds: string])[] = [
  ["node", "node id, chain and format: whose store it is"],
  ["batch-sequence", "number of the last batch: says how far the store has come"],
  ["chain-position", "tip and twelve ancestors up to which everything here has seen the chain"],
  ["channel/<id>/core", "what rarely changes of a channel: terms, fundings, keys, scripts, phase"],
  [
    "channel/<id>/commitments",
    "what every step of the dance changes: counters, points, balances, what was signed",
  ],
  ["channel/<id>/secret/<position>", "the peer's last secret of that place in its shachain"],
  [
    "channel/<id>/htlc/<i7 or o12>/static",
    "ids, amount, hash, expiry, the source of an outgoing one, the commitments in which it came first; written once",
  ],
  [
    "channel/<id>/htlc/<o12>/interval",
    "commitment numbers at which it came onto and left each side's commitment; how it ended, once it left one; absent until it is on ours",
  ],
  [
    "channel/<id>/htlc/<i7>/disposition",
    "what was decided about an incoming one, and the commitments that it left; absent while undecided",
  ],
  [
    "channel/<id>/htlc/<i7 or o12>/onion",
    "of an incoming one until it is decided or, passed on, resolved; of ours, what it was made of, until the peer has revoked for it",
  ],
  [
    "settled/<id>/<commitment number>/<i7 or o12>",
    "an HTLC that is gone from both sides, by the peer's first commitment without it; read only after a breach",
  ],
  ["monitor/<id>/setup", "what the channel's monitor started with"],
  ["monitor/<id>/state", "what the chain told: lock, spends and claims"],
  [
    "monitor/<id>/update/<slot>",
    "updates that one batch brought, as long as something rests on them; then others take the slot",
  ],
  [
    "monitor/<id>/htlcs/<n>",
    "HTLCs that came onto or left a commitment by a batch's updates from n on; kept for breaches",
  ],
  ["monitor/<id>/secret/<position>", "the peer's last secret of that place in its shachain"],
  ["outbox/<n>", "what a `Watch` elsewhere was not yet known to have"],
  ["event/<n>", "an event that the user has not acknowledged"],
  ["event-ack", "index of the last acknowledged event"],
  ["payment/<id>", "a payment of ours"],
  ["broadcast/<txid>", "transactions that are broadcast again until they confirm"],
  [
    "sweeper/output/<txid>/<index>",
    "an output that a closed channel left, and how far it is on its way to the wallet",
  ],
  ["sweeper/transaction/<txid>", "what takes such outputs to the wallet, until it is final"],
  [
    "peer-storage/<node id>",
    "what a peer asked us to keep for it; kept 2,016 blocks longer than its last channel",
  ],
  ["network-graph", "what is known of the network's channels and nodes; can be lost without harm"],
  ["scores", "what payments and probes have taught of others' liquidity; can be lost without harm"],
];

/** Below it is what peers asked us to keep for them. */
export const peerStoragePrefix = "peer-storage/";

export function peerStorageKey(peer: NodeId): string {
  return `peer-storage/${peer}`;
}

/** The peer whose blob that key has; `undefined` for other keys. */
export function parsePeerStorageKey(key: string): NodeId | undefined {
  return /^peer-storage\/([0-9a-f]{66})$/.exec(key)?.[1] as NodeId | undefined;
}

/** The record of `NetworkGraph.write`. */
export const networkGraphKey = "network-graph";

/** The record of `ProbabilisticScorer.write`. */
export const scoresKey = "scores";

/** Below it are the records of all channels, live rows only: what a start reads. */
export const channelsPrefix = "channel/";

/** Below it are the records of one channel. */
export function channelPrefix(id: ChannelId): string {
  return `channel/${id}/`;
}

export function coreKey(id: ChannelId): string {
  return `channel/${id}/core`;
}

/** What moves with every step of the dance. */
export function commitmentsKey(id: ChannelId): string {
  return `channel/${id}/commitments`;
}

/** `position` is 0..48: see `ShachainStore`. */
export function channelSecretKey(id: ChannelId, position: number): string {
  return `channel/${id}/secret/${padded(position, positionDigits)}`;
}

/** What is stored of an HTLC in rows of their own. */
export type HtlcRow = "static" | "interval" | "disposition" | "onion";

/** Below it are the rows of one live HTLC; `htlcKey` is `i7` or `o12`. */
export function htlcPrefix(id: ChannelId, htlcKey: string): string {
  return `channel/${id}/htlc/${paddedHtlcKey(htlcKey)}/`;
}

/** Below it are the HTLCs that both sides have removed for good, which only a breach asks for. */
export function settledPrefix(id: ChannelId): string {
  return `settled/${id}/`;
}

/** `left` is the number of the peer's first commitment without the HTLC: earlier ones are revoked. */
export function settledKey(id: ChannelId, left: number, htlcKey: string): string {
  return `settled/${id}/${padded(left, commitmentDigits)}/${paddedHtlcKey(htlcKey)}`;
}

/** Where a scan of `settledPrefix` starts that leaves out HTLCs which the peer's commitment `number` never had. */
export function settledAfter(id: ChannelId, number: number): string {
  return `settled/${id}/${padded(number, commitmentDigits)}/z`;
}

/** Below it are the records of one monitor. */
export function monitorPrefix(id: ChannelId): string {
  return `monitor/${id}/`;
}

/** Below it are the records of all monitors. */
export const monitorsPrefix = "monitor/";

export function monitorSetupKey(id: ChannelId): string {
  return `monitor/${id}/setup`;
}

export function monitorStateKey(id: ChannelId): string {
  return `monitor/${id}/state`;
}

/** Below it are the updates of one monitor on which something rests, and old ones whose slots are free. */
export function monitorUpdatesPrefix(id: ChannelId): string {
  return `monitor/${id}/update/`;
}

/** `slot` is 0 or more, as low as can be. */
export function monitorUpdateKey(id: ChannelId, slot: number): string {
  return `monitor/${id}/update/${padded(slot, slotDigits)}`;
}

/** Below it is which HTLCs came and went, by the first of the updates that did it, in order. */
export function monitorHtlcsPrefix(id: ChannelId): string {
  return `monitor/${id}/htlcs/`;
}

/**
 * HTLCs that came onto a commitment or left one by updates from `updateId` on. These rows stay until the channel is
 * resolved.
 */
export function monitorHtlcsKey(id: ChannelId, updateId: number): string {
  return `${monitorHtlcsPrefix(id)}${padded(updateId, countDigits)}`;
}

/** `position` is 0..48: see `ShachainStore`. */
export function monitorSecretKey(id: ChannelId, position: number): string {
  return `monitor/${id}/secret/${padded(position, positionDigits)}`;
}

/** What a key below `monitorsPrefix` names; `undefined` for keys that this version does not write. */
export function parseMonitorKey(key: string): MonitorKey | undefined {
  const match = monitorKeyForm.exec(key);
  if (match === null) return undefined;
  const [, id = "", row = "", number] = match;
  const isNumbered = row !== "setup" && row !== "state";
  if (isNumbered !== (number !== undefined)) return undefined;
  const value = Number(number ?? 0);
  if (value > (row === "secret" ? highestPosition : Number.MAX_SAFE_INTEGER)) return undefined;
  if (number !== undefined && key !== monitorKeyForms[row]?.(id as ChannelId, value)) return undefined;
  return { channelId: id as ChannelId, row: row as MonitorKey["row"], number: value };
}

interface MonitorKey {
  readonly channelId: ChannelId;
  readonly row: "setup" | "state" | "update" | "htlcs" | "secret";
  /** An update's id, a slot, or a position. */
  readonly number: number;
}

const monitorKeyForms: Readonly<Record<string, (id: ChannelId, number: number) => string>> = {
  update: monitorUpdateKey,
  htlcs: monitorHtlcsKey,
  secret: monitorSecretKey,
};
const monitorKeyForm = /^monitor\/([0-9a-f]{64})\/(setup|state|update|htlcs|secret)(?:\/([0-9]+))?$/;

/** Below it is what a `Watch` has not completed, in the order in which it was given. */
export const outboxPrefix = "outbox/";

export function outboxKey(sequence: number): string {
  return `outbox/${padded(sequence, countDigits)}`;
}

/** The sequence number in an outbox row's key; `undefined` for keys that this version does not write. */
export function parseOutboxKey(key: string): number | undefined {
  const match = /^outbox\/([0-9]{16})$/.exec(key);
  return match === null ? undefined : Number(match[1]);
}

/** Below it are the events that the user has not acknowledged, in order. */
export const eventPrefix = "event/";

export function eventKey(index: number): string {
  return `event/${padded(index, countDigits)}`;
}

/** The index of the last event that the user acknowledged. */
export const eventAckKey = "event-ack";

export const paymentPrefix = "payment/";

export function paymentKey(id: PaymentId): string {
  return `payment/${id}`;
}

/** The tip up to which everything in the store has seen the chain. */
export const chainPositionKey = "chain-position";

/** Whose store it is. */
export const nodeKey = "node";

export const broadcastPrefix = "broadcast/";

/** A transaction, or a package by its last one, that is broadcast again until it confirms. */
export function broadcastKey(txid: Txid): string {
  return `broadcast/${txid}`;
}

/** Below it is what the sweeper tracks. */
export const sweeperPrefix = "sweeper/";

export function sweeperOutputKey({ txid, index }: OutPoint): string {
  return `sweeper/output/${txid}/${padded(index, countDigits)}`;
}

export function sweeperTransactionKey(txid: Txid): string {
  return `sweeper/transaction/${txid}`;
}

/** What a key below `sweeperPrefix` names; `undefined` for keys that this version does not write. */
export function parseSweeperKey(
  key: string,
):
  | { readonly kind: "output"; readonly outPoint: OutPoint }
  | { readonly kind: "transaction"; readonly txid: Txid }
  | undefined {
  const match = sweeperKeyForm.exec(key);
  if (match === null) return undefined;
  const [, outputTxid, index, txid] = match;
  if (txid !== undefined) return { kind: "transaction", txid: txid as Txid };
  return { kind: "output", outPoint: { txid: outputTxid as Txid, index: Number(index) } };
}

const sweeperKeyForm = /^sweeper\/(?:output\/([0-9a-f]{64})\/([0-9]{16})|transaction\/([0-9a-f]{64}))$/;

/** The sequence number of the last batch: says how far the store has come. */
export const batchSequenceKey = "batch-sequence";

/** What a key below `channelsPrefix` names; `undefined` for keys that this version does not write. */
export function parseChannelKey(
  key: string,
):
  | { readonly channelId: ChannelId; readonly row: "core" | "commitments" }
  | { readonly channelId: ChannelId; readonly row: "secret"; readonly position: number }
  | { readonly channelId: ChannelId; readonly row: HtlcRow; readonly htlcKey: string }
  | undefined {
  const match = channelKeyForm.exec(key);
  if (match === null) return undefined;
  const [, id = "", single, position, side, number = "", row] = match;
  const channelId = id as ChannelId;
  if (single !== undefined) return { channelId, row: single as "core" | "commitments" };
  if (position !== undefined) return { channelId, row: "secret", position: Number(position) };
  return { channelId, row: row as HtlcRow, htlcKey: `${side}${BigInt(number)}` };
}

const channelKeyForm =
  /^channel\/([0-9a-f]{64})\/(?:(core|commitments)|secret\/([0-9]{2})|htlc\/([io])([0-9]{20})\/(static|interval|disposition|onion))$/;

const highestPosition = 48;
const positionDigits = 2;
/** There are a few slots; of a closing channel more. */
const slotDigits = 4;
/** 2^48-1 has 15 digits, 2^53-1 has 16, 2^64-1 has 20. */
const commitmentDigits = 15;
const countDigits = 16;
const htlcIdDigits = 20;

function padded(value: number, digits: number): string {
  invariant(Number.isSafeInteger(value) && value >= 0, `no part of a key: ${value}`);
  return String(value).padStart(digits, "0");
}

function paddedHtlcKey(htlcKey: string): string {
  return `${htlcKey.charAt(0)}${htlcKey.slice(1).padStart(htlcIdDigits, "0")}`;
}

import type { KvEntry } from "../../chain/kvStore.ts";
import type { Disposition, IncomingHtlc, OutgoingHtlc } from "../../channel/disposition.ts";
import {
  type Closing,
  type ConnectedState,
  type FundedChannel,
  nothingExchanged,
  type Offline,
  type WaitForRemoteClose,
} from "../../channel/state.ts";
import { type Codec, decode } from "../../codec/codec.ts";
import { DecodeError } from "../../codec/decodeError.ts";
import type { Commitments } from "../../commitment/commitments.ts";
import { type Htlc, htlcKey } from "../../commitment/htlc.ts";
import { htlcStates } from "../../commitment/htlcState.ts";
import { noBytes } from "../../util/bytes.ts";
import type { ChannelId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { type ChannelCore, channelCore } from "./channelCore.ts";
import { dispositionRow, htlcIntervalRow, htlcStaticRow, intervalOf, onionRow } from "./htlcRows.ts";
import { deriveHtlcState } from "./htlcState.ts";
import { coreKey, type HtlcRow, htlcPrefix, parseChannelKey } from "./keys.ts";

/** A channel as it comes back from the store: without a connection, or over. */
export type StoredState = Offline | Closing | WaitForRemoteClose;

/** The records of one channel, by what they hold. */
export interface ChannelRecords {
  readonly channelId: ChannelId;
  readonly core: Uint8Array | undefined;
  /** By `htlcKey`, in the order of the keys. */
  readonly htlcs: ReadonlyMap<string, Readonly<Partial<Record<HtlcRow, Uint8Array>>>>;
}

/**
 * Sorts the entries below `channelsPrefix` by channel. Keys that this version does not know are refused: a row that
 * nobody reads may be one that matters.
 */
export function recordsByChannel(
  entries: readonly KvEntry[],
): Result<readonly ChannelRecords[], StorageError> {
  const channels = new Map<ChannelId, MutableRecords>();
  for (const { key, value } of entries) {
    const parsed = parseChannelKey(key);
    if (parsed === undefined) return err(corruptRecord(key, "no key of this version"));
    let records = channels.get(parsed.channelId);
    if (records === undefined) {
      records = { channelId: parsed.channelId, core: undefined, htlcs: new Map() };
      channels.set(parsed.channelId, records);
    }
    if (parsed.row === "core") records.core = value;
    else {
      const rows = records.htlcs.get(parsed.htlcKey);
      if (rows === undefined) records.htlcs.set(parsed.htlcKey, { [parsed.row]: value });
      else rows[parsed.row] = value;
    }
  }
  return ok([...channels.values()]);
}

interface MutableRecords {
  readonly channelId: ChannelId;
  core: Uint8Array | undefined;
  readonly htlcs: Map<string, Partial<Record<HtlcRow, Uint8Array>>>;
}

/** Every channel among the entries below `channelsPrefix`; the first that cannot be read is the error. */
export function readChannels(entries: readonly KvEntry[]): Result<readonly StoredState[], StorageError> {
  const records = recordsByChannel(entries);
  if (!records.ok) return records;
  const states: StoredState[] = [];
  for (const one of records.value) {
    const state = readChannelRecords(one);
    if (!state.ok) return state;
    states.push(state.value);
  }
  return ok(states);
}

/** The channel of the entries below its `channelPrefix`: as it was written, disconnected. */
export function readChannel(entries: readonly KvEntry[]): Result<StoredState, StorageError> {
  const records = recordsByChannel(entries);
  if (!records.ok) return records;
  const [first, ...others] = records.value;
  if (first === undefined) return err(missingRecord("channel/", "a channel"));
  if (others.length > 0) return err(corruptRecord(first.channelId, "records of several channels"));
  return readChannelRecords(first);
}

function readChannelRecords(records: ChannelRecords): Result<StoredState, StorageError> {
  const key = coreKey(records.channelId);
  const bytes = records.core;
  if (bytes === undefined) return err(missingRecord(key, "the core record of a channel"));
  const core = reading(key, () => decode(channelCore, bytes));
  if (!core.ok) return core;
  if (core.value.channel.commitments.channelId !== records.channelId) {
    return err(corruptRecord(key, `it is of channel ${core.value.channel.commitments.channelId}`));
  }
  const htlcs: Htlc[] = [];
  const incoming: IncomingHtlc[] = [];
  const outgoing: OutgoingHtlc[] = [];
  for (const [name, rows] of records.htlcs) {
    const prefix = htlcPrefix(records.channelId, name);
    const read = reading(prefix, () => readHtlc(core.value, name, rows));
    if (!read.ok) return read;
    htlcs.push(read.value.htlc);
    if (read.value.incoming !== undefined) incoming.push(read.value.incoming);
    if (read.value.outgoing !== undefined) outgoing.push(read.value.outgoing);
  }
  const { htlcCount } = core.value;
  if (htlcs.length !== htlcCount) {
    return err(missingRecord(key, `${htlcCount} HTLCs were stored, ${htlcs.length} are there: a row`));
  }
  return ok(stateOf(core.value, { htlcs, incoming, outgoing }));
}

interface ReadHtlc {
  readonly htlc: Htlc;
  readonly incoming?: IncomingHtlc;
  readonly outgoing?: OutgoingHtlc;
}

/** Throws `DecodeError` on rows that do not make up an HTLC. */
function readHtlc(
  { channel }: ChannelCore,
  name: string,
  rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>,
): ReadHtlc {
  const { htlc: fixed, source } = row(htlcStaticRow, "static", rows);
  if (htlcKey(fixed) !== name) throw new DecodeError(`the row is of HTLC ${htlcKey(fixed)}`);
  const interval = row(htlcIntervalRow, "interval", rows);
  const local = intervalOf(interval.localEntered, interval.localLeft);
  const remote = intervalOf(interval.remoteEntered, interval.remoteLeft);
  const { localNumber, remoteNumber, remoteNext } = channel.commitments;
  const state = deriveHtlcState(
    { direction: fixed.direction, local, remote },
    { localNumber, remoteNumber, remoteSigned: remoteNext?.number ?? remoteNumber },
  );
  if (state === undefined || htlcStates[state].removeCommitted) {
    throw new DecodeError(`no live HTLC is in commitments ${JSON.stringify({ local, remote })}`);
  }
  const { removal } = interval;
  if ((removal !== undefined) !== (local.left !== undefined || remote.left !== undefined)) {
    throw new DecodeError("an HTLC has a removal if and only if it has left a commitment");
  }
  const htlc: Htlc = { ...fixed, state, local, remote, ...(removal && { removal }) };
  if (fixed.direction === "incoming") {
    return { htlc, incoming: { id: fixed.id, disposition: readDisposition(rows) } };
  }
  if (source === undefined) throw new DecodeError("an outgoing HTLC without a source");
  const layer = state === "sent-add-commit" ? row(onionRow, "onion", rows) : { onion: noBytes };
  const { upstream, settledOnChain } = interval;
  const noted = { ...(upstream && { upstream }), ...(settledOnChain && { settledOnChain }) };
  return { htlc, outgoing: { id: fixed.id, source, ...layer, ...noted } };
}

function readDisposition(rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>): Disposition {
  if (rows.disposition !== undefined) return row(dispositionRow, "disposition", rows).disposition;
  return { kind: "undecided", ...row(onionRow, "onion", rows) };
}

function row<T>(codec: Codec<T>, name: HtlcRow, rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>): T {
  const bytes = rows[name];
  if (bytes === undefined) throw new DecodeError(`the row "${name}" is missing`);
  return decode(codec, bytes);
}

function stateOf(
  { phase, channel: stored }: ChannelCore,
  tables: { readonly htlcs: readonly Htlc[] } & Pick<FundedChannel, "incoming" | "outgoing">,
): StoredState {
  const { htlcs, incoming, outgoing } = tables;
  const commitments: Commitments = { ...stored.commitments, htlcs };
  const channel: FundedChannel = { ...stored, commitments, incoming, outgoing, exchanged: nothingExchanged };
  switch (phase.kind) {
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
      return offline({ kind: phase.kind, channel });
    case "negotiating":
      return offline({ kind: phase.kind, channel, proposals: phase.proposals, ticks: 0 });
    case "closing":
      return { ...phase, channel };
    case "wait-for-remote-close":
      return { kind: phase.kind, channel };
  }
}

function offline(inner: ConnectedState): Offline {
  return { kind: "offline", inner };
}

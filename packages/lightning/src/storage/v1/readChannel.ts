import type { KvEntry } from "../../chain/kvStore.ts";
import type { Disposition, HtlcSource, IncomingHtlc, OutgoingHtlc } from "../../channel/disposition.ts";
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
import type { SpecHtlc } from "../../commitment/spec.ts";
import type { ShachainEntry } from "../../crypto/shachain.ts";
import { onionOf } from "../../onion/index.ts";
import { fromHex, noBytes, type Point } from "../../util/bytes.ts";
import type { ChannelId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { type ChannelCore, channelCore } from "./channelCore.ts";
import { commitmentsOf, commitmentsRow } from "./commitments.ts";
import {
  type DispositionRow,
  dispositionRow,
  type HtlcIntervalRow,
  htlcIntervalRow,
  htlcStaticRow,
  intervalOf,
  onionRow,
  removalBy,
} from "./htlcRows.ts";
import { deriveHtlcState } from "./htlcState.ts";
import {
  channelSecretKey,
  commitmentsKey,
  coreKey,
  type HtlcRow,
  htlcPrefix,
  parseChannelKey,
} from "./keys.ts";
import { withOnionsInside } from "./onionsInside.ts";
import { readStoredSecret, secretsOf } from "./secretRows.ts";

/** A channel as it comes back from the store: without a connection, or over. */
export type StoredState = Offline | Closing | WaitForRemoteClose;

/** The records of one channel, by what they hold. */
export interface ChannelRecords {
  readonly channelId: ChannelId;
  readonly core: Uint8Array | undefined;
  readonly commitments: Uint8Array | undefined;
  /** By position. */
  readonly secrets: ReadonlyMap<number, KvEntry>;
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
      records = {
        channelId: parsed.channelId,
        core: undefined,
        commitments: undefined,
        secrets: new Map(),
        htlcs: new Map(),
      };
      channels.set(parsed.channelId, records);
    }
    if ("position" in parsed) records.secrets.set(parsed.position, { key, value });
    else if (!("htlcKey" in parsed)) records[parsed.row] = value;
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
  commitments: Uint8Array | undefined;
  readonly secrets: Map<number, KvEntry>;
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
  const channels = withOnionsInside(states.map(channelOf));
  return ok(states.map((state, i) => withChannel(state, channels[i] ?? channelOf(state))));
}

function channelOf(state: StoredState): FundedChannel {
  return state.kind === "offline" ? state.inner.channel : state.channel;
}

function withChannel(state: StoredState, channel: FundedChannel): StoredState {
  if (state.kind === "offline") return { ...state, inner: { ...state.inner, channel } };
  return { ...state, channel };
}

/**
 * The channel of the entries below its `channelPrefix`: as it was written, disconnected; without the onions that are
 * inside of other channels' HTLCs.
 */
export function readChannel(entries: readonly KvEntry[]): Result<StoredState, StorageError> {
  const records = recordsByChannel(entries);
  if (!records.ok) return records;
  const [first, ...others] = records.value;
  if (first === undefined) return err(missingRecord("channel/", "a channel"));
  if (others.length > 0) return err(corruptRecord(first.channelId, "records of several channels"));
  return readChannelRecords(first);
}

/** What the records of a channel say, HTLCs apart. */
export interface ChannelWithoutHtlcs extends ChannelCore, Pick<FundedChannel, "lastUpdateId"> {
  readonly commitments: Omit<Commitments, "htlcs">;
}

/** Reads all records of a channel but its HTLCs', of which it only sees that none is missing. */
export function readWithoutHtlcs(records: ChannelRecords): Result<ChannelWithoutHtlcs, StorageError> {
  const { channelId, core, commitments, secrets } = records;
  const [key, commitmentsName] = [coreKey(channelId), commitmentsKey(channelId)];
  if (core === undefined) return err(missingRecord(key, "the core record of a channel"));
  if (commitments === undefined) return err(missingRecord(commitmentsName, "the commitments of a channel"));
  const found = reading(key, () => decode(channelCore, core));
  if (!found.ok) return found;
  const { terms } = found.value.channel;
  if (terms.channelId !== channelId) return err(corruptRecord(key, `it is of channel ${terms.channelId}`));
  const row = reading(commitmentsName, () => decode(commitmentsRow, commitments));
  if (!row.ok) return row;
  const { remoteNumber, lastUpdateId, htlcRows } = row.value.counts;
  let rows = 0;
  for (const htlc of records.htlcs.values()) rows += Object.keys(htlc).length;
  if (rows !== htlcRows) {
    const text = `${htlcRows} rows of HTLCs were stored, ${rows} are there: a row`;
    return err(missingRecord(commitmentsName, text));
  }
  const entries = new Map<number, ShachainEntry>();
  for (const [position, secret] of secrets) {
    const entry = readStoredSecret(secret);
    if (!entry.ok) return entry;
    entries.set(position, entry.value);
  }
  const known = secretsOf(entries, remoteNumber, (position) => channelSecretKey(channelId, position));
  if (!known.ok) return known;
  return reading(commitmentsName, () => ({
    ...found.value,
    commitments: commitmentsOf(terms, row.value, known.value),
    lastUpdateId,
  }));
}

function readChannelRecords(records: ChannelRecords): Result<StoredState, StorageError> {
  const read = readWithoutHtlcs(records);
  if (!read.ok) return read;
  const htlcs: Htlc[] = [];
  const incoming: IncomingHtlc[] = [];
  const outgoing: OutgoingHtlc[] = [];
  for (const [name, rows] of records.htlcs) {
    const prefix = htlcPrefix(records.channelId, name);
    const one = reading(prefix, () => readHtlc(read.value, name, rows));
    if (!one.ok) return one;
    htlcs.push(one.value.htlc);
    if (one.value.incoming !== undefined) incoming.push(one.value.incoming);
    if (one.value.outgoing !== undefined) outgoing.push(one.value.outgoing);
  }
  return ok(stateOf(read.value, { htlcs, incoming, outgoing }));
}

interface ReadHtlc {
  readonly htlc: Htlc;
  readonly incoming?: IncomingHtlc;
  readonly outgoing?: OutgoingHtlc;
}

/** Throws `DecodeError` on rows that do not make up an HTLC. */
function readHtlc(
  { commitments }: ChannelWithoutHtlcs,
  name: string,
  rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>,
): ReadHtlc {
  const known = row(htlcStaticRow, "static", rows);
  const { htlc: fixed, source } = known;
  if (htlcKey(fixed) !== name) throw new DecodeError(`the row is of HTLC ${htlcKey(fixed)}`);
  if (fixed.direction === "incoming") {
    const { disposition, ...left } = readDisposition(rows);
    const htlc = htlcOf(commitments, fixed, { ...known, ...left });
    return { htlc, incoming: { id: fixed.id, disposition } };
  }
  // Until it came onto our commitment, there is but the row `static`.
  const interval: HtlcIntervalRow =
    rows.interval === undefined ? known : row(htlcIntervalRow, "interval", rows);
  const htlc = htlcOf(commitments, fixed, interval);
  if (source === undefined) throw new DecodeError("an outgoing HTLC without a source");
  const layer = htlc.state === "sent-add-commit" ? readSentOnion(htlc, source, rows) : { onion: noBytes };
  const { upstream, settledOnChain } = interval;
  const noted = { ...(upstream && { upstream }), ...(settledOnChain && { settledOnChain }) };
  return { htlc, outgoing: { id: fixed.id, source, ...layer, ...noted } };
}

/** Of one that is inside of the incoming HTLC's nothing is found here: `withOnionsInside` puts it in. */
function readSentOnion(
  { paymentHash }: Htlc,
  source: HtlcSource,
  rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>,
): Pick<OutgoingHtlc, "onion" | "payloads" | "pathKey"> {
  if (source.kind === "forwarded" && source.onionInside) return { onion: noBytes };
  const { onion, payloads, pathKey } = row(onionRow, "onion", rows);
  const key = pathKey && { pathKey };
  if (payloads === undefined) {
    if (onion === undefined) throw new DecodeError("neither an onion nor what it was made of");
    return { onion, ...key };
  }
  if (source.kind !== "local") throw new DecodeError("an onion of ours around an HTLC of others");
  const { path, blindedTail, sessionKey } = source;
  const nodeIds = [...path.map(({ nodeId }) => fromHex(nodeId) as Point), ...(blindedTail?.nodeIds ?? [])];
  if (nodeIds.length !== payloads.length) {
    throw new DecodeError(`an onion with ${payloads.length} layers for ${nodeIds.length} nodes`);
  }
  const built = onionOf({ nodeIds, payloads }, { sessionKey, paymentHash });
  if (!built.ok) throw new DecodeError(`payloads of ${built.error.needed} bytes`);
  return { onion: built.value.packet, payloads, ...key };
}

/** Throws `DecodeError` where no live HTLC is in these commitments. */
function htlcOf(
  { localNumber, remoteNumber, remoteNext }: Omit<Commitments, "htlcs">,
  fixed: SpecHtlc,
  {
    localEntered,
    localLeft,
    remoteEntered,
    remoteLeft,
    removal,
  }: Omit<HtlcIntervalRow, "upstream" | "settledOnChain">,
): Htlc {
  const local = intervalOf(localEntered, localLeft);
  const remote = intervalOf(remoteEntered, remoteLeft);
  const state = deriveHtlcState(
    { direction: fixed.direction, local, remote },
    { localNumber, remoteNumber, remoteSigned: remoteNext?.number ?? remoteNumber },
  );
  if (state === undefined || htlcStates[state].removeCommitted) {
    throw new DecodeError(`no live HTLC is in commitments ${JSON.stringify({ local, remote })}`);
  }
  if ((removal !== undefined) !== (local.left !== undefined || remote.left !== undefined)) {
    throw new DecodeError("an HTLC has a removal if and only if it has left a commitment");
  }
  return { ...fixed, state, local, remote, ...(removal && { removal }) };
}

/** What became of an incoming HTLC, and how it left the commitments. */
function readDisposition(rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>): {
  readonly disposition: Disposition;
} & Omit<DispositionRow, "disposition"> {
  if (rows.disposition === undefined) {
    const { skimmedFee, pathKey } = row(onionRow, "onion", rows);
    const onion = keptOnion(rows);
    const told = { ...(skimmedFee !== undefined && { skimmedFee }), ...(pathKey && { pathKey }) };
    return { disposition: { kind: "undecided", onion, ...told } };
  }
  const read = row(dispositionRow, "disposition", rows);
  const ended = { ...read, ...leavingOf(read) };
  if (read.disposition.kind !== "forwarded") return { ...ended, disposition: read.disposition };
  const { keepsOnion, ...disposition } = read.disposition;
  return { ...ended, disposition: { ...disposition, ...(keepsOnion && { onion: keptOnion(rows) }) } };
}

function keptOnion(rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>): Uint8Array {
  const { onion } = row(onionRow, "onion", rows);
  if (onion === undefined) throw new DecodeError("an HTLC that came without an onion");
  return onion;
}

/** How an incoming HTLC ended, once it has left a commitment. */
function leavingOf({
  disposition,
  localLeft,
  remoteLeft,
  removal,
}: DispositionRow): Pick<DispositionRow, "removal"> {
  if (removal !== undefined || (localLeft === undefined && remoteLeft === undefined)) return {};
  return disposition.kind === "resolved" ? { removal: removalBy(disposition.resolution) } : {};
}

function row<T>(codec: Codec<T>, name: HtlcRow, rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>): T {
  const bytes = rows[name];
  if (bytes === undefined) throw new DecodeError(`the row "${name}" is missing`);
  return decode(codec, bytes);
}

function stateOf(
  { phase, channel: stored, commitments: read, lastUpdateId }: ChannelWithoutHtlcs,
  tables: { readonly htlcs: readonly Htlc[] } & Pick<FundedChannel, "incoming" | "outgoing">,
): StoredState {
  const { htlcs, incoming, outgoing } = tables;
  const { terms: _, ...rest } = stored;
  const channel: FundedChannel = {
    ...rest,
    lastUpdateId,
    commitments: { ...read, htlcs },
    incoming,
    outgoing,
    exchanged: nothingExchanged,
  };
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

import type { KvWrite } from "../../chain/kvStore.ts";
import type { Disposition, IncomingHtlc, OutgoingHtlc } from "../../channel/disposition.ts";
import { type ChannelState, type FundedChannel, fundedChannel } from "../../channel/state.ts";
import { encode } from "../../codec/codec.ts";
import { forgetUnsigned } from "../../commitment/dance.ts";
import { type Htlc, type HtlcInterval, type HtlcRemoval, htlcKey } from "../../commitment/htlc.ts";
import type { ShachainEntry, ShachainStore } from "../../crypto/shachain.ts";
import { equalBytes } from "../../util/bytes.ts";
import type { ChannelId } from "../../util/ids.ts";
import { InvariantError, present } from "../../util/invariant.ts";
import { type ChannelCore, channelCore, type StoredPhase } from "./channelCore.ts";
import { commitmentsRow, storedCommitments } from "./commitments.ts";
import {
  type DecidedDisposition,
  dispositionRow,
  type HtlcIntervalRow,
  htlcIntervalRow,
  htlcStaticRow,
  type OnionRow,
  onionRow,
  removalBy,
  settledRow,
} from "./htlcRows.ts";
import {
  channelPrefix,
  channelSecretKey,
  commitmentsKey,
  coreKey,
  type HtlcRow,
  htlcPrefix,
  monitorPrefix,
  settledKey,
  settledPrefix,
} from "./keys.ts";
import { secretWrite } from "./secretRows.ts";

/**
 * What the store must be told so that it holds `after`, when it holds `before` (`undefined`: nothing of the channel).
 * The row `commitments` is always written, the others when they changed: values are compared by reference. `left` are
 * the HTLCs whose removal became irrevocable in between: they move to where only a breach looks for them.
 *
 * Updates that no signature covers are not stored, since a disconnection forgets them on both sides (BOLT 2, "Message
 * Retransmission"). A state in which nothing is funded stores nothing.
 */
export function channelWrites(
  before: ChannelState | undefined,
  after: ChannelState,
  left: readonly Htlc[],
): readonly KvWrite[] {
  const channel = fundedChannel(after);
  if (channel === undefined) return [];
  const stored = before && fundedChannel(before);
  const rows = new HtlcRowWrites(channel, stored);
  rows.left(left);
  rows.changed();
  const { channelId, remoteSecrets } = channel.commitments;
  const { commitments } = forgetUnsigned(channel.commitments);
  const { lastUpdateId } = channel;
  const row = storedCommitments(commitments, { lastUpdateId, htlcRows: rowsOf(channel) });
  return [
    ...coreWrites(before, after, channelId),
    { key: commitmentsKey(channelId), value: encode(commitmentsRow, row) },
    ...newSecrets(stored?.commitments.remoteSecrets, remoteSecrets).map((entry) =>
      secretWrite((position) => channelSecretKey(channelId, position), entry),
    ),
    ...rows.writes,
  ];
}

function coreWrites(
  before: ChannelState | undefined,
  after: ChannelState,
  channelId: ChannelId,
): readonly KvWrite[] {
  const core = present(coreOf(after), "the core of a funded channel");
  const stored = before && coreOf(before);
  if (stored !== undefined && isSameCore(stored, core)) return [];
  return [{ key: coreKey(channelId), value: encode(channelCore, core) }];
}

/** Secrets in places where `stored` has others, or none. */
function newSecrets(stored: ShachainStore | undefined, { entries }: ShachainStore): readonly ShachainEntry[] {
  return entries.filter((entry, position) => entry !== stored?.entries[position]);
}

/**
 * What the keys of all records of a channel and of its monitor begin with: once it is fully resolved, all of them are
 * deleted.
 */
export function channelPrefixes(id: ChannelId): readonly [live: string, settled: string, monitor: string] {
  return [channelPrefix(id), settledPrefix(id), monitorPrefix(id)];
}

/** The rows of one channel's HTLCs, against those that are stored. */
class HtlcRowWrites {
  readonly writes: KvWrite[] = [];
  readonly #channel: FundedChannel;
  readonly #id: ChannelId;
  /** Stored rows by key. */
  readonly #storedHtlcs = new Map<string, Htlc>();
  readonly #storedIncoming = new Map<bigint, IncomingHtlc>();
  readonly #storedOutgoing = new Map<bigint, OutgoingHtlc>();

  constructor(channel: FundedChannel, stored: FundedChannel | undefined) {
    this.#channel = channel;
    this.#id = channel.commitments.channelId;
    if (stored === undefined) return;
    for (const htlc of stored.commitments.htlcs) {
      if (isSigned(htlc)) this.#storedHtlcs.set(htlcKey(htlc), htlc);
    }
    for (const incoming of stored.incoming) this.#storedIncoming.set(incoming.id, incoming);
    for (const outgoing of stored.outgoing) this.#storedOutgoing.set(outgoing.id, outgoing);
  }

  /** Moves rows to where settled HTLCs are. */
  left(htlcs: readonly Htlc[]): void {
    for (const htlc of htlcs) {
      const key = htlcKey(htlc);
      const { local, remote } = htlc;
      const remoteLeft = present(remote.left, "the commitment that an HTLC left");
      this.writes.push({
        key: settledKey(this.#id, remoteLeft, key),
        value: encode(settledRow, {
          htlc,
          localEntered: present(local.entered, "the commitment that an HTLC entered"),
          localLeft: present(local.left, "the commitment that an HTLC left"),
          remoteEntered: present(remote.entered, "the commitment that an HTLC entered"),
          remoteLeft,
        }),
      });
      const stored = this.#storedHtlcs.get(key);
      if (stored === undefined) continue;
      this.#delete(htlc, "static");
      if (stored.direction === "outgoing") {
        const record = present(this.#storedOutgoing.get(stored.id), `outgoing HTLC ${stored.id}`);
        if (hasInterval(stored, record)) this.#delete(htlc, "interval");
        if (needsOnion(stored) && sentOnion(record) !== undefined) this.#delete(htlc, "onion");
      } else {
        const { disposition } = present(this.#storedIncoming.get(stored.id), `incoming HTLC ${stored.id}`);
        if (keptOnion(disposition) !== undefined) this.#delete(htlc, "onion");
        if (disposition.kind !== "undecided") this.#delete(htlc, "disposition");
      }
    }
  }

  /** Writes what is new or changed among the HTLCs on the table. */
  changed(): void {
    const { incoming, outgoing, commitments } = this.#channel;
    const [incomingById, outgoingById] = [byId(incoming), byId(outgoing)];
    for (const htlc of commitments.htlcs) {
      if (!isSigned(htlc)) continue;
      if (htlc.direction === "incoming") {
        this.#incoming(htlc, present(incomingById.get(htlc.id), `incoming HTLC ${htlc.id}`));
      } else {
        this.#outgoing(htlc, present(outgoingById.get(htlc.id), `outgoing HTLC ${htlc.id}`));
      }
    }
  }

  #incoming(htlc: Htlc, record: IncomingHtlc): void {
    const stored = this.#storedHtlcs.get(htlcKey(htlc));
    const decided = stored && present(this.#storedIncoming.get(htlc.id), `incoming HTLC ${htlc.id}`);
    const { disposition } = record;
    const { local, remote } = htlc;
    if (stored?.local.entered !== local.entered || stored?.remote.entered !== remote.entered) {
      const entered = enteredOf(local, remote);
      this.#write(htlc, "static", encode(htlcStaticRow, { htlc, ...entered }));
    }
    const hasLeft = local.left !== stored?.local.left || remote.left !== stored?.remote.left;
    if (disposition === decided?.disposition && !hasLeft) return;
    this.#keptOnion(htlc, disposition, decided?.disposition);
    if (disposition.kind !== "undecided") {
      const ended = { ...leftOf(local, remote), ...ownRemoval(htlc, disposition) };
      const row = { disposition: decidedDisposition(disposition), ...ended };
      this.#write(htlc, "disposition", encode(dispositionRow, row));
    } else if (decided !== undefined && decided.disposition.kind !== "undecided") {
      this.#delete(htlc, "disposition");
    }
  }

  /** The onion that came with an HTLC: written once. */
  #keptOnion(htlc: Htlc, disposition: Disposition, stored: Disposition | undefined): void {
    const [onion, known] = [keptOnion(disposition), stored && keptOnion(stored)];
    if (onion === undefined) {
      if (known !== undefined) this.#delete(htlc, "onion");
      return;
    }
    const isWhole = disposition.kind !== "undecided" || stored?.kind === "undecided";
    if (onion.onion !== known?.onion || !isWhole) this.#write(htlc, "onion", encode(onionRow, onion));
  }

  #outgoing(htlc: Htlc, record: OutgoingHtlc): void {
    const stored = this.#storedHtlcs.get(htlcKey(htlc));
    const { source, upstream, settledOnChain } = record;
    const { entered } = htlc.remote;
    if (stored === undefined) {
      const first = entered !== undefined && { remoteEntered: entered };
      this.#write(htlc, "static", encode(htlcStaticRow, { htlc, source, ...first }));
    }
    const known = this.#storedOutgoing.get(htlc.id);
    const isNoted = known?.upstream === upstream && known?.settledOnChain === settledOnChain;
    if (hasInterval(htlc, record) && (intervalChanged(stored, htlc) || !isNoted)) {
      this.#write(htlc, "interval", encode(htlcIntervalRow, intervalRow(htlc, record)));
    }
    const sent = sentOnion(record);
    if (sent === undefined) return;
    if (stored === undefined && needsOnion(htlc)) this.#write(htlc, "onion", encode(onionRow, sent));
    if (stored !== undefined && needsOnion(stored) && !needsOnion(htlc)) this.#delete(htlc, "onion");
  }

  #write(htlc: Htlc, row: HtlcRow, value: Uint8Array | undefined): void {
    this.writes.push({ key: htlcPrefix(this.#id, htlcKey(htlc)) + row, value });
  }

  #delete(htlc: Htlc, row: HtlcRow): void {
    this.#write(htlc, row, undefined);
  }
}

/** Whether a signature covers the HTLC. */
function isSigned({ state }: Htlc): boolean {
  return state !== "sent-add-htlc" && state !== "received-add-htlc";
}

/** Whether `update_add_htlc` may have to be sent again: the peer has not revoked the commitment before it. */
function needsOnion({ state }: Htlc): boolean {
  return state === "sent-add-commit";
}

/** What is stored of an onion that may have to be sent again; nothing where it is inside of the incoming HTLC's. */
function sentOnion({ source, onion, payloads, pathKey }: OutgoingHtlc): OnionRow | undefined {
  if (source.kind === "forwarded" && source.onionInside) return undefined;
  return { ...(payloads === undefined ? { onion } : { payloads }), ...(pathKey && { pathKey }) };
}

/** What is stored of an onion that came, as long as it is to be read, or the outgoing HTLC's is inside of it. */
function keptOnion(disposition: Disposition): OnionRow | undefined {
  if (disposition.kind === "forwarded") return disposition.onion && { onion: disposition.onion };
  if (disposition.kind !== "undecided") return undefined;
  const { kind: _, ...row } = disposition;
  return row;
}

function decidedDisposition(disposition: Exclude<Disposition, { kind: "undecided" }>): DecidedDisposition {
  if (disposition.kind !== "forwarded") return disposition;
  const { onion, ...rest } = disposition;
  return { ...rest, ...(onion && { keepsOnion: true }) };
}

/** Whether there is more to tell of an outgoing HTLC than in which commitment of the peer's it came. */
function hasInterval({ local, remote }: Htlc, { upstream, settledOnChain }: OutgoingHtlc): boolean {
  const hasMoved = local.entered !== undefined || local.left !== undefined || remote.left !== undefined;
  return hasMoved || upstream !== undefined || settledOnChain === true;
}

/** How many rows the HTLCs of a channel have. */
function rowsOf({ commitments, incoming, outgoing }: FundedChannel): number {
  const [incomingById, outgoingById] = [byId(incoming), byId(outgoing)];
  let rows = 0;
  for (const htlc of commitments.htlcs) {
    if (!isSigned(htlc)) continue;
    rows++;
    if (htlc.direction === "incoming") {
      const { disposition } = present(incomingById.get(htlc.id), `incoming HTLC ${htlc.id}`);
      if (disposition.kind !== "undecided") rows++;
      if (keptOnion(disposition) !== undefined) rows++;
    } else {
      const record = present(outgoingById.get(htlc.id), `outgoing HTLC ${htlc.id}`);
      if (hasInterval(htlc, record)) rows++;
      if (needsOnion(htlc) && sentOnion(record) !== undefined) rows++;
    }
  }
  return rows;
}

function byId<T extends { readonly id: bigint }>(records: readonly T[]): ReadonlyMap<bigint, T> {
  return new Map(records.map((one) => [one.id, one]));
}

/** How the HTLC ended, once a signature covers that. */
function signedRemoval({ local, remote, removal }: Htlc): Htlc["removal"] {
  return local.left === undefined && remote.left === undefined ? undefined : removal;
}

function intervalChanged(stored: Htlc | undefined, htlc: Htlc): boolean {
  return (
    stored === undefined ||
    stored.local !== htlc.local ||
    stored.remote !== htlc.remote ||
    signedRemoval(stored) !== signedRemoval(htlc)
  );
}

/** The removal of an incoming HTLC that has left a commitment, where its disposition does not tell it. */
function ownRemoval(htlc: Htlc, disposition: Disposition): { readonly removal?: HtlcRemoval } {
  const removal = signedRemoval(htlc);
  if (removal === undefined) return {};
  // The attribution of our own removals is in the disposition.
  const stored = removal.kind === "fail" ? { kind: removal.kind, reason: removal.reason } : removal;
  if (disposition.kind === "resolved" && isSameRemoval(removalBy(disposition.resolution), stored)) return {};
  return { removal: stored };
}

function isSameRemoval(one: HtlcRemoval, other: HtlcRemoval): boolean {
  switch (one.kind) {
    case "fulfill":
      return other.kind === one.kind && equalBytes(one.preimage, other.preimage);
    case "fail":
      return other.kind === one.kind && equalBytes(one.reason, other.reason);
    case "fail-malformed":
      return (
        other.kind === one.kind &&
        one.failureCode === other.failureCode &&
        equalBytes(one.sha256OfOnion, other.sha256OfOnion)
      );
  }
}

/**
 * The attribution of a peer's removal is kept with a failure, which is not passed on before it is irrevocable; a
 * preimage was passed on at once, and its attribution with it.
 */
function intervalRow(htlc: Htlc, { upstream, settledOnChain }: OutgoingHtlc): HtlcIntervalRow {
  const { local, remote } = htlc;
  const removal = signedRemoval(htlc);
  const kept = removal?.kind === "fulfill" ? { kind: removal.kind, preimage: removal.preimage } : removal;
  return {
    ...enteredOf(local, remote),
    ...leftOf(local, remote),
    ...(kept !== undefined && { removal: kept }),
    ...(upstream !== undefined && { upstream }),
    ...(settledOnChain && { settledOnChain }),
  };
}

function enteredOf(
  local: HtlcInterval,
  remote: HtlcInterval,
): Pick<HtlcIntervalRow, "localEntered" | "remoteEntered"> {
  return {
    ...(local.entered !== undefined && { localEntered: local.entered }),
    ...(remote.entered !== undefined && { remoteEntered: remote.entered }),
  };
}

function leftOf(
  local: HtlcInterval,
  remote: HtlcInterval,
): Pick<HtlcIntervalRow, "localLeft" | "remoteLeft"> {
  return {
    ...(local.left !== undefined && { localLeft: local.left }),
    ...(remote.left !== undefined && { remoteLeft: remote.left }),
  };
}

/** What rarely changes of a channel; `undefined` when nothing is funded. */
function coreOf(state: ChannelState): ChannelCore | undefined {
  const channel = fundedChannel(state);
  if (channel === undefined) return undefined;
  const { incoming: _, outgoing: __, exchanged: ___, lastUpdateId: ____, commitments, ...rest } = channel;
  const { channelId, params, fundings } = commitments;
  return { phase: phaseOf(state), channel: { ...rest, terms: { channelId, params, fundings } } };
}

function isSameCore(one: ChannelCore, other: ChannelCore): boolean {
  const { terms, ...channel } = one.channel;
  const { terms: otherTerms, ...otherChannel } = other.channel;
  return (
    hasSameValues(one.phase, other.phase) &&
    hasSameValues(channel, otherChannel) &&
    terms.params === otherTerms.params &&
    terms.fundings.length === otherTerms.fundings.length &&
    terms.fundings.every(({ outPoint }, i) => outPoint === otherTerms.fundings[i]?.outPoint)
  );
}

/** Whether two objects have the same keys with the same values, compared by reference. */
function hasSameValues(one: object, other: object): boolean {
  const values = new Map<string, unknown>(Object.entries(other));
  const entries = Object.entries(one);
  return (
    entries.length === values.size &&
    entries.every(([key, value]) => values.has(key) && values.get(key) === value)
  );
}

/** What the channel does, whatever its connection and its signer do. */
function phaseOf(state: ChannelState): StoredPhase {
  switch (state.kind) {
    case "awaiting-signer":
      return phaseOf(state.before);
    case "offline":
    case "syncing":
      return phaseOf(state.inner);
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "wait-for-remote-close":
      return { kind: state.kind };
    case "negotiating":
      return { kind: state.kind, proposals: state.proposals };
    case "closing": {
      const { channel: _channel, ...closing } = state;
      return closing;
    }
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
    case "ended":
      throw new InvariantError(`a channel in state ${state.kind} is not stored`);
  }
}

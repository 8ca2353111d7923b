import type { KvEntry } from "../../chain/kvStore.ts";
import { htlcKey } from "../../commitment/htlc.ts";
import { type ShachainEntry, type ShachainStore, secretFor, shachainAt } from "../../crypto/shachain.ts";
import { applyUpdate, type ChannelMonitor, newMonitor } from "../../onchain/channelMonitor.ts";
import type {
  ChannelMonitorUpdateStep,
  HtlcChanges,
  MonitoredHtlc,
} from "../../onchain/channelMonitorUpdate.ts";
import { restoredChainView } from "../../onchain/confirmations.ts";
import { type MonitoredRow, retireRows } from "../../onchain/htlcTable.ts";
import { withPast } from "../../onchain/pastHtlcs.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import type { ChannelId, CommitmentNumber, OutPoint } from "../../util/ids.ts";
import { InvariantError, invariant, present } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, type StorageError } from "../storageError.ts";
import {
  monitorHtlcsKey,
  monitorHtlcsPrefix,
  monitorPrefix,
  monitorSecretKey,
  monitorSetupKey,
  monitorStateKey,
  monitorUpdateKey,
  monitorUpdatesPrefix,
  parseMonitorKey,
} from "./keys.ts";
import { readMonitorSetup } from "./monitor.ts";
import {
  type Folded,
  readStoredChanges,
  readStoredState,
  readStoredUpdates,
  type StoredChanges,
  type StoredState,
  type StoredStep,
  type StoredUpdates,
} from "./monitorRows.ts";
import { readStoredSecret, secretsOf } from "./secretRows.ts";
import { type LoggedUpdates, lastOf, StoredMonitor } from "./storedMonitor.ts";

/** A monitor, and what the store has of it. */
export interface RestoredMonitor {
  readonly monitor: ChannelMonitor;
  readonly stored: StoredMonitor;
}

interface MonitorEntries {
  setup?: KvEntry;
  state?: KvEntry;
  /** By the numbers in their keys, rising. */
  readonly update: Map<number, KvEntry>;
  readonly htlcs: Map<number, KvEntry>;
  readonly secret: Map<number, KvEntry>;
}

/** All rows of a monitor, read. */
interface MonitorRows {
  readonly setup: MonitorSetup;
  readonly state: StoredState;
  readonly updates: ReadonlyMap<number, StoredUpdates>;
  readonly changes: ReadonlyMap<number, readonly StoredChanges[]>;
  readonly secrets: ReadonlyMap<number, ShachainEntry>;
}

/** The rows that count. */
interface LiveRows extends Omit<MonitorRows, "updates" | "secrets"> {
  readonly folded: Folded;
  /** Updates above `folded.foldedTo`, in order. */
  readonly log: readonly LoggedUpdates[];
  /** All secrets that the peer revealed. */
  readonly secrets: ShachainStore;
}

/** The monitors of all channels, from all entries below `monitorsPrefix` in the order of their keys. */
export function restoreMonitors(
  entries: Iterable<KvEntry>,
): Result<readonly RestoredMonitor[], StorageError> {
  const byChannel = new Map<ChannelId, MonitorEntries>();
  for (const entry of entries) {
    const parsed = parseMonitorKey(entry.key);
    if (parsed === undefined) return err(corruptRecord(entry.key, "its name is unknown"));
    const { channelId, row, number } = parsed;
    let found = byChannel.get(channelId);
    if (found === undefined) {
      found = { update: new Map(), htlcs: new Map(), secret: new Map() };
      byChannel.set(channelId, found);
    }
    if (row === "setup" || row === "state") found[row] = entry;
    else found[row].set(number, entry);
  }
  const monitors: RestoredMonitor[] = [];
  for (const [channelId, found] of byChannel) {
    try {
      const rows = readRows(channelId, found);
      if (!rows.ok) return rows;
      const restored = restoreMonitor(channelId, rows.value);
      if (!restored.ok) return restored;
      monitors.push(restored.value);
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      return err(
        corruptRecord(monitorPrefix(channelId), `its records contradict each other: ${error.message}`),
      );
    }
  }
  return ok(monitors);
}

function readRows(channelId: ChannelId, entries: MonitorEntries): Result<MonitorRows, StorageError> {
  if (entries.setup === undefined) {
    return err(
      missingRecord(monitorSetupKey(channelId), `what the monitor of channel ${channelId} starts with`),
    );
  }
  if (entries.state === undefined) {
    return err(missingRecord(monitorStateKey(channelId), `the state of the monitor of channel ${channelId}`));
  }
  const setup = readMonitorSetup(entries.setup);
  if (!setup.ok) return setup;
  if (setup.value.channelId !== channelId) {
    return err(corruptRecord(entries.setup.key, `it is of channel ${setup.value.channelId}`));
  }
  const state = readStoredState(entries.state);
  if (!state.ok) return state;
  const updates = readAll(entries.update, readStoredUpdates);
  if (!updates.ok) return updates;
  const changes = readAll(entries.htlcs, readStoredChanges);
  if (!changes.ok) return changes;
  const secrets = readAll(entries.secret, readStoredSecret);
  if (!secrets.ok) return secrets;
  return ok({
    setup: setup.value,
    state: state.value,
    updates: updates.value,
    changes: changes.value,
    secrets: secrets.value,
  });
}

function readAll<T>(
  entries: ReadonlyMap<number, KvEntry>,
  read: (entry: KvEntry) => Result<T, StorageError>,
): Result<ReadonlyMap<number, T>, StorageError> {
  const values = new Map<number, T>();
  for (const [number, entry] of entries) {
    const value = read(entry);
    if (!value.ok) return value;
    values.set(number, value.value);
  }
  return ok(values);
}

function restoreMonitor(channelId: ChannelId, rows: MonitorRows): Result<RestoredMonitor, StorageError> {
  const read = liveRows(channelId, rows);
  if (!read.ok) return read;
  const { setup, state, folded, log, changes } = read.value;
  const known = { setup, htlcs: addedHtlcs(changes), secrets: read.value.secrets };
  const carried = log.flatMap(({ row }) => row.carried ?? []).map((step) => wholeStep(step, [], known));
  let monitor = withCarried(foldedMonitor(read.value), carried);
  for (const { row } of log) {
    const ofRow = changes.get(row.first) ?? [];
    for (const [i, steps] of row.updates.entries()) {
      const updateId = row.first + i;
      const whole = steps.map((step) => wholeStep(step, ofRow, known));
      const outcome = applyUpdate(monitor, { channelId, updateId, after: [], steps: whole });
      invariant(
        outcome.kind === "applied" || outcome.kind === "refused",
        `update ${updateId}: ${outcome.kind}`,
      );
      monitor = outcome.monitor;
    }
  }
  const commitments = [monitor.holder, ...monitor.counterparty];
  if (commitments.some((one) => one.commitments.length === 0)) {
    return err(missingRecord(monitorUpdatesPrefix(channelId), "the update with a commitment that is valid"));
  }
  const { fundingSpend, spends } = state;
  monitor = { ...monitor, chain: restoredChainView(monitor, fundingSpend, spends) };
  return ok({ monitor, stored: new StoredMonitor(setup, { folded, log }) });
}

/** Sorts out rows whose slots are free; what must be there and is not, or the other way round, is the error. */
function liveRows(channelId: ChannelId, rows: MonitorRows): Result<LiveRows, StorageError> {
  const { setup, state, updates, changes } = rows;
  let { folded } = state;
  for (const row of updates.values()) if (row.folded.foldedTo > folded.foldedTo) folded = row.folded;
  const log: LoggedUpdates[] = [];
  for (const [slot, row] of updates) if (lastOf(row) > folded.foldedTo) log.push({ slot, row });
  log.sort((a, b) => a.row.first - b.row.first);
  let expected = folded.foldedTo + 1;
  let revealed: number = folded.oldest;
  for (const { slot, row } of log) {
    const { first, changesHtlcs } = row;
    const text = `update ${expected} of the monitor of channel ${channelId}`;
    if (first < expected)
      return err(corruptRecord(monitorUpdateKey(channelId, slot), `${text} is there twice`));
    if (first > expected) return err(missingRecord(monitorUpdatesPrefix(channelId), text));
    const key = monitorHtlcsKey(channelId, first);
    if (changesHtlcs === true && !changes.has(first)) {
      return err(missingRecord(key, `which HTLCs update ${first} of channel ${channelId} changed`));
    }
    if (changesHtlcs === undefined && changes.has(first)) {
      return err(corruptRecord(key, "its update knows none"));
    }
    for (const step of row.updates.flat()) if (step.kind === "commitment-secret") revealed = step.number + 1;
    expected = lastOf(row) + 1;
  }
  const last = [...changes.keys()].at(-1) ?? 0;
  if (last >= expected) {
    const text = `update ${last} of the monitor of channel ${channelId}`;
    return err(missingRecord(monitorUpdatesPrefix(channelId), text));
  }
  const past = [...changes.keys()].filter((updateId) => updateId <= folded.foldedTo).length;
  if (past !== folded.changes) {
    const text = `${folded.changes} rows of HTLCs were written up to update ${folded.foldedTo}, ${past} are there`;
    return err(missingRecord(monitorHtlcsPrefix(channelId), text));
  }
  const secrets = secretsOf(rows.secrets, revealed, (position) => monitorSecretKey(channelId, position));
  if (!secrets.ok) return secrets;
  return ok({ setup, state, folded, log, changes, secrets: secrets.value });
}

/** The monitor after the last folded update. Commitments that were folded, and replaced or revoked later, are blank. */
function foldedMonitor({ setup, state, folded, changes, secrets }: LiveRows): ChannelMonitor {
  const fresh = newMonitor(setup);
  const { holder, oldest, latest, shutdownScript, foldedTo } = folded;
  const { lock, claims, handedOver } = state;
  const blank = <C extends { readonly number: CommitmentNumber }>(commitment: C, number: CommitmentNumber) =>
    number === commitment.number ? commitment : { ...commitment, number, commitments: [] };
  const [firstOfPeer] = fresh.counterparty;
  const theirs = present(firstOfPeer, "the peer's first commitment");
  const table = new Map<string, MonitoredRow>();
  for (const [updateId, all] of changes) {
    if (updateId <= foldedTo) for (const one of all) change(table, one);
  }
  const { rows, retired } = retireRows([...table.values()], oldest);
  const script = shutdownScript ?? fresh.shutdownScript;
  return {
    ...fresh,
    latestUpdateId: foldedTo,
    holder: blank(fresh.holder, holder),
    counterparty: [blank(theirs, oldest), ...(latest > oldest ? [blank(theirs, latest)] : [])],
    secrets: shachainAt(secrets, oldest),
    rows,
    past: withPast(undefined, retired),
    ...(script && { shutdownScript: script }),
    ...(lock && { lock }),
    claims,
    handedOver,
  };
}

/** The monitor after the last folded update with those of its parts that a row carries, as far as they still count. */
function withCarried(folded: ChannelMonitor, carried: readonly ChannelMonitorUpdateStep[]): ChannelMonitor {
  let monitor = folded;
  for (const step of carried) {
    if (step.kind === "holder-commitment") {
      const { kind: _, htlcs: __, ...holder } = step;
      if (step.number === monitor.holder.number) monitor = { ...monitor, holder };
    } else if (step.kind === "counterparty-commitment") {
      const { kind: _, htlcs: __, ...theirs } = step;
      const counterparty = monitor.counterparty.map((one) => (one.number === theirs.number ? theirs : one));
      monitor = { ...monitor, counterparty };
    } else if (step.kind === "payment-preimage") {
      const { kind: _, ...known } = step;
      const isClaimable = monitor.rows.some(
        ({ htlc }) => htlc.direction === "incoming" && htlc.paymentHash === known.paymentHash,
      );
      if (isClaimable) monitor = { ...monitor, preimages: [...monitor.preimages, known] };
    }
  }
  return monitor;
}

function change(table: Map<string, MonitoredRow>, changes: StoredChanges): void {
  const { side, number, added, entered, left } = changes;
  const known = (key: string): MonitoredRow => present(table.get(key), `HTLC ${key}`);
  for (const htlc of added) {
    const key = htlcKey(htlc);
    table.set(key, { key, htlc, local: {}, remote: {}, [side]: { entered: number } });
  }
  for (const key of entered) table.set(key, { ...known(key), [side]: { entered: number } });
  for (const key of left) {
    const row = known(key);
    table.set(key, { ...row, [side]: { ...row[side], left: number } });
  }
}

function addedHtlcs(
  changes: ReadonlyMap<number, readonly StoredChanges[]>,
): ReadonlyMap<string, MonitoredHtlc> {
  const htlcs = new Map<string, MonitoredHtlc>();
  for (const all of changes.values()) {
    for (const { added } of all) for (const htlc of added) htlcs.set(htlcKey(htlc), htlc);
  }
  return htlcs;
}

/** A step with what other rows have of it. */
function wholeStep(
  step: StoredStep,
  changes: readonly StoredChanges[],
  known: {
    readonly setup: MonitorSetup;
    readonly htlcs: ReadonlyMap<string, MonitoredHtlc>;
    readonly secrets: ShachainStore;
  },
): ChannelMonitorUpdateStep {
  if (step.kind === "commitment-secret") {
    const secret = present(secretFor(known.secrets, step.number), `secret ${step.number} of the peer`);
    return { ...step, secret };
  }
  if (step.kind !== "holder-commitment" && step.kind !== "counterparty-commitment") return step;
  const side = step.kind === "holder-commitment" ? "local" : "remote";
  const own = changes.find((one) => one.side === side && one.number === step.number);
  const entered = own?.entered.map((key) => present(known.htlcs.get(key), `HTLC ${key}`)) ?? [];
  const htlcs: HtlcChanges = { entered: [...entered, ...(own?.added ?? [])], left: own?.left ?? [] };
  const { outPoint } = known.setup.funding;
  const withFunding = <B extends { readonly funding: OutPoint | undefined }>(balances: B) => {
    return { ...balances, funding: balances.funding ?? outPoint };
  };
  return step.kind === "holder-commitment"
    ? { ...step, htlcs, commitments: step.commitments.map(withFunding) }
    : { ...step, htlcs, commitments: step.commitments.map(withFunding) };
}

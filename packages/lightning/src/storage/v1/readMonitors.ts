import type { KvEntry } from "../../chain/kvStore.ts";
import { htlcKey } from "../../commitment/htlc.ts";
import type { ShachainEntry } from "../../crypto/shachain.ts";
import { applyUpdate, type ChannelMonitor, newMonitor } from "../../onchain/channelMonitor.ts";
import type {
  ChannelMonitorUpdateStep,
  HtlcChanges,
  MonitoredHtlc,
} from "../../onchain/channelMonitorUpdate.ts";
import { restoredChainView } from "../../onchain/confirmations.ts";
import { type MonitoredRow, retireRows } from "../../onchain/htlcTable.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import type { ChannelId, CommitmentNumber } from "../../util/ids.ts";
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
  readStoredChanges,
  readStoredState,
  readStoredUpdate,
  type StoredChanges,
  type StoredState,
  type StoredStep,
  type StoredUpdate,
} from "./monitorRows.ts";
import { readStoredSecret, secretsOf } from "./secretRows.ts";
import { StoredMonitor } from "./storedMonitor.ts";

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
  readonly updates: ReadonlyMap<number, StoredUpdate>;
  readonly changes: ReadonlyMap<number, readonly StoredChanges[]>;
  readonly secrets: ReadonlyMap<number, ShachainEntry>;
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
  const updates = readAll(entries.update, readStoredUpdate);
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
  const { setup, state, updates } = rows;
  const lacking = missingRow(channelId, rows);
  if (lacking !== undefined) return err(lacking);
  let monitor = foldedMonitor(rows);
  const htlcs = addedHtlcs(rows.changes);
  for (const [updateId, { steps }] of updates) {
    const changes = rows.changes.get(updateId) ?? [];
    const update = {
      channelId,
      updateId,
      after: [],
      steps: steps.map((one) => wholeStep(one, changes, htlcs)),
    };
    const outcome = applyUpdate(monitor, update);
    invariant(
      outcome.kind === "applied" || outcome.kind === "refused",
      `update ${updateId}: ${outcome.kind}`,
    );
    monitor = outcome.monitor;
  }
  const commitments = [monitor.holder, ...monitor.counterparty];
  if (commitments.some((one) => one.commitments.length === 0)) {
    return err(missingRecord(monitorUpdatesPrefix(channelId), "the update with a commitment that is valid"));
  }
  const { fundingSpend, spends, lock: _, claims: __, handedOver: ___, ...folded } = state;
  monitor = { ...monitor, chain: restoredChainView(monitor, fundingSpend, spends) };
  const log = [...updates].map(([updateId, update]) => ({ updateId, ...update }));
  return ok({ monitor, stored: new StoredMonitor(setup, { folded, log }) });
}

/** What must be there and is not; and what must not be there. */
function missingRow(
  channelId: ChannelId,
  { state, updates, changes, secrets }: MonitorRows,
): StorageError | undefined {
  let expected = state.foldedTo + 1;
  for (const [updateId, { changesHtlcs }] of updates) {
    if (updateId < expected)
      return corruptRecord(monitorUpdateKey(channelId, updateId), "it was folded before");
    if (updateId > expected) {
      const key = monitorUpdateKey(channelId, expected);
      return missingRecord(key, `update ${expected} of the monitor of channel ${channelId}`);
    }
    const key = monitorHtlcsKey(channelId, updateId);
    if (changesHtlcs === true && !changes.has(updateId)) {
      return missingRecord(key, `which HTLCs update ${updateId} of channel ${channelId} changed`);
    }
    if (changesHtlcs === undefined && changes.has(updateId))
      return corruptRecord(key, "its update knows none");
    expected++;
  }
  const last = [...changes.keys()].at(-1) ?? 0;
  if (last >= expected) {
    return missingRecord(
      monitorUpdateKey(channelId, last),
      `update ${last} of the monitor of channel ${channelId}`,
    );
  }
  const folded = [...changes.keys()].filter((updateId) => updateId <= state.foldedTo).length;
  if (folded !== state.changes) {
    const text = `${state.changes} rows of HTLCs were written up to update ${state.foldedTo}, ${folded} are there`;
    return missingRecord(monitorHtlcsPrefix(channelId), text);
  }
  const known = secretsOf(secrets, state.oldest, (position) => monitorSecretKey(channelId, position));
  return known.ok ? undefined : known.error;
}

/** The monitor after the last folded update. Commitments that were folded, and replaced or revoked later, are blank. */
function foldedMonitor({ setup, state, changes, secrets }: MonitorRows): ChannelMonitor {
  const fresh = newMonitor(setup);
  const { holder, oldest, latest, shutdownScript, lock, claims, handedOver, foldedTo } = state;
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
    secrets: { entries: [...secrets.values()] },
    rows,
    past: retired.length > 0 ? { htlcs: retired } : undefined,
    ...(script && { shutdownScript: script }),
    ...(lock && { lock }),
    claims,
    handedOver,
  };
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

/** A step with the HTLCs that came and went. */
function wholeStep(
  step: StoredStep,
  changes: readonly StoredChanges[],
  htlcs: ReadonlyMap<string, MonitoredHtlc>,
): ChannelMonitorUpdateStep {
  if (step.kind !== "holder-commitment" && step.kind !== "counterparty-commitment") return step;
  const side = step.kind === "holder-commitment" ? "local" : "remote";
  const own = changes.find((one) => one.side === side && one.number === step.number);
  const entered = own?.entered.map((key) => present(htlcs.get(key), `HTLC ${key}`)) ?? [];
  const all: HtlcChanges = { entered: [...entered, ...(own?.added ?? [])], left: own?.left ?? [] };
  return step.kind === "holder-commitment" ? { ...step, htlcs: all } : { ...step, htlcs: all };
}

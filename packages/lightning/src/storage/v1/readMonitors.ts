import type { KvEntry } from "../../chain/kvStore.ts";
import { applyUpdate, type ChannelMonitor, newMonitor } from "../../onchain/channelMonitor.ts";
import type { PastHtlcs } from "../../onchain/htlcTable.ts";
import type { ChannelId } from "../../util/ids.ts";
import { InvariantError } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, type StorageError } from "../storageError.ts";
import { monitorPrefix, monitorSetupKey, monitorUpdateKey, parseMonitorKey } from "./keys.ts";
import { readMonitorSetup, readMonitorUpdate } from "./monitor.ts";
import { readMonitorSnapshot, readPastHtlcs, type StoredPart, setupOnly } from "./monitorSnapshot.ts";

/** A monitor as the store has it, and how much of it is not in single updates. */
export interface RestoredMonitor {
  readonly monitor: ChannelMonitor;
  readonly stored: StoredPart;
}

interface MonitorEntries {
  setup?: KvEntry;
  snapshot?: KvEntry;
  readonly updates: KvEntry[];
  readonly past: KvEntry[];
}

/** The monitors of all channels, from all entries below `monitorsPrefix` in the order of their keys. */
export function restoreMonitors(
  entries: Iterable<KvEntry>,
): Result<readonly RestoredMonitor[], StorageError> {
  const byChannel = new Map<ChannelId, MonitorEntries>();
  for (const entry of entries) {
    const parsed = parseMonitorKey(entry.key);
    if (parsed === undefined) return err(corruptRecord(entry.key, "its name is unknown"));
    const { channelId, row } = parsed;
    let found = byChannel.get(channelId);
    if (found === undefined) {
      found = { updates: [], past: [] };
      byChannel.set(channelId, found);
    }
    if (row === "setup" || row === "snapshot") found[row] = entry;
    else (row === "update" ? found.updates : found.past).push(entry);
  }
  const monitors: RestoredMonitor[] = [];
  for (const [channelId, found] of byChannel) {
    try {
      const restored = restoreMonitor(channelId, found);
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

function restoreMonitor(
  channelId: ChannelId,
  { setup: setupEntry, snapshot, updates, past: pastEntries }: MonitorEntries,
): Result<RestoredMonitor, StorageError> {
  if (setupEntry === undefined) {
    return err(
      missingRecord(monitorSetupKey(channelId), `what the monitor of channel ${channelId} starts with`),
    );
  }
  const setup = readMonitorSetup(setupEntry);
  if (!setup.ok) return setup;
  let past: PastHtlcs | undefined;
  for (const entry of pastEntries) {
    const htlcs = readPastHtlcs(entry);
    if (!htlcs.ok) return htlcs;
    past = { htlcs: htlcs.value, ...(past && { before: past }) };
  }
  let monitor: ChannelMonitor;
  let stored = setupOnly;
  if (snapshot === undefined) {
    monitor = newMonitor(setup.value);
  } else {
    const read = readMonitorSnapshot(snapshot, setup.value, past);
    if (!read.ok) return read;
    const { pastRows } = read.value;
    monitor = read.value.monitor;
    if (pastRows !== pastEntries.length) {
      const key = `${monitorPrefix(channelId)}past/`;
      return err(
        missingRecord(key, `${pastRows} rows of past HTLCs were written, ${pastEntries.length} are there`),
      );
    }
    stored = { updateId: monitor.latestUpdateId, past, pastRows };
  }
  for (const entry of updates) {
    const next = replayed(monitor, entry);
    if (!next.ok) return next;
    monitor = next.value;
  }
  return ok({ monitor, stored });
}

/** The monitor after a stored update, which it took in, or refused, when it came first. */
function replayed(monitor: ChannelMonitor, entry: KvEntry): Result<ChannelMonitor, StorageError> {
  const update = readMonitorUpdate(entry);
  if (!update.ok) return update;
  const { channelId, updateId } = update.value;
  if (entry.key !== monitorUpdateKey(channelId, updateId) || channelId !== monitor.setup.channelId) {
    return err(corruptRecord(entry.key, `it holds update ${updateId} of channel ${channelId}`));
  }
  const outcome = applyUpdate(monitor, update.value);
  switch (outcome.kind) {
    case "applied":
    case "refused":
      return ok(outcome.monitor);
    case "duplicate":
      return ok(monitor);
    case "gap": {
      const key = monitorUpdateKey(channelId, outcome.expected);
      return err(missingRecord(key, `update ${outcome.expected} of the monitor of channel ${channelId}`));
    }
  }
}

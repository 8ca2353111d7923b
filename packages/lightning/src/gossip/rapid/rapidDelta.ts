import type { NodeId, UnixSeconds } from "../../util/ids.ts";
import {
  type KnownChannel,
  type KnownNode,
  type KnownTerms,
  type RapidGossipHistory,
  termFields,
} from "./rapidHistory.ts";
import type {
  RapidChannel,
  RapidChannelUpdate,
  RapidNode,
  RapidSnapshot,
  RapidTerms,
  RapidVersion,
} from "./rapidSnapshot.ts";

const day = 24 * 3600;
/**
 * Seconds after which everything is mentioned again, changed or not.
 *
 * @ldk rapid-gossip-sync-server CHANNEL_REMINDER_AGE
 */
const reminderInterval = 6 * day;
/** Seconds after which a client forgets what no snapshot mentions: it backdates what it is told by one week of two. */
const clientMemory = 7 * day;

/** What a snapshot is to be like. */
export interface SnapshotRequest {
  readonly version: RapidVersion;
  /** The client knows the graph as of then (a `latestSeen`); 0 when it knows nothing. */
  readonly since: UnixSeconds;
}

/**
 * What a client has to be told. One that has been away for so long that it may have forgotten a channel is told of it
 * as if it were new.
 */
export function rapidSnapshotSince(history: RapidGossipHistory, request: SnapshotRequest): RapidSnapshot {
  const { version, since } = request;
  // Before the history began, all is new to it, and so to whoever was there before.
  const period: Period = { since, until: history.observedAt };
  const channels: RapidChannel[] = [];
  const updates: RapidChannelUpdate[] = [];
  const forgotten = new Set<NodeId>();
  for (const channel of history.channels) {
    const isForgotten = mayBeForgotten(channel, period);
    if (isForgotten) forgotten.add(channel.nodeOne).add(channel.nodeTwo);
    const isNew = isForgotten || channel.announcedAt > since;
    if (isNew) channels.push(announced(channel, version));
    addUpdates(updates, channel, { period, isNew });
  }
  const nodes: RapidNode[] = [];
  if (version === 2) {
    for (const node of history.nodes) {
      const changes = nodeChanges(node, { period, isNew: forgotten.has(node.nodeId) });
      if (changes !== undefined) nodes.push(changes);
    }
  }
  return {
    version,
    chainHash: history.chainHash,
    latestSeen: history.observedAt,
    nodes,
    channels,
    updates,
  };
}

/** The time that a snapshot is about. */
interface Period {
  readonly since: UnixSeconds;
  readonly until: UnixSeconds;
}

/** The times at which something is mentioned anyway are its own, so that not all is mentioned at once. */
function lastReminderBy(time: number, phase: number): number {
  return time - ((((time - phase) % reminderInterval) + reminderInterval) % reminderInterval);
}

function isReminderDue(phase: number, { since, until }: Period): boolean {
  return lastReminderBy(until, phase) > since;
}

function phaseOf({ shortChannelId }: KnownChannel): number {
  return Number(shortChannelId % BigInt(reminderInterval));
}

function mayBeForgotten(channel: KnownChannel, { since, until }: Period): boolean {
  if (until - since >= clientMemory) return true;
  const reminded = lastReminderBy(since, phaseOf(channel));
  if (until - reminded < clientMemory) return false;
  if (until - channel.announcedAt < clientMemory) return false;
  return [channel.oneToTwo, channel.twoToOne].some(
    (known) => until - lastChange(known, since) >= clientMemory,
  );
}

/** The last change of which a client knows that has been told of everything until `since`. */
function lastChange({ changedAt }: KnownTerms, since: UnixSeconds): number {
  let last = changedAt.enabled <= since ? changedAt.enabled : 0;
  for (const field of termFields) {
    const at = changedAt[field];
    if (at <= since && at > last) last = at as UnixSeconds;
  }
  return last;
}

function announced(channel: KnownChannel, version: RapidVersion): RapidChannel {
  const { shortChannelId, nodeOne, nodeTwo, features, capacity } = channel;
  const hasCapacity = version === 2 && capacity !== undefined;
  return { shortChannelId, nodeOne, nodeTwo, features, ...(hasCapacity && { capacity }) };
}

function addUpdates(
  updates: RapidChannelUpdate[],
  channel: KnownChannel,
  { period, isNew }: { readonly period: Period; readonly isNew: boolean },
): void {
  const { shortChannelId } = channel;
  const isReminded = isReminderDue(phaseOf(channel), period);
  for (const isFromNodeOne of [true, false]) {
    const known = isFromNodeOne ? channel.oneToTwo : channel.twoToOne;
    const about = { shortChannelId, isFromNodeOne, enabled: known.enabled };
    const changed = termFields.filter((field) => known.changedAt[field] > period.since);
    if (isNew || changed.length === termFields.length) {
      updates.push({ ...about, kind: "full", terms: known.terms });
    } else if (changed.length > 0 || known.changedAt.enabled > period.since || isReminded) {
      updates.push({ ...about, kind: "incremental", changes: pick(known.terms, changed) });
    }
  }
}

function pick(terms: RapidTerms, fields: readonly (keyof RapidTerms)[]): Partial<RapidTerms> {
  return Object.fromEntries(fields.map((field) => [field, terms[field]]));
}

function nodeChanges(
  node: KnownNode,
  { period, isNew }: { readonly period: Period; readonly isNew: boolean },
): RapidNode | undefined {
  const { nodeId, features, addresses } = node;
  const hasFeatures = isNew || node.featuresChangedAt > period.since;
  const hasAddresses = isNew || node.addressesChangedAt > period.since;
  const phase = Number.parseInt(nodeId.slice(2, 10), 16) % reminderInterval;
  if (!hasFeatures && !hasAddresses && !isReminderDue(phase, period)) return undefined;
  return { nodeId, ...(hasFeatures && { features }), ...(hasAddresses && { addresses }) };
}

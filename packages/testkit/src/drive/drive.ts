import type { KvEntry } from "@fulmen/lightning/chain";
import {
  type ChannelAction,
  type ChannelContext,
  type ChannelInput,
  type ChannelState,
  type ChannelStep,
  type FundedChannel,
  fundedChannel,
  step,
} from "@fulmen/lightning/channel";
import { toJson } from "@fulmen/lightning/codec";
import { specOf } from "@fulmen/lightning/commitment";
import { channelWrites, readChannel } from "@fulmen/lightning/storage";
import { invariant } from "@fulmen/lightning/util";
import type { InputJournal } from "./journal.ts";

/** A channel under test: its state, and the world as it sees it. */
export interface DrivenChannel {
  readonly ctx: ChannelContext;
  readonly state: ChannelState;
  /** Where the step is written down, so that a failing run can be replayed. */
  readonly journal?: InputJournal;
}

/**
 * One step of a channel, and everything that must be true of every step: it gives the same twice, leaves what it was
 * given as it was, keeps the channel's invariants, and its records are read back as they were written. Throws
 * `InvariantError` otherwise.
 */
export function drive(
  { ctx, state, journal }: DrivenChannel,
  input: ChannelInput,
): ChannelStep<ChannelState> {
  const before = text(state);
  const first = step(ctx, state, input);
  journal?.record(ctx, input, first);
  const second = step(ctx, state, input);
  invariant(text(first) === text(second), `${input.kind} in ${state.kind} does not give the same twice`);
  invariant(text(state) === before, `${input.kind} changed the state that it was given`);
  checkInvariants(state, first);
  if (has(first.actions, "persist")) checkRecords(first.state);
  return first;
}

/** What is stored of a channel is read back, and would be stored again as it is. */
function checkRecords(state: ChannelState): void {
  const stored = storedEntries(state);
  const read = readChannel(stored);
  invariant(read.ok, read.ok ? "" : `records that cannot be read: ${read.error.text}`);
  invariant(text(storedEntries(read.value)) === text(stored), "records that come back as others");
}

function storedEntries(state: ChannelState): readonly KvEntry[] {
  const entries = channelWrites(undefined, state, []).flatMap(({ key, value }) =>
    value === undefined ? [] : [{ key, value }],
  );
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function text(value: unknown): string {
  return JSON.stringify(toJson(value));
}

function checkInvariants(before: ChannelState, { state, actions }: ChannelStep<ChannelState>): void {
  const updates = actions.flatMap((action) =>
    action.kind === "watch-update" ? [action.update.updateId] : [],
  );
  const was = fundedChannel(before);
  const is = fundedChannel(state);
  if (is === undefined) {
    invariant(was === undefined || state.kind === "ended", "a funded channel was lost");
    return;
  }
  checkBalances(is);
  checkRows(is);
  let expected = was?.lastUpdateId ?? 1;
  for (const id of updates) {
    expected++;
    invariant(id === expected, `monitor update ${id}, expected ${expected}`);
  }
  invariant(is.lastUpdateId === expected, `last update ${is.lastUpdateId}, ${expected} was given out`);
  if (was === undefined) {
    invariant(has(actions, "watch-channel") && has(actions, "persist"), "funded, and not watched and stored");
    return;
  }
  checkCounters(was, is, state);
  if (mustBeStored(was, is)) invariant(has(actions, "persist"), "a change that must be stored, and is not");
}

/** Balances, HTLCs included, always make up the capacity, on every commitment that there is or may be next. */
function checkBalances({ commitments }: FundedChannel): void {
  const { fundings, localNumber, remoteNumber, remoteNext } = commitments;
  for (const funding of fundings) {
    const capacity = funding.capacity * 1000n;
    const balances = funding.localBalance + funding.remoteBalance;
    invariant(balances === capacity, `balances of ${balances} msat on a capacity of ${capacity} msat`);
    const specs = [
      specOf(commitments, funding, "local", "next"),
      specOf(commitments, funding, "remote", "next"),
      specOf(commitments, funding, "local", localNumber),
      specOf(commitments, funding, "remote", remoteNumber),
    ];
    if (remoteNext !== undefined) specs.push(specOf(commitments, funding, "remote", remoteNext.number));
    for (const { toLocal, toRemote, htlcs } of specs) {
      const total = htlcs.reduce((sum, { amount }) => sum + amount, toLocal + toRemote);
      invariant(total === capacity, `a commitment of ${total} msat on a capacity of ${capacity} msat`);
    }
  }
}

/** Every HTLC is there once, and who asked for it, or what becomes of it, is known. */
function checkRows({ commitments, incoming, outgoing }: FundedChannel): void {
  const seen = new Set<string>();
  for (const { direction, id } of commitments.htlcs) {
    const key = `${direction} ${id}`;
    invariant(!seen.has(key), `${key} is there twice`);
    seen.add(key);
    const rows = direction === "incoming" ? incoming : outgoing;
    invariant(
      rows.some((row) => row.id === id),
      `${key} has no record`,
    );
  }
  invariant(incoming.length + outgoing.length === seen.size, "records of HTLCs that are gone");
}

function checkCounters(was: FundedChannel, is: FundedChannel, state: ChannelState): void {
  const a = was.commitments;
  const b = is.commitments;
  invariant(b.localNumber >= a.localNumber && b.localNumber <= a.localNumber + 1, "our number jumped");
  invariant(
    b.remoteNumber >= a.remoteNumber && b.remoteNumber <= a.remoteNumber + 1,
    "the peer's number jumped",
  );
  // Updates that no signature covers are forgotten, and their ids used again, only without a connection.
  const forgetful = state.kind === "offline" || state.kind === "closing";
  const rising = b.nextLocalHtlcId >= a.nextLocalHtlcId && b.nextRemoteHtlcId >= a.nextRemoteHtlcId;
  invariant(rising || forgetful, "HTLC ids are used again");
}

function mustBeStored(was: FundedChannel, is: FundedChannel): boolean {
  const a = was.commitments;
  const b = is.commitments;
  return (
    was.lastUpdateId !== is.lastUpdateId ||
    a.localNumber !== b.localNumber ||
    a.remoteNumber !== b.remoteNumber ||
    a.remoteNext?.number !== b.remoteNext?.number ||
    was.localReady !== is.localReady ||
    was.remoteReady !== is.remoteReady ||
    was.fundingStatus !== is.fundingStatus ||
    was.announcementSignatures !== is.announcementSignatures ||
    was.shutdown !== is.shutdown
  );
}

function has(actions: readonly ChannelAction[], kind: ChannelAction["kind"]): boolean {
  return actions.some((action) => action.kind === kind);
}

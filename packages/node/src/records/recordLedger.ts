import type { Event } from "@fulmen/lightning/handlers";
import { type ChannelId, type Msat, minusOrZero, sum } from "@fulmen/lightning/util";
import type { LedgerAccount, LedgerPosting } from "../api/ledger.ts";
import { channelPrefix, type JournalTransaction } from "../journal/index.ts";

/** What the ledger remembers of a channel. */
export interface ChannelNote {
  readonly isClosed?: true;
  /** Its funding is not going to be used. */
  readonly isDiscarded?: true;
  /** Msat that the opener gave the other side. */
  readonly push?: bigint;
  /** A peer opened it, and what it gave us is not booked: no block has its funding. */
  readonly isPromised?: boolean;
  /** Msat that its close is known to cost. */
  readonly costs?: bigint;
  /** Our share goes to an address outside of the wallet. */
  readonly goesElsewhere?: true;
}

export function channelNote(journal: JournalTransaction, id: ChannelId): Promise<ChannelNote | undefined> {
  return journal.get<ChannelNote>(`${channelPrefix}${id}`);
}

export async function noteChannel(
  journal: JournalTransaction,
  id: ChannelId,
  note: ChannelNote,
): Promise<void> {
  journal.put(`${channelPrefix}${id}`, { id, ...(await channelNote(journal, id)), ...note });
}

/** What was agreed about a channel that is opening. */
export interface OpeningFacts {
  readonly isOutbound: boolean;
  /** What the opener gives the other side. */
  readonly push: Msat;
}

/** Where a channel's money is booked: once it is closed, elsewhere. */
async function accountOf(journal: JournalTransaction, id: ChannelId): Promise<LedgerAccount> {
  const note = await channelNote(journal, id);
  return note?.isClosed ? `closing/${id}` : `channel/${id}`;
}

/** Books what the manager's event moved. */
export async function recordLedger(
  journal: JournalTransaction,
  event: Event,
  opening: OpeningFacts | undefined,
): Promise<void> {
  switch (event.kind) {
    case "channel-pending":
      if (opening !== undefined) await opened(journal, event.channelId, opening);
      return;
    case "channel-ready":
      return becameOurs(journal, event.channelId);
    case "payment-path-successful":
      return sent(journal, event);
    case "payment-claimed":
      return received(journal, event);
    case "payment-forwarded":
      return forwarded(journal, event);
    case "channel-closed": {
      const { channelId, funding } = event;
      // Nothing was ever in it: anybody can begin such channels, as many as they like.
      if (funding === undefined) return;
      const share = journal.account(`channel/${channelId}`);
      await noteChannel(journal, channelId, { isClosed: true });
      journal.entry({
        kind: "channel-close",
        postings: [
          { account: `channel/${channelId}`, amount: -share },
          { account: `closing/${channelId}`, amount: share },
        ],
        reference: channelId,
        text: "the channel closes: what we had in it is on its way to the wallet",
      });
      return;
    }
    case "discard-funding":
      return noteChannel(journal, event.channelId, { isDiscarded: true });
    default:
  }
}

/** Our own fundings are booked when the wallet sees them; of the peer's, what it gave us, once there is something. */
async function opened(
  journal: JournalTransaction,
  id: ChannelId,
  { isOutbound, push }: OpeningFacts,
): Promise<void> {
  await noteChannel(journal, id, { push, ...(!isOutbound && { isPromised: true }) });
}

async function becameOurs(journal: JournalTransaction, id: ChannelId): Promise<void> {
  const { push = 0n, isPromised = false } = (await channelNote(journal, id)) ?? {};
  if (!isPromised) return;
  await noteChannel(journal, id, { isPromised: false });
  journal.entry({
    kind: "channel-open",
    postings: [
      { account: await accountOf(journal, id), amount: push },
      { account: "push/received", amount: -push },
    ],
    reference: id,
    text: "the peer gave us this when it opened the channel",
  });
}

async function sent(
  journal: JournalTransaction,
  { sent: part, finalValue, paymentHash, path }: Extract<Event, { kind: "payment-path-successful" }>,
): Promise<void> {
  if (part === undefined || finalValue === undefined) return;
  const fee = minusOrZero(part.amount, finalValue);
  journal.entry({
    kind: "payment-sent",
    postings: [
      { account: await accountOf(journal, part.channelId), amount: -part.amount },
      { account: "lightning/sent", amount: part.amount - fee },
      { account: "fees/routing-paid", amount: fee },
    ],
    reference: paymentHash,
    text: `paid over ${path.length} ${path.length === 1 ? "channel" : "channels"}`,
  });
}

async function received(
  journal: JournalTransaction,
  { htlcs = [], paymentHash }: Extract<Event, { kind: "payment-claimed" }>,
): Promise<void> {
  const postings: LedgerPosting[] = [];
  for (const { channelId, value } of htlcs) {
    postings.push({ account: await accountOf(journal, channelId), amount: value });
  }
  const total = sum(htlcs.map(({ value }) => value));
  journal.entry({
    kind: "payment-received",
    postings: [...postings, { account: "lightning/received", amount: -total }],
    reference: paymentHash,
    text: `received in ${htlcs.length} ${htlcs.length === 1 ? "part" : "parts"}`,
  });
}

async function forwarded(
  journal: JournalTransaction,
  { prevHtlcs, nextHtlcs }: Extract<Event, { kind: "payment-forwarded" }>,
): Promise<void> {
  const postings: LedgerPosting[] = [];
  const add = async (id: ChannelId, amount: bigint): Promise<void> => {
    postings.push({ account: await accountOf(journal, id), amount });
  };
  for (const { channelId, amount } of prevHtlcs) await add(channelId, amount);
  for (const { channelId, amount } of nextHtlcs) await add(channelId, -amount);
  const total = (htlcs: readonly { readonly amount: Msat }[]): bigint =>
    sum(htlcs.map(({ amount }) => amount));
  const earned = total(prevHtlcs) - total(nextHtlcs);
  journal.entry({
    kind: "forward",
    postings: [...postings, { account: "fees/routing-earned", amount: -earned }],
    reference: nextHtlcs[0]?.channelId ?? "",
    text: "passed a payment on",
  });
}

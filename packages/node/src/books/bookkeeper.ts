import { encodeAddress } from "@fulmen/bitcoin/address";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type ChannelId, msat, type OutPoint, type Txid } from "@fulmen/lightning/util";
import type { WalletTransaction } from "@fulmen/wallet";
import type { LedgerAccount, LedgerPosting } from "../api/ledger.ts";
import type { Payment } from "../api/payments.ts";
import { closingBalances } from "../closes/index.ts";
import { bookedKey, bookedPrefix, channelPrefix, type JournalTransaction } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { type ChannelNote, channelNote, noteChannel } from "../records/index.ts";
import { type Ownership, type WalletMove, walletMove } from "./walletMoves.ts";

/** What is booked for a transaction of the wallet. */
interface Booked {
  readonly txid: Txid;
  readonly postings: readonly LedgerPosting[];
  readonly change: bigint;
  readonly height?: number;
}

type BookParts = Pick<
  NodeParts,
  "journal" | "manager" | "chainMonitor" | "sweeper" | "wallet" | "keys" | "network"
>;

/**
 * Books what the chain did: transactions of the wallet as they are seen, confirmed and undone, and what closes really
 * cost. It compares what there is with what is booked, so that doing it twice does nothing, whatever crashed in
 * between.
 */
export class Bookkeeper {
  readonly #parts: BookParts;
  /** What is booked durably. */
  readonly #booked: Map<Txid, Booked>;
  readonly #discarded: Set<ChannelId>;
  #isDue = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(parts: BookParts, booked: Map<Txid, Booked>, discarded: Set<ChannelId>) {
    this.#parts = parts;
    this.#booked = booked;
    this.#discarded = discarded;
  }

  static async open(parts: BookParts): Promise<Bookkeeper> {
    const { journal } = parts;
    const booked = new Map<Txid, Booked>();
    for await (const one of journal.all<Booked>(bookedPrefix)) booked.set(one.txid, one);
    const discarded = new Set<ChannelId>();
    for await (const one of journal.all<{ readonly id: ChannelId; readonly isDiscarded?: true }>(
      channelPrefix,
    )) {
      if (one.isDiscarded) discarded.add(one.id);
    }
    return new Bookkeeper(parts, booked, discarded);
  }

  /** The funding of this channel is not used: nothing of it is ours. */
  discard(id: ChannelId): void {
    this.#discarded.add(id);
  }

  isDiscarded(id: ChannelId): boolean {
    return this.#discarded.has(id);
  }

  /** Books what there is to book, soon; calls that come together do it once. */
  update(): Promise<void> {
    if (this.#isDue) return this.#running;
    this.#isDue = true;
    this.#running = this.#parts.journal.runAlone(async (journal) => {
      this.#isDue = false;
      // What the chain says and what an event is about to say belong together: who handles it calls again.
      if (this.#parts.manager.pendingEvents(1).length > 0) return;
      await this.#bookWallet(journal);
      await this.#bookCloses(journal);
    });
    return this.#running;
  }

  async #bookWallet(journal: JournalTransaction): Promise<void> {
    const { wallet, manager } = this.#parts;
    const owner = ownershipOf(this.#parts, await pushes(journal, this.#parts));
    for (const one of wallet.transactions()) {
      if (!wallet.isActive(one.txid)) continue;
      const booked = this.#booked.get(one.txid);
      const height = one.position.kind === "confirmed" ? one.position.height : undefined;
      if (booked === undefined) await this.#book(journal, one, walletMove(one, owner));
      else if (booked.height !== height) await this.#moved(journal, booked, height);
    }
    for (const booked of [...this.#booked.values()]) {
      if (wallet.isActive(booked.txid)) continue;
      const isForgotten =
        wallet.transaction(booked.txid) === undefined &&
        booked.height !== undefined &&
        booked.height + 100 <= manager.bestBlock.height;
      if (!isForgotten) await this.#undo(journal, booked);
      journal.put(bookedKey(booked.txid), undefined);
      journal.whenDurable(() => this.#booked.delete(booked.txid));
    }
  }

  async #book(journal: JournalTransaction, one: WalletTransaction, move: WalletMove): Promise<void> {
    const { txid, position } = one;
    const postings = await Promise.all(
      move.postings.map(async (posting) => ({
        ...posting,
        account: await standingAccount(journal, posting.account),
      })),
    );
    const height = position.kind === "confirmed" ? position.height : undefined;
    const booked: Booked = { txid, postings, change: move.change, ...(height !== undefined && { height }) };
    journal.entry({ kind: move.kind, postings, reference: txid, text: move.text });
    journal.event({
      kind: "onchain-transaction",
      txid,
      change: move.change,
      ...(height !== undefined && { height }),
    });
    await this.#recordPayment(journal, one, move);
    this.#put(journal, booked);
  }

  async #recordPayment(journal: JournalTransaction, one: WalletTransaction, move: WalletMove): Promise<void> {
    if (move.kind !== "deposit" && move.kind !== "withdrawal") return;
    const { txid, position, transaction } = one;
    const { wallet, network } = this.#parts;
    const isSent = move.paid !== undefined;
    const output = transaction.outputs.find(({ script }) => wallet.owns(script) !== isSent);
    const address = output && encodeAddress(output.script, network);
    const isDone = position.kind === "confirmed";
    const payment: Omit<Payment, "sequence"> = {
      id: txid,
      kind: "onchain",
      direction: isSent ? "sent" : "received",
      status: isDone ? "succeeded" : "pending",
      amount: msat((move.paid?.amount ?? move.change) * 1_000n),
      ...(move.paid && { fee: msat(move.paid.fee * 1_000n) }),
      createdAt: journal.at,
      ...(isDone && { settledAt: journal.at }),
      txid,
      ...(address !== undefined && { address }),
      attempts: [],
    };
    const known = await journal.payment(txid);
    if (known === undefined) journal.addPayment(payment);
    else journal.putPayment({ ...known, ...payment, createdAt: known.createdAt });
  }

  /** It was confirmed, or a reorganisation has taken it out of its block. */
  async #moved(journal: JournalTransaction, booked: Booked, height: number | undefined): Promise<void> {
    const { txid, change, postings } = booked;
    journal.event({ kind: "onchain-transaction", txid, change, ...(height !== undefined && { height }) });
    const payment = await journal.payment(txid);
    if (payment !== undefined) {
      const { settledAt: _, ...pending } = payment;
      const isDone = height !== undefined;
      journal.putPayment(
        isDone
          ? { ...payment, status: "succeeded", settledAt: journal.at }
          : { ...pending, status: "pending" },
      );
    }
    this.#put(journal, { txid, change, postings, ...(height !== undefined && { height }) });
  }

  async #undo(journal: JournalTransaction, { txid, postings }: Booked): Promise<void> {
    const back = await Promise.all(
      postings.map(async ({ account, amount }) => ({
        account: await standingAccount(journal, account),
        amount: -amount,
      })),
    );
    const text = "a transaction is not going to be confirmed: another one has taken its coins";
    journal.entry({ kind: "undone", postings: back, reference: txid, text });
    const payment = await journal.payment(txid);
    if (payment !== undefined) {
      journal.putPayment({
        ...payment,
        status: "failed",
        failure: { code: "replaced", text },
        settledAt: journal.at,
      });
    }
  }

  #put(journal: JournalTransaction, booked: Booked): void {
    journal.put(bookedKey(booked.txid), booked);
    journal.whenDurable(() => this.#booked.set(booked.txid, booked));
  }

  /** Brings what closed channels owe to what the chain says. */
  async #bookCloses(journal: JournalTransaction): Promise<void> {
    const { keys } = this.#parts;
    const destination = keys.destinationScript(new Uint8Array(32));
    const owed = new Map<LedgerAccount, bigint>();
    for (const account of this.#parts.journal.accounts.keys()) {
      if (account.startsWith("closing/")) owed.set(account, 0n);
    }
    for (const { channelId, amount } of closingBalances(this.#parts, { destination }, (id) =>
      this.isDiscarded(id),
    )) {
      if (channelId === undefined) continue;
      const account: LedgerAccount = `closing/${channelId}`;
      owed.set(account, (owed.get(account) ?? 0n) + amount);
    }
    for (const [account, amount] of owed) {
      const id = account.slice("closing/".length) as ChannelId;
      const note = await channelNote(journal, id);
      if (!note?.isClosed) continue;
      await bookCosts(journal, { id, note, change: amount - journal.account(account) });
    }
  }
}

/** Where a channel's money is booked by now. */
async function standingAccount(journal: JournalTransaction, account: LedgerAccount): Promise<LedgerAccount> {
  if (!account.startsWith("channel/")) return account;
  const id = account.slice("channel/".length) as ChannelId;
  return (await channelNote(journal, id))?.isClosed ? `closing/${id}` : account;
}

/** What was given to peers with channels that we opened. */
async function pushes(
  journal: JournalTransaction,
  { manager }: BookParts,
): Promise<ReadonlyMap<ChannelId, bigint>> {
  const found = new Map<ChannelId, bigint>();
  for (const { channelId, isOutbound } of manager.listChannels()) {
    if (isOutbound) found.set(channelId, (await channelNote(journal, channelId))?.push ?? 0n);
  }
  return found;
}

function ownershipOf(
  { wallet, sweeper, manager }: BookParts,
  pushed: ReadonlyMap<ChannelId, bigint>,
): Ownership {
  const fundings = new Map<string, { readonly channelId: ChannelId; readonly push?: bigint }>();
  for (const { channelId, funding } of manager.listChannels()) {
    const push = pushed.get(channelId);
    fundings.set(outPointKey(funding), { channelId, ...(push !== undefined && { push }) });
  }
  const closed = new Map<string, { readonly channelId: ChannelId; readonly value: bigint }>();
  for (const { channelId, descriptor } of sweeper.trackedSpendableOutputs()) {
    if (channelId === undefined) continue;
    closed.set(outPointKey(descriptor.outPoint), { channelId, value: descriptor.output.value });
  }
  return {
    owns: (script) => wallet.owns(script),
    transaction: (txid) => wallet.transaction(txid)?.transaction,
    channelFundedBy(outPoint: OutPoint) {
      const found = fundings.get(outPointKey(outPoint));
      return found?.push === undefined ? undefined : { channelId: found.channelId, push: found.push };
    },
    closedOutput: (outPoint) => closed.get(outPointKey(outPoint)),
    channelOfFunding: (outPoint) => fundings.get(outPointKey(outPoint))?.channelId,
  };
}

/**
 * What a close takes from our share, or gives back of what it took: costs are what is not known before it is settled.
 * Only what comes beyond all that was taken is a gain.
 */
async function bookCosts(
  journal: JournalTransaction,
  { id, note, change }: { readonly id: ChannelId; readonly note: ChannelNote; readonly change: bigint },
): Promise<void> {
  if (change === 0n) return;
  const costs = note.costs ?? 0n;
  const gain = change > costs ? change - costs : 0n;
  journal.entry({
    kind: "close-costs",
    postings: [
      { account: `closing/${id}`, amount: change },
      { account: note.goesElsewhere ? "onchain/sent" : "fees/mining", amount: gain - change },
      { account: "closes/gains", amount: -gain },
    ],
    reference: id,
    text:
      gain > 0n
        ? "the close brings more than our share"
        : "what closing the channel costs, as far as it is known",
  });
  await noteChannel(journal, id, { costs: costs - change + gain });
}

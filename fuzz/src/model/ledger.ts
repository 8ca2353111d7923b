/*
 * What an accountant knows who stands beside three nodes: what their users ordered, and what the nodes told them. It
 * shares no code with the kit and reads no balance. It knows three things about Lightning: a payment moves its amount,
 * whoever forwards it keeps a fee, and each one ends once, for everybody in the same way.
 */

export type Name = "a" | "b" | "c";

/** What B asks for forwarding. */
export interface ForwardingTerms {
  readonly base: bigint;
  readonly millionths: bigint;
}

/** In msat, for passing on `amount` msat. */
export function feeFor({ base, millionths }: ForwardingTerms, amount: bigint): bigint {
  return base + (amount * millionths) / 1_000_000n;
}

export interface PaymentOrder {
  readonly payer: Name;
  readonly payee: Name;
  /** In msat. */
  readonly amount: bigint;
  /** B passes it on as a whole, in parts of its own: it keeps its fee once. */
  readonly isRelayed: boolean;
}

interface Payment extends PaymentOrder {
  /** The payer's store has the order; before that, a crash may make it undone. */
  isDurable: boolean;
  /** The payer died before the order was durable. */
  mayBeLost: boolean;
  isLost: boolean;
  readonly fees: bigint[];
  failed: number;
  claimed: number;
  /** What forwarding the parts that the payee has claimed costs, in msat. */
  due: bigint;
}

export interface Opening {
  readonly first: Name;
  readonly second: Name;
  /** In sat. */
  readonly capacity: bigint;
  /** Of `first` at the beginning, in msat. */
  readonly balance: bigint;
}

interface Book extends Opening {
  balance: bigint;
  /** Sent out into it by B in B's own name, and claimed from it of such payments: the same in the end. */
  forwarded: bigint;
  claimed: bigint;
}

/** A channel as it must be once all is quiet; balances in msat. */
export interface Statement {
  readonly channelId: string;
  readonly capacity: bigint;
  readonly shares: readonly [Share, Share];
}

interface Share {
  readonly name: Name;
  readonly balance: bigint;
}

interface ToldHtlc {
  readonly channelId: string;
  readonly amount: bigint;
}

/** What the ledger reads of an event. */
export interface Told {
  readonly kind: string;
  readonly paymentHash?: string;
  readonly amount?: bigint;
  readonly feePaid?: bigint;
  /** The parts of a payment that was claimed. */
  readonly htlcs?: readonly { readonly channelId: string; readonly value: bigint }[];
  readonly prevHtlcs?: readonly ToldHtlc[];
  readonly nextHtlcs?: readonly ToldHtlc[];
  readonly totalFeeEarned?: bigint;
}

/** What is wrong with the books, in words. */
class LedgerError extends Error {
  override readonly name = "LedgerError";
}

export class Ledger {
  readonly #terms: ForwardingTerms;
  /** In msat. A payment of that much or less may be lost on the chain. */
  readonly #dust: bigint;
  readonly #payments = new Map<string, Payment>();
  readonly #books = new Map<string, Book>();
  #forwards = 0;
  /** Payments that were claimed in several parts. */
  #split = 0;

  constructor(terms: ForwardingTerms, dust = 0n) {
    this.#terms = terms;
    this.#dust = dust;
  }

  opened(channelId: string, opening: Opening): void {
    check(!this.#books.has(channelId), `channel ${channelId} opened twice`);
    this.#books.set(channelId, { ...opening, forwarded: 0n, claimed: 0n });
  }

  isOpened(channelId: string): boolean {
    return this.#books.has(channelId);
  }

  ordered(paymentHash: string, order: PaymentOrder): void {
    check(!this.#payments.has(paymentHash), `payment ${paymentHash} was ordered twice`);
    this.#payments.set(paymentHash, {
      ...order,
      isDurable: false,
      mayBeLost: false,
      isLost: false,
      fees: [],
      failed: 0,
      claimed: 0,
      due: 0n,
    });
  }

  /** What `payer` ordered and has not stored may be gone. */
  died(payer: Name): void {
    for (const payment of this.#payments.values())
      if (payment.payer === payer && !payment.isDurable) payment.mayBeLost = true;
  }

  /** All that `payer` has in memory is in its store, and all events of that were told: it knows these payments. */
  stored(payer: Name, knows: (paymentHash: string) => boolean): void {
    for (const [paymentHash, payment] of this.#payments) {
      if (payment.payer !== payer || payment.isDurable || payment.isLost) continue;
      payment.isDurable = knows(paymentHash) || payment.fees.length + payment.failed > 0;
      if (payment.isDurable) continue;
      check(payment.mayBeLost, `payment ${paymentHash} has vanished though its payer did not die`);
      payment.isLost = true;
    }
  }

  /** Whether `payer` has orders that are not known to be stored. */
  hasFresh(payer: Name): boolean {
    return [...this.#payments.values()].some(
      (payment) => payment.payer === payer && !payment.isDurable && !payment.isLost,
    );
  }

  /** An event that the node's user had not been told before. */
  told(name: Name, event: Told): void {
    switch (event.kind) {
      case "payment-sent":
        this.#sent(name, event);
        return;
      case "payment-failed":
        this.#paymentOf(name, "payer", event).failed++;
        return;
      case "payment-claimable":
        this.#paymentOf(name, "payee", event);
        return;
      case "payment-claimed":
        this.#claimed(name, event);
        return;
      case "payment-forwarded":
        this.#forwarded(name, event);
        return;
    }
  }

  /**
   * All is over: each payment has ended once, in one way, for everybody. Throws `LedgerError` otherwise. Who cheated
   * may lose what it was paid, and whoever pays or is paid by way of it need not end as it does.
   */
  checkEnded(cheaters: ReadonlySet<Name> = new Set()): void {
    for (const [paymentHash, payment] of this.#payments) {
      const { payer, payee, amount, isLost, fees, failed, claimed } = payment;
      const text = `payment ${paymentHash} of ${amount} msat from ${payer} to ${payee}`;
      const ends = `was sent ${fees.length} times, failed ${failed} times, was claimed ${claimed} times`;
      const isRight = amount <= this.#dust ? claimed >= fees.length : claimed === fees.length;
      const way = isDirect(payer, payee) ? [payer, payee] : [payer, "b" as const, payee];
      check(isRight || way.some((name) => cheaters.has(name)), `${text} ${ends}`);
      const ended = fees.length + failed;
      const isEnded = ended === (isLost ? 0 : 1) || (ended === 0 && cheaters.has(payer));
      check(isEnded, `${text} ${ends}${isLost ? " though it was lost" : ""}`);
      // Dust that was lost with a channel may be paid, and claimed, once more.
      const isPaid = claimed === 0 || fees.every((fee) => fee * BigInt(claimed) === payment.due);
      check(isPaid, `${text}: ${fees.join()} msat of fees were paid, ${payment.due} were due`);
    }
    for (const [channelId, { first, second, forwarded, claimed, balance, capacity }] of this.#books) {
      if (cheaters.has(first) || cheaters.has(second)) continue;
      check(
        forwarded === claimed,
        `channel ${channelId}: ${forwarded} msat forwarded, ${claimed} msat claimed`,
      );
      const text = `channel ${channelId}: a balance of ${balance} msat of ${capacity} sat`;
      check(balance >= 0n && balance <= capacity * 1_000n, text);
    }
  }

  get statements(): readonly Statement[] {
    return [...this.#books].map(([channelId, { first, second, capacity, balance }]) => ({
      channelId,
      capacity,
      shares: [
        { name: first, balance },
        { name: second, balance: capacity * 1_000n - balance },
      ],
    }));
  }

  /** How many payments ended in which way. */
  get counts(): Readonly<
    Record<"ordered" | "sent" | "failed" | "lost" | "forwards" | "split" | "relayed", number>
  > {
    const payments = [...this.#payments.values()];
    return {
      ordered: payments.length,
      sent: payments.filter(({ fees }) => fees.length > 0).length,
      failed: payments.filter(({ failed }) => failed > 0).length,
      lost: payments.filter(({ isLost }) => isLost).length,
      forwards: this.#forwards,
      split: this.#split,
      relayed: payments.filter(({ isRelayed, fees }) => isRelayed && fees.length > 0).length,
    };
  }

  #sent(name: Name, event: Told): void {
    const payment = this.#paymentOf(name, "payer", event);
    const { amount } = payment;
    check(event.amount === amount, `${amount} were due, ${given(event.amount)} msat were sent`);
    payment.fees.push(given(event.feePaid));
  }

  #claimed(name: Name, event: Told): void {
    const payment = this.#paymentOf(name, "payee", event);
    const { payer, amount, isRelayed } = payment;
    const parts = given(event.htlcs);
    const sum = parts.reduce((before, { value }) => before + value, 0n);
    const text = `${given(event.amount)} msat, ${sum} in parts, were claimed of a payment of ${amount}`;
    check(event.amount === amount && sum === amount, text);
    payment.claimed++;
    if (parts.length > 1) this.#split++;
    if (isRelayed) payment.due += feeFor(this.#terms, amount);
    for (const { channelId, value } of parts) {
      const book = this.#bookOf(channelId);
      if (isDirect(payer, name)) move(book, payer, value);
      else {
        if (!isRelayed) payment.due += feeFor(this.#terms, value);
        if (value > this.#dust) book.claimed += value;
      }
    }
  }

  #forwarded(name: Name, event: Told): void {
    const [prev, next] = [given(event.prevHtlcs), given(event.nextHtlcs)];
    const [incoming, outgoing] = [sumOf(prev), sumOf(next)];
    const fee = feeFor(this.#terms, outgoing);
    check(
      name === "b" && incoming - outgoing === fee && event.totalFeeEarned === fee,
      `${name} earned ${incoming - outgoing} and says ${event.totalFeeEarned} for ${outgoing} msat: ${fee} are due`,
    );
    for (const { channelId, amount } of prev) {
      const from = this.#bookOf(channelId);
      move(from, from.first === name ? from.second : from.first, amount);
    }
    for (const { channelId, amount } of next) {
      const to = this.#bookOf(channelId);
      move(to, name, amount);
      if (amount > this.#dust) to.forwarded += amount;
    }
    this.#forwards++;
  }

  #paymentOf(name: Name, role: "payer" | "payee", event: Told): Payment {
    const payment = this.#payments.get(given(event.paymentHash));
    if (payment === undefined || payment[role] !== name)
      throw new LedgerError(`${name} is not ${role} of ${event.paymentHash}: ${event.kind}`);
    return payment;
  }

  #bookOf(channelId: string): Book {
    const book = this.#books.get(channelId);
    if (book === undefined) throw new LedgerError(`channel ${channelId} was never opened`);
    return book;
  }
}

function isDirect(payer: Name, payee: Name): boolean {
  return payer === "b" || payee === "b";
}

function sumOf(htlcs: readonly ToldHtlc[]): bigint {
  return htlcs.reduce((sum, { amount }) => sum + amount, 0n);
}

function move(book: Book, from: Name, amount: bigint): void {
  book.balance += from === book.first ? -amount : amount;
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new LedgerError("an event lacks a field");
  return value;
}

function check(holds: boolean, text: string): void {
  if (!holds) throw new LedgerError(text);
}

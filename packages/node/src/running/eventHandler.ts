import type { Event } from "@fulmen/lightning/handlers";
import type { ChannelId } from "@fulmen/lightning/util";
import type { Bookkeeper } from "../books/index.ts";
import type { Openings } from "../channels/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { takePayment } from "../receiving/index.ts";
import { nodeEventOf, recordLedger, recordPayment } from "../records/index.ts";

/**
 * What the node does about the manager's events, one after the other: acts, writes down what happened in one commit,
 * and only then is done with it. An event that comes again after a crash is acted upon again, which does no harm, and
 * not written down twice.
 */
export class EventHandler {
  readonly #parts: NodeParts;
  readonly #openings: Openings;
  readonly #books: Bookkeeper;

  constructor(parts: NodeParts, openings: Openings, books: Bookkeeper) {
    this.#parts = parts;
    this.#openings = openings;
    this.#books = books;
  }

  async handle(event: Event, index: number): Promise<void> {
    const isHeld = event.kind === "payment-claimable" && (await takePayment(this.#parts, event));
    const refusal = this.#openings.act(event);
    const opening = this.#openings.factsOf(event);
    if (event.kind === "discard-funding") this.#books.discard(event.channelId as ChannelId);
    await this.#parts.journal.run(async (journal) => {
      if (index <= journal.head.managerIndex) return;
      journal.managerEvent(index);
      const told = nodeEventOf(event, journal.at);
      if (told !== undefined) journal.event(told);
      await recordPayment(journal, event);
      await recordLedger(journal, event, opening);
      if (event.kind === "open-channel-request" && refusal !== undefined) {
        const { counterparty: peer, funding } = event;
        journal.event({ kind: "channel-refused", peer, funding, reason: refusal });
      }
      if (event.kind !== "payment-claimable" || !isHeld) return;
      const { paymentHash, amount, claimDeadline } = event;
      journal.event({ kind: "payment-held", paymentId: paymentHash, paymentHash, amount, claimDeadline });
      const payment = await journal.payment(paymentHash);
      if (payment !== undefined) journal.putPayment({ ...payment, status: "held", amount });
    });
    this.#openings.recorded(event);
    this.#bookSoon();
  }

  /** When the manager knows that the event is dealt with. */
  #bookSoon(): void {
    setImmediate(() => void this.#books.update().catch(() => undefined));
  }
}

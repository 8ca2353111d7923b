import type { Event } from "@fulmen/lightning/handlers";
import type { Bytes32 } from "@fulmen/lightning/util";
import type { Payment } from "../api/payments.ts";
import type { JournalTransaction } from "../journal/index.ts";
import { attemptOf } from "./nodeEvents.ts";
import { failureOf } from "./reasons.ts";

/** Ways that a payment remembers. */
const mostAttempts = 10;

/** Brings the payment that an event tells of to what it says. */
export async function recordPayment(journal: JournalTransaction, event: Event): Promise<void> {
  switch (event.kind) {
    case "payment-claimed":
      return claimed(journal, event);
    case "payment-sent": {
      const { amount, feePaid: fee, preimage } = event;
      return change(journal, event, (payment) => ({
        ...payment,
        status: "succeeded",
        amount,
        fee,
        preimage: preimage as Bytes32,
        settledAt: journal.at,
      }));
    }
    case "payment-failed":
      return change(journal, event, (payment) =>
        payment.status === "succeeded"
          ? payment
          : { ...payment, status: "failed", failure: failureOf(event.reason), settledAt: journal.at },
      );
    case "payment-path-successful":
    case "payment-path-failed": {
      const attempt = attemptOf(event, journal.at);
      return change(journal, event, (payment) => ({
        ...payment,
        attempts: [attempt, ...payment.attempts].slice(0, mostAttempts),
      }));
    }
    case "htlc-handling-failed": {
      if (event.failureType.kind !== "receive") return;
      const payment = await journal.payment(event.paymentHash);
      if (payment?.status !== "held" || payment.direction !== "received") return;
      const text = "it was sent back: nobody claimed it in time, or it was not wanted";
      journal.putPayment({
        ...payment,
        status: "failed",
        failure: { code: "not-claimed", text },
        settledAt: journal.at,
      });
      return;
    }
    default:
  }
}

async function change(
  journal: JournalTransaction,
  event: Pick<Extract<Event, { kind: "payment-sent" }>, "paymentId" | "paymentHash">,
  by: (payment: Payment) => Payment,
): Promise<void> {
  const known = await journal.payment(event.paymentId);
  const payment =
    known ??
    journal.addPayment({
      id: event.paymentId,
      kind: "spontaneous",
      direction: "sent",
      status: "pending",
      createdAt: journal.at,
      paymentHash: event.paymentHash,
      attempts: [],
    });
  journal.putPayment(by(payment));
}

async function claimed(
  journal: JournalTransaction,
  event: Extract<Event, { kind: "payment-claimed" }>,
): Promise<void> {
  const { paymentHash, amount, purpose } = event;
  const preimage = purpose.paymentPreimage;
  const known = await journal.payment(paymentHash);
  const settled = {
    status: "succeeded",
    amount,
    settledAt: journal.at,
    ...(preimage && { preimage: preimage as Bytes32 }),
  } as const;
  // An invoice that is paid twice is two payments.
  const isFirst = known !== undefined && known.direction === "received" && known.status !== "succeeded";
  if (isFirst) journal.putPayment({ ...known, ...settled });
  else {
    journal.addPayment({
      id: known === undefined ? paymentHash : `${paymentHash}-${journal.head.nextPayment}`,
      kind: purpose.kind === "spontaneous" ? "spontaneous" : "bolt11",
      direction: "received",
      createdAt: journal.at,
      paymentHash,
      ...(known?.description !== undefined && { description: known.description }),
      attempts: [],
      ...settled,
    });
  }
}

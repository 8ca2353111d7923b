import { formatMsat } from "./format.ts";
import type { Payment } from "./types.ts";

type Shown = Pick<Payment, "kind" | "direction" | "status" | "amountMsat">;

/** What a payment is by now: an invoice that nobody has paid has brought nothing. */
export function paymentTitle({ kind, direction, status }: Shown): string {
  if (kind === "onchain") return `${direction === "sent" ? "Sent" : "Received"} on chain`;
  const done = status === "succeeded";
  if (direction === "sent") return done ? "Sent" : status === "failed" ? "Not sent" : "Sending";
  return done ? "Received" : status === "held" ? "Held for you" : "Invoice";
}

/** Its amount, with a sign where it has moved, or is on its way. */
export function paymentAmount({ direction, status, amountMsat }: Shown): string {
  if (amountMsat === undefined) return "any amount";
  const hasMoved = status === "succeeded" || (direction === "sent" && status === "pending");
  return `${hasMoved ? (direction === "sent" ? "−" : "+") : ""}${formatMsat(amountMsat)}`;
}

/** Its status, in the words of who waits for it. */
export function paymentStatus({ kind, direction, status }: Shown): string {
  if (status !== "pending") return status;
  if (kind === "onchain") return "unconfirmed";
  return direction === "received" ? "not paid yet" : status;
}

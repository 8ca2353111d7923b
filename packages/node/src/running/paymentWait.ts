import { NodeError } from "../api/nodeError.ts";
import type { Payment } from "../api/payments.ts";
import type { NodeParts } from "../parts/index.ts";
import { findPayment } from "./lists.ts";

/** Seconds of a store that fails, for which a call waits. */
const frozenPatience = 5;

interface WaitingFor {
  /** Whether it has come as far as is waited for. */
  readonly isReached: (payment: Payment) => boolean;
  /** Until the payment is given as it is then. Default: no limit. */
  readonly timeoutSeconds?: number | undefined;
  /** Whether the node's store fails now. */
  readonly isFrozen: () => boolean;
}

/** No longer under way: what `awaitPayment` waits for when somebody pays. */
export function isOver({ status }: Payment): boolean {
  return status === "succeeded" || status === "failed";
}

/**
 * A payment once it is stored as it is waited for. Rejects with `not-running` when the node stops before, and with
 * `frozen` when its store has failed for some seconds; the payment goes on in either case.
 */
export async function awaitPayment(
  { journal, now }: Pick<NodeParts, "journal" | "now">,
  id: string,
  { isReached, timeoutSeconds, isFrozen }: WaitingFor,
): Promise<Payment> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopListening = (): void => undefined;
  const news = new Promise<void>((resolve) => {
    stopListening = journal.onNews(({ payments }) => {
      if (journal.isClosed || payments.some((one) => one.id === id && isReached(one))) resolve();
    });
    if (timeoutSeconds !== undefined) timer = setTimeout(resolve, timeoutSeconds * 1_000);
  });
  try {
    const before = await findPayment(journal, id, now());
    if (before !== undefined && isReached(before)) return before;
    await unlessFrozen(news, id, isFrozen);
    if (journal.isClosed) throw stopped(id);
    return await knownPayment({ journal, now }, id);
  } finally {
    stopListening();
    clearTimeout(timer);
  }
}

/** The payment with this id; rejects with `unknown-payment`. */
export async function knownPayment(
  { journal, now }: Pick<NodeParts, "journal" | "now">,
  id: string,
): Promise<Payment> {
  const payment = await findPayment(journal, id, now());
  if (payment !== undefined) return payment;
  throw new NodeError("unknown-payment", `there is no payment ${id}`, {
    remedy: "list the payments, and use the id of one",
  });
}

async function unlessFrozen(news: Promise<void>, paymentId: string, isFrozen: () => boolean): Promise<void> {
  let seconds = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const frozen = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      seconds = isFrozen() ? seconds + 1 : 0;
      if (seconds < frozenPatience) return;
      const text = "the store takes nothing: how the payment ends is written down when it works again";
      const remedy = "see to the store, then look the payment up; do not pay in another way before";
      reject(new NodeError("frozen", text, { remedy, details: { paymentId } }));
    }, 1_000);
  });
  try {
    await Promise.race([news, frozen]);
  } finally {
    clearInterval(timer);
  }
}

function stopped(paymentId: string): NodeError {
  return new NodeError("not-running", "the node was stopped; the payment goes on when it is started", {
    remedy: "start the node, and look the payment up",
    details: { paymentId },
  });
}

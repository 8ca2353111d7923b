import { randomBytes } from "node:crypto";
import { explainRoute } from "@fulmen/lightning/routing";
import { formatShortChannelId, type Msat, type PaymentId, paymentIdOf, sat } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";
import type { PaymentInstructions, PaymentMethod } from "../api/paymentInstructions.ts";
import type { Payment, PayOptions, RouteExplanation } from "../api/payments.ts";
import { translated, translating } from "../errors/index.ts";
import type { JournalTransaction } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { parsePayment } from "./parsePayment.ts";

type Bolt11 = Extract<PaymentMethod, { kind: "bolt11" }>;

/** Which of the ways is taken, and what goes along it. */
export function chosenMethod(
  instructions: PaymentInstructions,
  { prefer = "lightning" }: PayOptions,
): PaymentMethod {
  const wanted = prefer === "lightning" ? "bolt11" : "onchain";
  const [first] = instructions.methods;
  const found = instructions.methods.find(({ kind }) => kind === wanted) ?? first;
  if (found === undefined)
    throw new NodeError("invalid-destination", "there is no way to pay this", {
      remedy: "ask the payee for another text",
    });
  return found;
}

/** Begins a payment over Lightning. What it gives is stored, and under way. */
export async function beginPayment(
  parts: NodeParts,
  { invoice, text }: Bolt11,
  instructions: PaymentInstructions,
  options: PayOptions,
): Promise<Payment> {
  const { manager, journal } = parts;
  const terms = payOptions(invoice.amount, instructions.amount, options);
  translating(() => manager.paymentTermsOf(invoice, terms));
  const { description } = invoice;
  if (options.paymentId !== undefined && !/^[0-9a-f]{64}$/.test(options.paymentId)) {
    throw new NodeError("invalid-request", "the payment id is not 64 lower-case hexadecimal digits", {
      remedy: "give 32 random bytes in hex, or leave it out",
    });
  }
  const begin = async (transaction: JournalTransaction): Promise<Payment> => {
    const wanted = options.paymentId ?? (invoice.paymentHash as string as PaymentId);
    const known = await transaction.payment(wanted);
    if (known !== undefined && options.paymentId !== undefined) throw duplicate(known);
    // What failed for good may be tried anew: nothing of it is under way. An invoice is paid once, whatever the id.
    const last = await transaction.lastSent(invoice.paymentHash);
    if (last !== undefined && last.status !== "failed") throw duplicate(last);
    const id = known === undefined ? wanted : paymentIdOf(new Uint8Array(randomBytes(32)));
    return transaction.addPayment({
      id,
      kind: "bolt11",
      direction: "sent",
      status: "pending",
      ...amountOf(terms.amount ?? invoice.amount),
      createdAt: transaction.at,
      ...(description.kind === "text" && description.text !== "" && { description: description.text }),
      paymentHash: invoice.paymentHash,
      invoice: text,
      payee: invoice.payee,
      attempts: [],
    });
  };
  // Whoever was told that it was not begun may pay in another way: it must not go out after that.
  const begun = await journal.call(begin, (late) => void giveUp(journal, late).catch(() => undefined));
  await sendStored(parts, begun, () =>
    manager.payForBolt11Invoice(invoice, { ...terms, paymentId: begun.id as PaymentId }),
  );
  return begun;
}

/**
 * The payment was stored too late to be sent. Should the node die before this is stored, its next start does the same.
 */
export function giveUp(journal: NodeParts["journal"], begun: Payment): Promise<void> {
  const text = "the store did not take it in time: nothing was sent";
  const failure = { code: "interrupted", text };
  return journal.run((transaction) =>
    transaction.putPayment({ ...begun, status: "failed", failure, settledAt: transaction.at }),
  );
}

/** Has a stored payment sent; one that is refused is stored as failed, and the refusal thrown. */
export async function sendStored(
  { journal, background }: Pick<NodeParts, "journal" | "background">,
  begun: Payment,
  send: () => void,
): Promise<void> {
  try {
    send();
  } catch (error) {
    const refusal = translated(error);
    const failure =
      refusal instanceof NodeError
        ? { code: refusal.code, text: refusal.message }
        : { code: "unexpected-error", text: String(error) };
    await journal.call((transaction) =>
      transaction.putPayment({ ...begun, status: "failed", failure, settledAt: transaction.at }),
    );
    throw refusal;
  }
  background.wake();
}

/** Which way the payment would take now. */
export function explainedRoute(parts: NodeParts, text: string, options: PayOptions): RouteExplanation {
  const { manager, router, graph, scorer, network } = parts;
  const instructions = parsePayment(text, network);
  const method = chosenMethod(instructions, { ...options, prefer: "lightning" });
  if (method.kind !== "bolt11") {
    throw new NodeError("invalid-request", "an address is paid on chain: there is no route", {
      remedy: "give an invoice",
    });
  }
  const terms = payOptions(method.invoice.amount, instructions.amount, options);
  const { routeParameters: parameters } = translating(() => manager.paymentTermsOf(method.invoice, terms));
  const request = {
    payer: manager.nodeId,
    parameters,
    firstHops: manager.listFirstHops(),
    inFlightHtlcs: manager.computeInflightHtlcs(),
  };
  const found = router.findRoute(request);
  const amount = parameters.finalValue;
  if (!found.ok) return { found: false, amount, paths: [], text: found.error.text };
  const explained = explainRoute(found.value, request, graph, scorer);
  return {
    found: true,
    amount,
    fee: explained.fees,
    paths: explained.paths.map(({ finalValue, fees, hops }) => ({
      amount: finalValue,
      fee: fees,
      hops: hops.map(({ target, shortChannelId, fee, cltvExpiryDelta }) => ({
        nodeId: target,
        shortChannelId: formatShortChannelId(shortChannelId),
        fee,
        expiryDelta: cltvExpiryDelta,
      })),
    })),
    text: explained.text,
  };
}

/** What is sent on chain, in whole satoshis. */
export function onchainAmount(instructions: PaymentInstructions, { amount }: PayOptions) {
  if (amount !== undefined && amount % 1_000n !== 0n) {
    throw new NodeError("invalid-amount", `${amount} msat cannot be sent on chain`, {
      remedy: "give whole satoshis",
    });
  }
  const value = amount === undefined ? instructions.onchainAmount : sat(amount / 1_000n);
  if (value === undefined || value === 0n) {
    throw new NodeError("invalid-amount", "the address comes without an amount", {
      remedy: "say how much is to be paid",
    });
  }
  return value;
}

function payOptions(asked: Msat | undefined, fromUri: Msat | undefined, { amount, maxFee }: PayOptions) {
  const chosen = amount ?? (asked === undefined ? fromUri : undefined);
  if (asked === undefined && chosen === undefined) {
    throw new NodeError("invalid-amount", "the invoice names no amount", {
      remedy: "say how much is to be paid",
    });
  }
  return { ...amountOf(chosen), ...(maxFee !== undefined && { maxFee }) };
}

function amountOf(amount: Msat | undefined): { readonly amount?: Msat } {
  return amount === undefined ? {} : { amount };
}

function duplicate({ id, status }: Payment): NodeError {
  const text =
    status === "succeeded"
      ? "this was paid already"
      : `a payment with the id ${id} was begun before: it is ${status}`;
  return new NodeError("duplicate-payment", text, {
    remedy: "look the payment up; to pay again, ask the payee for a new invoice",
    details: { paymentId: id, status },
  });
}

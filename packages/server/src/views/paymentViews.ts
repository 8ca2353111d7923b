import type { OutputOf } from "@fulmen/api";
import { invoiceExpiresAt } from "@fulmen/lightning/invoice";
import { printable, toHex } from "@fulmen/lightning/util";
import type {
  OnchainTransaction,
  Payment,
  PaymentAttempt,
  PaymentInstructions,
  PaymentMethod,
  RouteExplanation,
} from "@fulmen/node";

/** One way that was tried, as JSON. */
export function attemptView({ amount, path, ...rest }: PaymentAttempt) {
  return {
    ...rest,
    path: path.map((hop) => ({ ...hop })),
    ...(amount !== undefined && { amountMsat: amount.toString() }),
  };
}

/** A payment as JSON. */
export function paymentView(payment: Payment): OutputOf<"payment"> {
  const { amount, fee, preimage, attempts, failure, ...rest } = payment;
  // Of what we paid, the payee wrote it.
  const description = payment.direction === "sent" ? payment.description : undefined;
  return {
    ...rest,
    ...(amount !== undefined && { amountMsat: amount.toString() }),
    ...(fee !== undefined && { feeMsat: fee.toString() }),
    ...(description !== undefined && { description: printable(description, longestText) }),
    ...(preimage !== undefined && { preimage: toHex(preimage) }),
    ...(failure !== undefined && { failure: { ...failure } }),
    attempts: attempts.map(attemptView),
  };
}

/** What a text asks for, as JSON. `now` in seconds since 1970. */
export function decodedView(instructions: PaymentInstructions, now: number): OutputOf<"decode"> {
  const { methods, amount, onchainAmount, label, message } = instructions;
  return {
    methods: methods.map((method) => methodView(method, now)),
    ...(amount !== undefined && { amountMsat: amount.toString() }),
    ...(onchainAmount !== undefined && { onchainAmountSat: onchainAmount.toString() }),
    ...(label !== undefined && { label: printable(label, longestText) }),
    ...(message !== undefined && { message: printable(message, longestText) }),
  };
}

const longestText = 1_000;

function methodView(method: PaymentMethod, now: number): OutputOf<"decode">["methods"][number] {
  if (method.kind === "onchain") return { kind: "onchain", address: method.address };
  const { invoice, text } = method;
  const expiresAt = invoiceExpiresAt(invoice);
  return {
    kind: "bolt11",
    invoice: text,
    ...(invoice.amount !== undefined && { amountMsat: invoice.amount.toString() }),
    ...(invoice.description.kind === "text" && {
      description: printable(invoice.description.text, longestText),
    }),
    payee: invoice.payee,
    paymentHash: invoice.paymentHash,
    createdAt: invoice.timestamp,
    expiresAt,
    isExpired: now >= expiresAt,
  };
}

/** A way to the payee as JSON. */
export function routeView({ found, amount, fee, paths, text }: RouteExplanation): OutputOf<"explainRoute"> {
  return {
    found,
    amountMsat: amount.toString(),
    ...(fee !== undefined && { feeMsat: fee.toString() }),
    paths: paths.map((path) => ({
      amountMsat: path.amount.toString(),
      feeMsat: path.fee.toString(),
      hops: path.hops.map((hop) => ({
        nodeId: hop.nodeId,
        shortChannelId: hop.shortChannelId,
        feeMsat: hop.fee.toString(),
        expiryDelta: hop.expiryDelta,
      })),
    })),
    text,
  };
}

/** A transaction of the wallet as JSON. */
export function transactionView({ change, fee, ...rest }: OnchainTransaction): OutputOf<"sendOnchain"> {
  return {
    ...rest,
    changeSat: change.toString(),
    ...(fee !== undefined && { feeSat: fee.toString() }),
  };
}

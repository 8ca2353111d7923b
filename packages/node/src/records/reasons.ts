import type {
  ClosureReason,
  HtlcHandlingFailureReason,
  PaymentFailureReason,
} from "@fulmen/lightning/handlers";
import { printable } from "@fulmen/lightning/util";
import type { PaymentFailure } from "../api/payments.ts";

/** Longest text of a peer's in a reason. */
const longestQuote = 200;

const failures: Readonly<Record<PaymentFailureReason, string>> = {
  "recipient-rejected": "the payee refused the payment: the invoice may be paid already, or be unknown to it",
  "user-abandoned": "it was given up on request",
  "retries-exhausted": "no way that was tried carried the payment",
  "payment-expired": "the invoice expired before a way was found that carries the payment",
  "route-not-found": "no way to the payee is known that carries the amount for the fee that was allowed",
  "unexpected-error": "a payment along its way was answered in a way that cannot be",
};

/** Why a payment of ours failed. */
export function failureOf(reason: PaymentFailureReason): PaymentFailure {
  return { code: reason, text: failures[reason] };
}

/** Why an HTLC that came in was failed back. */
export function handlingFailureOf(reason: HtlcHandlingFailureReason | undefined): PaymentFailure {
  if (reason === undefined) return { code: "unknown", text: "the reason was not kept" };
  if (reason.kind === "downstream") {
    return {
      code: "downstream",
      text: "a node behind us failed it, for a reason that only the payer can read",
    };
  }
  if (reason.reason === "private-channel-forward")
    return {
      code: reason.reason,
      text: "we failed it: it was to leave by a channel that is not announced, and the node is not set to forward to those",
    };
  return { code: reason.reason, text: `we failed it: ${reason.reason.replaceAll("-", " ")}` };
}

/** Why a channel ended. */
export function closeReasonOf(reason: ClosureReason): PaymentFailure {
  return { code: reason.kind, text: textOf(reason) };
}

function textOf(reason: ClosureReason): string {
  switch (reason.kind) {
    case "counterparty-force-closed":
      return `the peer gave the channel up: ${printable(reason.peerMessage, longestQuote)}`;
    case "holder-force-closed":
      return `we gave the channel up: ${printable(reason.message, longestQuote)}`;
    case "locally-initiated-cooperative-closure":
      return "both sides agreed to close it, on our wish";
    case "counterparty-initiated-cooperative-closure":
      return "both sides agreed to close it, on the peer's wish";
    case "commitment-transaction-confirmed":
      return "a commitment of the channel was found on the chain";
    case "funding-timed-out":
      return "its funding transaction was not confirmed in time";
    case "htlcs-timed-out":
      return "a payment on it was about to expire and had to be settled on the chain";
    case "processing-error":
      return `the peer broke the protocol: ${printable(reason.error, longestQuote)}`;
    case "disconnected-peer":
      return "the peer went away before the channel was funded";
    case "counterparty-coop-closed-unfunded-channel":
      return "the peer gave it up before it was funded";
    case "locally-coop-closed-unfunded-channel":
      return "it was given up before it was funded";
    case "peer-feerate-too-low":
      return `the peer pays too little for its commitment: ${reason.peerFeerate} where ${reason.requiredFeerate} is needed`;
    case "lost-channel-state":
      return "the store is older than the channel: the peer has to close it";
  }
}

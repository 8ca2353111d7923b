const remedies: Readonly<Record<string, string>> = {
  "recipient-rejected": "Ask the payee for a new invoice.",
  "retries-exhausted": "Try again in a while, or pay less at once.",
  "payment-expired": "Ask the payee for a new invoice.",
  "route-not-found": "Pay less at once, or open a channel with more room, or nearer to the payee.",
  "user-abandoned": "Pay it again whenever you like, while the invoice is good.",
  "not-claimed": "Ask the payer to pay again, and keep the node running meanwhile.",
};

/**
 * What can be done about a payment that failed for this reason; nothing is known of reasons that are newer than this
 * page.
 */
export function remedyOf(code: string): string | undefined {
  return Object.hasOwn(remedies, code) ? remedies[code] : undefined;
}

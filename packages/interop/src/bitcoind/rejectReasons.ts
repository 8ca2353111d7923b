import type { Refusal } from "@fulmen/testkit";

type Kind = Refusal["kind"];

const paysTooLittle: readonly Kind[] = [
  "replacement-fee-too-low",
  "replacement-feerate-too-low",
  "replacement-earns-less",
];

/**
 * How Bitcoin Core begins what it says of a refused transaction or package, and our refusals that this can stand for.
 * Where one beginning is that of another, the longer one comes first.
 */
const meanings: readonly (readonly [string, readonly Kind[]])[] = [
  ["bad-txns-inputs-missingorspent", ["missing-inputs", "already-confirmed"]],
  ["bad-txns-inputvalues-outofrange", ["malformed"]],
  ["bad-txns-in-belowout", ["outputs-exceed-inputs"]],
  ["bad-txns-nonstandard-inputs", ["non-standard"]],
  ["bad-txns-premature-spend-of-coinbase", ["immature-coinbase"]],
  ["bad-txns-spends-conflicting-tx", ["spends-conflict"]],
  ["bad-txns-too-many-sigops", ["non-standard"]],
  ["bad-txns-", ["malformed"]],
  ["bad-cb-length", ["malformed"]],
  ["TX decode failed", ["malformed"]],
  ["coinbase", ["coinbase"]],
  ["version", ["non-standard"]],
  ["tx-size", ["non-standard"]],
  ["scriptsig-", ["non-standard"]],
  ["scriptpubkey", ["non-standard"]],
  ["datacarrier", ["non-standard"]],
  ["bare-multisig", ["non-standard"]],
  ["bad-witness-nonstandard", ["non-standard"]],
  ["dust", ["dust"]],
  ["missing-ephemeral-spends", ["unspent-ephemeral-dust"]],
  ["non-final", ["non-final"]],
  ["non-BIP68-final", ["sequence-locked"]],
  ["txn-already-in-mempool", ["already-in-mempool"]],
  ["txn-same-nonwitness-data-in-mempool", ["already-in-mempool"]],
  ["txn-already-known", ["already-confirmed"]],
  ["Transaction outputs already in utxo set", ["already-confirmed", "coinbase"]],
  ["min relay fee not met", ["min-fee-not-met"]],
  ["mempool min fee not met", ["min-fee-not-met"]],
  ["TRUC-violation", ["truc"]],
  ["too many potential replacements", ["too-many-replacements"]],
  ["insufficient fee", paysTooLittle],
  ["replacement-failed", paysTooLittle],
  ["replacement-adds-unconfirmed", ["replacement-adds-unconfirmed"]],
  ["package RBF failed: new transaction cannot have mempool ancestors", ["replacement-adds-unconfirmed"]],
  ["package RBF failed", [...paysTooLittle, "too-many-replacements"]],
  ["too-long-mempool-chain", ["too-long-chain"]],
  ["too-large-cluster", ["too-long-chain"]],
  ["mempool-script-verify-flag-failed", ["script"]],
  ["mandatory-script-verify-flag-failed", ["script"]],
  ["non-mandatory-script-verify-flag", ["script"]],
  ["package topology disallowed", ["package-topology"]],
];

/** Whether one of the things that Bitcoin Core says is what our refusal says. */
export function meansTheSame(reasons: readonly string[], { kind }: Refusal): boolean {
  return reasons.some((reason) => meanings.find(([start]) => reason.startsWith(start))?.[1].includes(kind));
}

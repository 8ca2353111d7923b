import type { Refusal } from "../chain/index.ts";

/** What Bitcoin Core's `sendrawtransaction` says for a refusal: clients look for these words. */
export function rejectReason(refusal: Refusal): string {
  switch (refusal.kind) {
    case "malformed":
      return malformedReasons[refusal.rule];
    case "missing-inputs":
      return "bad-txns-inputs-missingorspent";
    case "immature-coinbase":
      return "bad-txns-premature-spend-of-coinbase";
    case "outputs-exceed-inputs":
      return "bad-txns-in-belowout";
    case "non-final":
      return "non-final";
    case "sequence-locked":
      return "non-BIP68-final";
    case "script":
      return `mandatory-script-verify-flag-failed (${refusal.error})`;
    case "coinbase":
      return "coinbase";
    case "already-in-mempool":
      return "txn-already-in-mempool";
    case "already-confirmed":
      return "Transaction outputs already in utxo set";
    case "non-standard":
      return nonStandardReasons[refusal.rule];
    case "dust":
      return "dust";
    case "unspent-ephemeral-dust":
      return "missing-ephemeral-spends";
    case "min-fee-not-met":
      return `min relay fee not met, ${refusal.have} < ${refusal.need}`;
    case "too-long-chain":
      return `too-long-mempool-chain, ${refusal.have} ${refusal.limit} [limit: ${refusal.most}]`;
    case "truc":
      return `TRUC-violation, ${refusal.rule}`;
    case "conflict-not-replaceable":
      return "txn-mempool-conflict";
    case "replacement-adds-unconfirmed":
      return "replacement-adds-unconfirmed";
    case "replacement-fee-too-low":
    case "replacement-feerate-too-low":
    case "replacement-earns-less":
      return "insufficient fee";
    case "too-many-replacements":
      return `too many potential replacements, ${refusal.have}`;
    case "spends-conflict":
      return "bad-txns-spends-conflicting-tx";
    case "package-topology":
      return "package topology disallowed";
  }
}

type RuleOf<K extends Refusal["kind"]> = Extract<Refusal, { kind: K; rule: string }>["rule"];

const malformedReasons: Readonly<Record<RuleOf<"malformed">, string>> = {
  "no-inputs": "bad-txns-vin-empty",
  "no-outputs": "bad-txns-vout-empty",
  oversized: "bad-txns-oversize",
  "value-out-of-range": "bad-txns-vout-toolarge",
  "duplicate-input": "bad-txns-inputs-duplicate",
  "null-input": "bad-txns-prevout-null",
  "coinbase-script-length": "bad-cb-length",
};

const nonStandardReasons: Readonly<Record<RuleOf<"non-standard">, string>> = {
  version: "version",
  weight: "tx-size",
  "size-too-small": "tx-size-small",
  "script-sig-size": "scriptsig-size",
  "script-sig-not-push-only": "scriptsig-not-pushonly",
  "output-script": "scriptpubkey",
  "data-carrier-size": "datacarrier",
  "input-script": "bad-txns-nonstandard-inputs",
  witness: "bad-witness-nonstandard",
  annex: "bad-witness-nonstandard",
};

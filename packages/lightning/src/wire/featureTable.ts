/**
 * Where a feature may stand (BOLT 9): `I` init, `N` node_announcement, `C` channel_announcement, `9` BOLT 11 invoices,
 * `B` allowed_features of a blinded path, `T` channel_type.
 */
export type FeatureContext = "I" | "N" | "C" | "9" | "B" | "T";

/** What is known about one feature. */
export interface FeatureInfo {
  /** The even bit, "required"; the odd bit one above says "optional". Bit 0 is the lowest of the last byte. */
  readonly bit: number;
  /** The contexts it may stand in, one letter each; empty where the BOLT names none. */
  readonly contexts: string;
  /** Contexts of earlier revisions of BOLT 9, where nodes still present it though the BOLT names none any more. */
  readonly formerContexts?: string;
  /** Features that must be set with it. */
  readonly needs?: readonly string[];
  /** Every node has it; it need not be set, and nothing fails where it is missing. */
  readonly assumed?: true;
  /** Where it is specified, when not in BOLT 9. */
  readonly source?: string;
}

/** Every feature of BOLT 9, and those outside of it that this kit knows by name. */
export const featureTable = {
  option_data_loss_protect: { bit: 0, contexts: "", formerContexts: "IN", assumed: true },
  option_upfront_shutdown_script: { bit: 4, contexts: "IN" },
  gossip_queries: { bit: 6, contexts: "", formerContexts: "IN" },
  var_onion_optin: { bit: 8, contexts: "", formerContexts: "IN9", assumed: true },
  gossip_queries_ex: { bit: 10, contexts: "IN" },
  option_static_remotekey: { bit: 12, contexts: "", formerContexts: "INT", assumed: true },
  payment_secret: { bit: 14, contexts: "", formerContexts: "IN9", assumed: true },
  basic_mpp: { bit: 16, contexts: "IN9", needs: ["payment_secret"] },
  option_support_large_channel: { bit: 18, contexts: "IN" },
  option_anchors: { bit: 22, contexts: "INT" },
  option_route_blinding: { bit: 24, contexts: "IN9" },
  option_shutdown_anysegwit: { bit: 26, contexts: "IN" },
  option_dual_fund: { bit: 28, contexts: "IN" },
  option_quiesce: { bit: 34, contexts: "IN" },
  option_attribution_data: { bit: 36, contexts: "IN9" },
  option_onion_messages: { bit: 38, contexts: "IN" },
  zero_fee_commitments: {
    bit: 40,
    contexts: "INT",
    needs: ["option_channel_type"],
    source: "BOLTs pull request 1228",
  },
  option_provide_storage: { bit: 42, contexts: "IN" },
  option_channel_type: { bit: 44, contexts: "", formerContexts: "IN", assumed: true },
  option_scid_alias: { bit: 46, contexts: "INT" },
  option_payment_metadata: { bit: 48, contexts: "9" },
  option_zeroconf: { bit: 50, contexts: "INT", needs: ["option_scid_alias"] },
  option_keysend: { bit: 54, contexts: "N", source: "bLIP 3" },
  trampoline_routing: { bit: 56, contexts: "IN9", source: "BOLTs pull request 836" },
  option_simple_close: { bit: 60, contexts: "IN", needs: ["option_shutdown_anysegwit"] },
  option_splice: { bit: 62, contexts: "IN" },
  option_dns_resolver: { bit: 258, contexts: "N", source: "bLIP 32" },
  option_supports_lsps: { bit: 728, contexts: "IN", source: "bLIP 50" },
} as const satisfies Readonly<Record<string, FeatureInfo>>;

/** The BOLTs' name of a feature. */
export type FeatureName = keyof typeof featureTable;

/** The table as a list, by ascending bit. */
export const knownFeatures: readonly (FeatureInfo & { readonly name: FeatureName })[] = (
  Object.entries(featureTable) as [FeatureName, FeatureInfo][]
).map(([name, info]) => ({ name, ...info }));

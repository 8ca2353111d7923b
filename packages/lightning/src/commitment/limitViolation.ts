import type { FeeratePerKw, Msat } from "../util/units.ts";
import type { Side } from "./keys.ts";

/** A limit, and the numbers by which it is not kept. `side` says on whose commitment. */
export type LimitViolation =
  | { readonly kind: "amount-zero" }
  | { readonly kind: "below-htlc-minimum"; readonly amount: Msat; readonly minimum: Msat }
  | { readonly kind: "expiry-not-a-height"; readonly cltvExpiry: number }
  /** `count` with the new HTLC. */
  | { readonly kind: "too-many-htlcs"; readonly count: number; readonly maximum: number }
  /** `inFlight` with the new HTLC. */
  | { readonly kind: "too-much-in-flight"; readonly inFlight: Msat; readonly maximum: Msat }
  /** `balance` of the party that adds the HTLC, before it. */
  | {
      readonly kind: "below-reserve";
      readonly balance: Msat;
      readonly amount: Msat;
      readonly reserve: Msat;
    }
  /** `balance` of the opener, less the new HTLC if it adds it; `cost` is the fee, with its buffers, and the anchors. */
  | {
      readonly kind: "opener-cannot-afford-fee";
      readonly opener: "we" | "peer";
      readonly side: Side;
      readonly balance: Msat;
      readonly cost: Msat;
      readonly reserve: Msat;
    }
  /** All outputs would be trimmed: there would be no commitment worth publishing, and in most formats no valid one. */
  | { readonly kind: "no-output-left"; readonly side: Side }
  /** `exposure` with the new HTLC or feerate. */
  | {
      readonly kind: "dust-exposure";
      readonly side: Side;
      readonly exposure: Msat;
      readonly maximum: Msat;
    }
  | { readonly kind: "not-opener" }
  /** The format's commitments have no feerate. */
  | { readonly kind: "no-feerate" }
  | { readonly kind: "feerate-too-low"; readonly feerate: FeeratePerKw; readonly minimum: FeeratePerKw }
  | { readonly kind: "feerate-too-high"; readonly feerate: FeeratePerKw; readonly maximum: FeeratePerKw };

/** A sentence for people. */
export function violationText(facts: LimitViolation): string {
  switch (facts.kind) {
    case "amount-zero":
      return "an HTLC of no amount";
    case "below-htlc-minimum":
      return `${facts.amount} msat is below the HTLC minimum of ${facts.minimum} msat`;
    case "expiry-not-a-height":
      return `expiry ${facts.cltvExpiry} is not a block height`;
    case "too-many-htlcs":
      return `${facts.count} HTLCs offered, ${facts.maximum} are accepted`;
    case "too-much-in-flight":
      return `${facts.inFlight} msat in flight, ${facts.maximum} msat are accepted`;
    case "below-reserve":
      return `${facts.amount} msat of a balance of ${facts.balance} msat leave less than the reserve of ${facts.reserve} msat`;
    case "opener-cannot-afford-fee": {
      const whose = facts.opener === "we" ? "our" : "the peer's";
      return (
        `${whose} balance of ${facts.balance} msat does not pay ${facts.cost} msat of fee and anchors ` +
        `on the ${facts.side} commitment and leave the reserve of ${facts.reserve} msat`
      );
    }
    case "no-output-left":
      return `the ${facts.side} commitment would have no output left`;
    case "dust-exposure":
      return `dust of ${facts.exposure} msat on the ${facts.side} commitment, at most ${facts.maximum} msat are risked`;
    case "not-opener":
      return "only the opener of a channel sets its feerate";
    case "no-feerate":
      return "commitments of this channel pay no fee: there is no feerate to set";
    case "feerate-too-low":
      return `${facts.feerate} sat/kW is below the least acceptable feerate of ${facts.minimum} sat/kW`;
    case "feerate-too-high":
      return `${facts.feerate} sat/kW is above the highest acceptable feerate of ${facts.maximum} sat/kW`;
  }
}

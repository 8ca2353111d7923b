import type { ScriptError } from "@fulmen/bitcoin/interpreter";
import type { OutPoint, Sat, Txid } from "@fulmen/bitcoin/primitives";

/** Why no block may contain a transaction. */
export type ConsensusRefusal =
  | { readonly kind: "malformed"; readonly rule: MalformedRule }
  /** These outputs never were, or are spent in the chain. */
  | { readonly kind: "missing-inputs"; readonly outPoints: readonly OutPoint[] }
  /** The earliest block that may have it has this height. */
  | { readonly kind: "immature-coinbase"; readonly outPoint: OutPoint; readonly matureAt: number }
  | { readonly kind: "outputs-exceed-inputs"; readonly inputs: Sat; readonly outputs: Sat }
  /** Its lock time is a height or a time (median of eleven blocks) that has not passed. */
  | { readonly kind: "non-final"; readonly locktime: number }
  /** A relative lock (BIP 68) binds for longer: until this height, or until this median time. */
  | { readonly kind: "sequence-locked"; readonly untilHeight: number; readonly untilTime: number }
  | { readonly kind: "script"; readonly inputIndex: number; readonly error: ScriptError };

export type MalformedRule =
  | "no-inputs"
  | "no-outputs"
  | "oversized"
  | "value-out-of-range"
  | "duplicate-input"
  | "null-input"
  | "coinbase-script-length";

/** What nodes do not relay although a block might contain it. */
export type NonStandardRule =
  | "version"
  | "weight"
  | "size-too-small"
  | "script-sig-size"
  | "script-sig-not-push-only"
  | "output-script"
  | "data-carrier-size"
  | "input-script"
  | "witness"
  | "annex";

/** Why the mempool does not take a transaction: typed, with the numbers that would have been right. */
export type Refusal =
  | ConsensusRefusal
  | { readonly kind: "coinbase" }
  | { readonly kind: "already-in-mempool" }
  | { readonly kind: "already-confirmed"; readonly height: number }
  /** `index` is that of the input or output, where it is one. */
  | { readonly kind: "non-standard"; readonly rule: NonStandardRule; readonly index?: number }
  /** Below the dust limit: more than one output, or one (ephemeral dust) in a transaction that pays a fee. */
  | { readonly kind: "dust"; readonly outputs: readonly number[] }
  /** The dust of an unconfirmed parent must be spent by its child. */
  | { readonly kind: "unspent-ephemeral-dust"; readonly outPoints: readonly OutPoint[] }
  /** Fees in satoshis; for a package those of both transactions together. */
  | { readonly kind: "min-fee-not-met"; readonly have: Sat; readonly need: Sat }
  | {
      readonly kind: "too-long-chain";
      readonly limit: "ancestors" | "ancestors-size" | "descendants" | "descendants-size";
      readonly have: number;
      readonly most: number;
    }
  | { readonly kind: "truc"; readonly rule: TrucRule }
  /** An input is spent by another transaction in the mempool that does not signal replaceability (BIP 125, rule 1). */
  | { readonly kind: "conflict-not-replaceable"; readonly conflict: Txid }
  /** A replacement may not add inputs that are unconfirmed (BIP 125, rule 2). */
  | { readonly kind: "replacement-adds-unconfirmed"; readonly outPoint: OutPoint }
  /** Less than the fees that it replaces plus its own relay (BIP 125, rules 3 and 4). */
  | { readonly kind: "replacement-fee-too-low"; readonly have: Sat; readonly need: Sat }
  /** No more per virtual byte than what it replaces: satoshis per 1,000 of them. */
  | { readonly kind: "replacement-feerate-too-low"; readonly have: bigint; readonly above: bigint }
  /**
   * Miners would lose by it: its best part pays `have`, that of what it replaces `best`, in satoshis per 1,000 bytes.
   */
  | { readonly kind: "replacement-earns-less"; readonly have: bigint; readonly best: bigint }
  /** It would evict over 100 transactions (BIP 125, rule 5). */
  | { readonly kind: "too-many-replacements"; readonly have: number }
  /** It replaces one of its own ancestors. */
  | { readonly kind: "spends-conflict"; readonly conflict: Txid }
  /** A package is one parent with one child that spends it. */
  | { readonly kind: "package-topology" };

/** Rules of version 3 (BIP 431): topologically restricted until confirmation. */
export type TrucRule =
  | "version-3-spends-other"
  | "other-spends-version-3"
  | "too-large"
  | "child-too-large"
  | "too-many-ancestors"
  | "too-many-descendants";

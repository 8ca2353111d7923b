import type { CoinSelectionRefusal } from "@fulmen/lightning/chain";
import type { BlockHeight, FeeratePerKw, OutPoint, Sat, Txid } from "@fulmen/lightning/util";

/** Why the wallet makes no transaction. */
export type WalletRefusal =
  | Exclude<CoinSelectionRefusal, { readonly kind: "wallet-unavailable" }>
  /** An output that nodes would not relay. */
  | { readonly kind: "dust-output"; readonly index: number; readonly value: Sat; readonly least: Sat }
  /** A replacement must pay more for each unit of weight than what it replaces. */
  | { readonly kind: "feerate-too-low"; readonly feerate: FeeratePerKw; readonly least: FeeratePerKw }
  /** A coin that was named is not there, is spent, or may not be spent yet. */
  | { readonly kind: "coin-not-spendable"; readonly outPoint: OutPoint }
  /** A claim or reservation holds a coin that would be spent, or an output of what would be replaced. */
  | { readonly kind: "coin-locked"; readonly outPoint: OutPoint }
  /** The payment would leave less unlocked, change included, than is to be kept. */
  | { readonly kind: "reserve-needed"; readonly keep: Sat; readonly left: Sat }
  | { readonly kind: "unknown-transaction"; readonly txid: Txid }
  | { readonly kind: "already-confirmed"; readonly txid: Txid; readonly height: BlockHeight }
  /** Another transaction has taken its coins. */
  | { readonly kind: "conflicted"; readonly txid: Txid }
  /** It was not made to be replaced: somebody may rely on its id. */
  | { readonly kind: "not-replaceable"; readonly txid: Txid }
  /** Replacing it would undo these. */
  | { readonly kind: "has-descendants"; readonly txids: readonly Txid[] }
  /** It builds on so many unconfirmed ones that no child is relayed: wait for a block, or replace one of them. */
  | {
      readonly kind: "too-long-chain";
      readonly txid: Txid;
      readonly unconfirmed: number;
      readonly most: number;
    }
  /** None of its outputs can be spent by the wallet. */
  | { readonly kind: "no-own-output"; readonly txid: Txid }
  /** What it pays is not known, since it spends coins of others. */
  | { readonly kind: "unknown-fee"; readonly txid: Txid };

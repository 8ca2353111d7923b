import type { Brand, OutPoint, Sat } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import { toHex } from "../util/bytes.ts";
import { invariant } from "../util/invariant.ts";
import type { Result } from "../util/result.ts";
import type { FeeratePerKw } from "../util/units.ts";

/**
 * 64 lower-case hex digits that name what a transaction is for, through all of its replacements: two transactions of
 * one claim id are never both to confirm. @ldk lightning::chain::ClaimId
 */
export type ClaimId = Brand<string, "ClaimId">;

/** The claim id of 32 bytes. */
export function claimIdOf(bytes: Uint8Array): ClaimId {
  invariant(bytes.length === 32, `claim id of ${bytes.length} bytes, not 32`);
  return toHex(bytes) as ClaimId;
}

/** An input that the transaction has whatever is selected. @ldk lightning::events::bump_transaction::Input */
export interface Input {
  readonly outPoint: OutPoint;
  /** The output that it spends. */
  readonly previousUtxo: TxOut;
  /** Weight units of script and witness at most, each with its lengths: 4 for the length of an empty script and on. */
  readonly satisfactionWeight: number;
}

/** A confirmed coin of the wallet. @ldk lightning::events::bump_transaction::Utxo */
export interface Utxo {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  /** Weight units of script and witness at most, as for `Input`. */
  readonly satisfactionWeight: number;
  /** What the input that spends it has as its sequence: replaceable. */
  readonly sequence: number;
}

/** What the transaction is a child of, when it pays for its parent too (BOLT 3, "Fee Payment"; BIP 431). */
export interface PaidParent {
  /** Weight units, with its witness. */
  readonly weight: number;
  /** What the parent pays itself; zero for a zero-fee commitment. */
  readonly fee: Sat;
}

/** What coins are wanted for. Plain data: it may go to a wallet in another process. */
export interface CoinSelectionRequest {
  readonly claimId: ClaimId;
  readonly mustSpend: readonly Input[];
  /** Outputs that come first, in this order; the wallet looks at no dust limit of theirs. */
  readonly mustPayTo: readonly TxOut[];
  /** What the transaction pays for each unit of its weight, and of its parent's. */
  readonly targetFeerate: FeeratePerKw;
  /**
   * What the transaction may weigh at most, all its witnesses included: 400,000 for an ordinary one, 4,000 for a child
   * in version 3 (BIP 431), whose coins must be confirmed for another reason too: it may have one unconfirmed parent.
   */
  readonly maxTransactionWeight: number;
  readonly parent?: PaidParent;
  /** What the transaction pays at the least, whatever its feerate: a replacement pays more than what it replaces. */
  readonly minimumFee?: Sat;
  /**
   * What is lost if it never confirms. To replace a transaction of another claim, whose coins it takes, it pays half of
   * that at most, or what its feerate asks for anyway; only the latter when not given.
   */
  readonly atStake?: Sat;
}

/** @ldk lightning::events::bump_transaction::CoinSelection */
export interface CoinSelection {
  /** Locked for the claim. They come behind `mustSpend`, in this order. */
  readonly confirmedUtxos: readonly Utxo[];
  /** Comes behind `mustPayTo`; absent when all that is left over goes to the fee. */
  readonly changeOutput?: TxOut;
}

/** Why no coins are given. */
export type CoinSelectionRefusal =
  /**
   * All usable coins together (`available`) do not cover what the transaction would need with all of them (`needed`).
   * `reserved` is the worth of confirmed coins that other claims and reservations hold.
   */
  | {
      readonly kind: "insufficient-funds";
      readonly needed: Sat;
      readonly available: Sat;
      readonly reserved: Sat;
    }
  /** The fewest coins that suffice make the transaction heavier than it may be. */
  | { readonly kind: "too-heavy"; readonly weight: number; readonly most: number }
  /** The wallet cannot answer now: it is out of reach, or locked. */
  | { readonly kind: "wallet-unavailable"; readonly text: string };

/** Why nothing is signed. */
export type SignPsbtRefusal =
  | { readonly kind: "malformed-psbt"; readonly text: string }
  /** No input spends a coin of the wallet. */
  | { readonly kind: "nothing-to-sign" }
  /** What the PSBT says of a coin's value or script is not what the wallet knows of it. */
  | { readonly kind: "wrong-spent-output"; readonly inputIndex: number }
  /** An input asks for a signature that does not cover the whole transaction. */
  | { readonly kind: "unsafe-sighash"; readonly inputIndex: number; readonly sighashType: number }
  /** The wallet has public keys only. */
  | { readonly kind: "watch-only" }
  | { readonly kind: "wallet-unavailable"; readonly text: string };

/**
 * Gives confirmed coins to transactions that the node must get confirmed and whose own value does not suffice: children
 * of commitments, HTLC transactions without a fee. May answer at once or later; the requests are plain data.
 *
 * @ldk lightning::events::bump_transaction::CoinSelectionSource
 */
export interface CoinSelectionSource {
  /**
   * Coins and change with which the transaction pays its target, and which stay locked for the claim. Asked again for
   * the same claim id, it gives the same coins first and others behind them as needed, and the same change script.
   * A coin that another claim holds is given only where no others suffice, to one that pays a clearly higher feerate and
   * what replacing that claim's transaction takes (BIP 125): the other one waits then, and is given coins when they are
   * free again.
   */
  selectConfirmedUtxos(
    request: CoinSelectionRequest,
  ): Result<CoinSelection, CoinSelectionRefusal> | Promise<Result<CoinSelection, CoinSelectionRefusal>>;
  /**
   * The transaction of a PSBT (BIP 174) with the witness of every input that spends a coin of the wallet. Other inputs
   * stay as they are: whoever asks adds their witnesses.
   */
  signPsbt(
    psbt: Uint8Array,
  ): Result<Transaction, SignPsbtRefusal> | Promise<Result<Transaction, SignPsbtRefusal>>;
  /** Lets the coins go that it holds for any other claim than these: those are settled. */
  retainClaims?(claimIds: readonly ClaimId[]): void | Promise<void>;
}

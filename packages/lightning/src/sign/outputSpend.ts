import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Point, Signature } from "../util/bytes.ts";
import type { Sat } from "../util/units.ts";

/** Which key of a channel spends an output, and what makes it the key of that one commitment. */
export type OutputSpendKey =
  /** Our anchor. */
  | { readonly kind: "funding" }
  /** Our `to_remote` output on the peer's commitment. */
  | { readonly kind: "payment" }
  /** Our `to_local` output, or that of a second-stage transaction of ours. `point` is our commitment's. */
  | { readonly kind: "delayed-payment"; readonly point: Point }
  /** An HTLC output: `point` is that of the commitment which has it, ours or the peer's. */
  | { readonly kind: "htlc"; readonly point: Point }
  /** Any output of a commitment that the peer revoked by showing `secret`, and of its second stages. */
  | { readonly kind: "revocation"; readonly secret: Uint8Array };

/** An input that spends an output of a closed channel, and all that its signature commits to. */
export interface OutputSpend {
  /** Whole: a signer with a policy sees where the money goes. */
  readonly transaction: Transaction;
  readonly inputIndex: number;
  /** Of the output that is spent. */
  readonly value: Sat;
  /** Its witness script; for P2WPKH the corresponding P2PKH script (BIP 143). */
  readonly scriptCode: Uint8Array;
  readonly sighashType: number;
  readonly key: OutputSpendKey;
}

/**
 * Signs for what a channel left on the chain. The channel's monitor asks, and asks again with every rebroadcast
 * while the answer is `undefined`, "not now".
 *
 * @ldk lightning::sign::ecdsa::EcdsaChannelSigner::sign_justice_revoked_output
 */
export interface OutputSpendSigner {
  signSpend(spend: OutputSpend): Signature | undefined;
}

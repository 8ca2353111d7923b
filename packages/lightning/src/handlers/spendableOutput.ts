import type { TxOut } from "@fulmen/bitcoin/transaction";
import type { Point } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";

interface SpendableOutput {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  readonly channelKeysId: Uint8Array;
}

/**
 * An output on the chain that is ours alone, and what is needed to spend it besides our keys. Plain data: it may be
 * stored, and spent by another program.
 *
 * @ldk lightning::sign::SpendableOutputDescriptor
 */
export type SpendableOutputDescriptor =
  /** Locked by `SignerProvider.destinationScript` or `shutdownScript`. */
  | (SpendableOutput & { readonly kind: "static-output" })
  /** Our balance on our commitment, or what an HTLC transaction on it gave. */
  | (SpendableOutput & {
      readonly kind: "delayed-payment-output";
      /** Of our commitment: our key follows from it. */
      readonly perCommitmentPoint: Point;
      /** Blocks from the confirmation on: the sequence of the input that spends it. */
      readonly toSelfDelay: number;
      readonly witnessScript: Uint8Array;
    })
  /** Our balance on a commitment of the peer. */
  | (SpendableOutput & {
      readonly kind: "static-payment-output";
      readonly sequence: number;
      /** Absent when it is locked by our key's hash (P2WPKH). */
      readonly witnessScript?: Uint8Array;
    });

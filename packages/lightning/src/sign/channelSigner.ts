import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { BuiltCommitment, FundingOutput } from "../commitment/build.ts";
import type { Basepoints } from "../commitment/params.ts";
import { type Point, type Signature, toHex } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";

/**
 * What a channel asks its signer for. A request carries all that a policy needs to judge it: whole transactions,
 * commitment numbers, known preimages.
 */
export type SigningRequest =
  /** Sign the peer's commitment `number`, once per active funding, and the peer's HTLC transactions on it. */
  | {
      readonly kind: "counterparty-commitment";
      readonly number: CommitmentNumber;
      /** The peer's per-commitment point of `number`. */
      readonly point: Point;
      readonly commitments: readonly { readonly funding: FundingOutput; readonly built: BuiltCommitment }[];
      /** Preimages of HTLCs whose fulfilment this commitment takes into account. */
      readonly preimages: readonly Uint8Array[];
    }
  /**
   * Our commitment `number + 1` is fully signed by the peer: give the secret of `number`, and the point of
   * `pointNumber` for later. The signer must never sign our commitment `number` from now on.
   */
  | {
      readonly kind: "revocation";
      readonly number: CommitmentNumber;
      readonly pointNumber: CommitmentNumber;
      /** Our commitment `number + 1` with the peer's signatures, for signers that check them. */
      readonly next: readonly {
        readonly funding: FundingOutput;
        readonly built: BuiltCommitment;
        readonly signature: Signature;
        readonly htlcSignatures: readonly Signature[];
      }[];
    }
  /** Sign a cooperative close. */
  | { readonly kind: "closing"; readonly funding: FundingOutput; readonly transaction: Transaction }
  /**
   * Sign `digest`, the hash of our `channel_announcement`, with the funding key; the node key signs through
   * `NodeSigner`.
   */
  | {
      readonly kind: "channel-announcement";
      readonly funding: FundingOutput;
      readonly announcement: Uint8Array;
    }
  /** Sign our own commitment to broadcast it. Only the monitor asks, and only after it locked itself. */
  | {
      readonly kind: "holder-commitment";
      readonly number: CommitmentNumber;
      readonly funding: FundingOutput;
      readonly built: BuiltCommitment;
    };

export type SigningAnswer =
  | {
      readonly kind: "counterparty-commitment";
      /** As the request's commitments, HTLC signatures in output order. */
      readonly signatures: readonly {
        readonly signature: Signature;
        readonly htlcSignatures: readonly Signature[];
      }[];
    }
  | { readonly kind: "revocation"; readonly secret: Uint8Array; readonly point: Point }
  | { readonly kind: "closing"; readonly signature: Signature }
  | {
      readonly kind: "channel-announcement";
      readonly nodeSignature: Signature;
      readonly bitcoinSignature: Signature;
    }
  | { readonly kind: "holder-commitment"; readonly signature: Signature }
  /** The signer will not sign: the channel stops at this point, and the user is told why. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Holds the keys of one channel. `sign` answers at once, or returns `undefined` and answers later through
 * `ChannelManager.signerAnswered`; until then the channel takes no other step. A disconnection drops the question:
 * after it the channel may ask something else.
 *
 * @ldk lightning::sign::ecdsa::EcdsaChannelSigner
 */
export interface ChannelSigner {
  readonly fundingKey: Point;
  readonly basepoints: Basepoints;
  /** Our per-commitment point of `number`. */
  point(number: CommitmentNumber): Point;
  sign(request: SigningRequest): SigningAnswer | undefined;
}

/** @ldk lightning::sign::SignerProvider */
export interface SignerProvider {
  /** Names the keys of a new channel: 32 bytes that are stored with it. `entropy` is 32 random bytes. */
  generateChannelKeysId(inbound: boolean, entropy: Uint8Array): Uint8Array;
  deriveChannelSigner(channelKeysId: Uint8Array): ChannelSigner;
  /** Where funds go that come back on chain. */
  destinationScript(channelKeysId: Uint8Array): Uint8Array;
  /** Where a cooperative close pays us. */
  shutdownScript(): Uint8Array;
}

/** Whether the answer to one request is an answer to the other, too: they ask for signatures of the same. */
export function isSameRequest(one: SigningRequest, other: SigningRequest): boolean {
  return one === other || nameOf(one) === nameOf(other);
}

function nameOf(request: SigningRequest): string {
  const { kind } = request;
  switch (kind) {
    case "counterparty-commitment":
      return [kind, request.number, ...request.commitments.map(({ built }) => built.txid)].join(" ");
    case "revocation":
      return [kind, request.number, request.pointNumber].join(" ");
    case "closing":
      return `${kind} ${txid(request.transaction)}`;
    case "channel-announcement":
      return `${kind} ${toHex(request.announcement)}`;
    case "holder-commitment":
      return [kind, request.number, request.built.txid].join(" ");
  }
}

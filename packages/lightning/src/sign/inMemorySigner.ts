import { crypto } from "@fulmen/bitcoin/crypto";
import { segwitV0Sighash } from "@fulmen/bitcoin/sighash";
import type { NodeSigner } from "../chain/index.ts";
import type { BuiltCommitment } from "../commitment/build.ts";
import type { FundingOutput } from "../commitment/funding.ts";
import type { Basepoints } from "../commitment/params.ts";
import { closingSighash, commitmentSighash, htlcSighash } from "../commitment/signatures.ts";
import { derivePrivateKey, deriveRevocationPrivateKey, perCommitmentPoint } from "../crypto/keyDerivation.ts";
import { CommitmentSecrets } from "../crypto/shachain.ts";
import { equalBytes, noBytes, type Point, type Signature } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";

import type { ChannelSecrets } from "./channelKeys.ts";
import type { ChannelSigner, SigningAnswer, SigningRequest } from "./channelSigner.ts";
import type { OutputSpend, OutputSpendKey, OutputSpendSigner } from "./outputSpend.ts";

/**
 * Signs with keys that are in memory, at once and whatever it is asked: it keeps no state, so that the order of
 * requests is the channel's to hold and, for commitments of ours, the lock of its monitor. The one thing refused is
 * a funding output that is not locked with our key.
 *
 * @ldk lightning::sign::InMemorySigner
 */
export class InMemorySigner implements ChannelSigner, OutputSpendSigner {
  readonly fundingKey: Point;
  readonly basepoints: Basepoints;
  readonly #secrets: ChannelSecrets;
  readonly #commitmentSecrets: CommitmentSecrets;
  readonly #node: Pick<NodeSigner, "signGossip">;

  constructor(secrets: ChannelSecrets, node: Pick<NodeSigner, "signGossip">) {
    this.#secrets = secrets;
    this.#commitmentSecrets = new CommitmentSecrets(secrets.commitmentSeed);
    this.#node = node;
    this.fundingKey = pointOf(secrets.funding);
    this.basepoints = {
      revocation: pointOf(secrets.revocation),
      payment: pointOf(secrets.payment),
      delayedPayment: pointOf(secrets.delayedPayment),
      htlc: pointOf(secrets.htlc),
    };
  }

  point(number: CommitmentNumber): Point {
    return perCommitmentPoint(this.#commitmentSecrets.secret(number));
  }

  sign(request: SigningRequest): SigningAnswer {
    const stranger = fundingsOf(request).find(({ localKey }) => !equalBytes(localKey, this.fundingKey));
    if (stranger !== undefined) {
      return { kind: "refused", reason: "the funding output is not locked with this channel's key" };
    }
    switch (request.kind) {
      case "counterparty-commitment":
        return this.#signCounterpartyCommitments(request);
      case "revocation":
        return {
          kind: "revocation",
          secret: this.#commitmentSecrets.secret(request.number),
          point: this.point(request.pointNumber),
        };
      case "closing":
        return {
          kind: "closing",
          signature: this.#byFundingKey(closingSighash(request.transaction, request.funding)),
        };
      case "channel-announcement":
        return {
          kind: "channel-announcement",
          nodeSignature: this.#node.signGossip(request.announcement),
          bitcoinSignature: this.#byFundingKey(crypto().hash256(request.announcement)),
        };
      case "holder-commitment":
        return {
          kind: "holder-commitment",
          signature: this.#signCommitment(request.built, request.funding),
        };
    }
  }

  signSpend({ transaction, inputIndex, value, scriptCode, sighashType, key }: OutputSpend): Signature {
    const sighash = segwitV0Sighash(transaction, inputIndex, { scriptCode, value, type: sighashType });
    return sign(sighash, this.#privateKey(key));
  }

  #signCounterpartyCommitments({
    point,
    commitments,
  }: Extract<SigningRequest, { kind: "counterparty-commitment" }>): SigningAnswer {
    const htlcKey = commitments.some(({ built }) => built.htlcs.length > 0)
      ? derivePrivateKey(this.#secrets.htlc, point, this.basepoints.htlc)
      : noBytes;
    const signatures = commitments.map(({ funding, built }) => ({
      signature: signForPeer(commitmentSighash(built, funding.capacity), this.#secrets.funding),
      htlcSignatures: built.htlcs.map((_, index) => signForPeer(htlcSighash(built, index), htlcKey)),
    }));
    return { kind: "counterparty-commitment", signatures };
  }

  #signCommitment(built: BuiltCommitment, { capacity }: FundingOutput): Signature {
    return this.#byFundingKey(commitmentSighash(built, capacity));
  }

  #byFundingKey(hash: Uint8Array): Signature {
    return sign(hash, this.#secrets.funding);
  }

  #privateKey(key: OutputSpendKey): Uint8Array {
    switch (key.kind) {
      case "funding":
        return this.#secrets.funding;
      case "payment":
        return this.#secrets.payment;
      case "delayed-payment":
        return derivePrivateKey(this.#secrets.delayedPayment, key.point, this.basepoints.delayedPayment);
      case "htlc":
        return derivePrivateKey(this.#secrets.htlc, key.point, this.basepoints.htlc);
      case "revocation":
        return deriveRevocationPrivateKey(this.#secrets.revocation, key.secret);
    }
  }
}

/** Every funding output that a request signs for. */
function fundingsOf(request: SigningRequest): readonly FundingOutput[] {
  switch (request.kind) {
    case "counterparty-commitment":
      return request.commitments.map(({ funding }) => funding);
    case "revocation":
      return request.next.map(({ funding }) => funding);
    case "closing":
    case "channel-announcement":
    case "holder-commitment":
      return [request.funding];
  }
}

function pointOf(secret: Uint8Array): Point {
  return crypto().publicKey(secret) as Point;
}

/**
 * A signature of a transaction that the peer may broadcast, and hardly ever does: not ground to the shortest encoding,
 * which would cost twice the time.
 */
function signForPeer(hash: Uint8Array, key: Uint8Array): Signature {
  return crypto().ecdsaSignRecoverable(hash, key).signature as Signature;
}

function sign(hash: Uint8Array, key: Uint8Array): Signature {
  return crypto().ecdsaSign(hash, key) as Signature;
}

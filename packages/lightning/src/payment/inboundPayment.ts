import { crypto, hkdfExpand, hkdfExtract } from "@fulmen/bitcoin/crypto";
import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import { chacha20FromBlock } from "../crypto/chacha20Block.ts";
import { type Bytes32, concatBytes, equalSecrets, fromHex, noBytes } from "../util/bytes.ts";
import { type BlockHeight, type PaymentHash, paymentHashOf, type UnixSeconds } from "../util/ids.ts";
import { InvariantError, invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Secret } from "../util/secret.ts";
import { type Msat, msat } from "../util/units.ts";

/**
 * Inbound payments without a stored row each, byte for byte as LDK has them: the payment secret that goes into the
 * invoice holds, under our key, all that we need to know of the invoice when a payment comes. A node that has the same
 * inbound payment key, of whichever kit, takes the payment.
 *
 *     info            = method (3 bits) | least amount in msat (61 bits) | cltv delta (2 bytes) | expiry (6 bytes)
 *     payment secret  = iv (16 bytes) | ChaCha20(info key, iv, info)
 *
 * When the hash is ours, the iv is random and the preimage is HMAC(own key, iv | info [| metadata]). When the user gave
 * the hash, the iv is HMAC(user key, info | hash [| metadata]), cut to 16 bytes. Either way a secret fits its hash and
 * its metadata only. The metadata goes into the invoice encrypted, and in these HMACs stands behind its length: under
 * the iv when the hash is ours, else under 16 random bytes that are appended to it.
 *
 * @ldk lightning::ln::inbound_payment::ExpandedKey
 */
export interface InboundPaymentKeys {
  /** Hides the info in the secret. */
  readonly info: Secret;
  /** Makes preimages. */
  readonly ownHash: Secret;
  /** Authenticates secrets for hashes that the user gave. */
  readonly userHash: Secret;
  /** Hides what the user lets the invoice carry. */
  readonly metadata: Secret;
}

/** The keys from the signer's 32 bytes (`NodeSigner.inboundPaymentKey`). */
export function expandInboundPaymentKey(key: Uint8Array): InboundPaymentKeys {
  if (key.length !== 32) throw new InvariantError(`inbound payment key of ${key.length} bytes`);
  const salt = Uint8Array.from("LDK Inbound Payment Key Expansion", (letter) => letter.charCodeAt(0));
  const keys = hkdfExpand(hkdfExtract(salt, key), noBytes, 8 * 32);
  const nth = (index: number) => new Secret(keys.slice(index * 32, (index + 1) * 32));
  return { info: nth(0), ownHash: nth(1), userHash: nth(2), metadata: nth(7) };
}

/** What a payment has to keep to. */
export interface InboundPaymentTerms {
  /** Least sum of all parts; any amount when absent. */
  readonly minAmount?: Msat;
  /** Seconds from `now`; two hours more are granted, as block times may run ahead. */
  readonly expirySeconds: number;
  /** Blocks that a part's expiry lies ahead at least, 0..65,535; when absent, no more than claiming it safely takes. */
  readonly minFinalCltvExpiryDelta?: number;
  readonly now: UnixSeconds;
  /**
   * In clear. Every part has to bring what of it stands in the invoice; none at all is not the same as an empty one.
   */
  readonly paymentMetadata?: Uint8Array;
  /** 16 fresh bytes. */
  readonly random: Uint8Array;
}

/** A term that cannot be kept in a payment secret. */
export type InboundTermsRefusal =
  /** Negative, or more than 21 million bitcoin. */
  | { readonly kind: "amount-out-of-range"; readonly amount: Msat }
  | { readonly kind: "expiry-out-of-range"; readonly expirySeconds: number }
  | { readonly kind: "cltv-delta-out-of-range"; readonly delta: number };

/** What an invoice needs for a payment to be known again. */
export interface InboundPayment {
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: Bytes32;
  /** The metadata as the invoice has to carry it: encrypted. */
  readonly paymentMetadata?: Uint8Array;
}

/**
 * A new hash and secret for an invoice, of which nothing needs to be stored.
 *
 * @ldk lightning::ln::inbound_payment::create
 */
export function createInboundPayment(
  keys: InboundPaymentKeys,
  terms: InboundPaymentTerms,
): Result<InboundPayment, InboundTermsRefusal> {
  const { random: iv, paymentMetadata: clear } = terms;
  invariant(iv.length === ivLength, "16 random bytes");
  const info = infoOf(terms, method.ownHash);
  if (!info.ok) return info;
  const paymentMetadata = clear && chacha20FromBlock(keys.metadata.expose(), iv, clear);
  const opened = { iv, info: info.value };
  return ok({
    paymentHash: paymentHashOf(crypto().sha256(preimageOf(keys, opened, paymentMetadata))),
    paymentSecret: secretOf(keys, opened),
    ...(paymentMetadata && { paymentMetadata }),
  });
}

/**
 * A secret for an invoice over a hash whose preimage the user keeps.
 *
 * @ldk lightning::ln::inbound_payment::create_from_hash
 */
export function createInboundPaymentForHash(
  keys: InboundPaymentKeys,
  terms: InboundPaymentTerms & { readonly paymentHash: PaymentHash },
): Result<InboundPayment, InboundTermsRefusal> {
  const { random, paymentHash, paymentMetadata: clear } = terms;
  invariant(random.length === ivLength, "16 random bytes");
  const info = infoOf(terms, method.userHash);
  if (!info.ok) return info;
  const paymentMetadata =
    clear && concatBytes(chacha20FromBlock(keys.metadata.expose(), random, clear), random);
  const iv = userHashIv(keys, { info: info.value, paymentHash, paymentMetadata });
  return ok({
    paymentHash,
    paymentSecret: secretOf(keys, { iv, info: info.value }),
    ...(paymentMetadata && { paymentMetadata }),
  });
}

/** What a part of a payment to us says of the invoice. */
export interface InvoiceClaim {
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: Uint8Array;
  /** As it stood in the invoice. */
  readonly paymentMetadata?: Uint8Array;
}

/** One part of a payment to us, as it arrived. */
export interface ReceivedPart extends InvoiceClaim {
  /** The sum of all parts that the sender promises. */
  readonly totalAmount: Msat;
  readonly cltvExpiry: BlockHeight;
  readonly height: BlockHeight;
  readonly now: UnixSeconds;
}

/** Why a part is not taken. The sender is told `incorrect_or_unknown_payment_details` in every case. */
export type InboundPaymentRefusal =
  /** No secret of ours, or not for this hash or metadata. */
  | { readonly kind: "unknown-payment" }
  | { readonly kind: "amount-too-low"; readonly required: Msat }
  | { readonly kind: "expired"; readonly at: UnixSeconds }
  | { readonly kind: "cltv-too-soon"; readonly required: BlockHeight };

/** What is known of a payment that was asked for. */
export interface VerifiedInboundPayment {
  /** With it the payment is claimed; absent when the user has it. */
  readonly preimage: Bytes32 | undefined;
  readonly minAmount: Msat;
  /** In clear. */
  readonly paymentMetadata?: Uint8Array;
}

/**
 * Whether we asked for this payment, and whether it keeps to the terms. The same is computed for every secret, whether
 * and whyever it is refused, so that the time says nothing to who probes.
 *
 * @ldk lightning::ln::inbound_payment::verify
 */
export function verifyInboundPayment(
  keys: InboundPaymentKeys,
  part: ReceivedPart,
): Result<VerifiedInboundPayment, InboundPaymentRefusal> {
  const opened = openClaim(keys, part);
  if (!opened.isOurs) return err({ kind: "unknown-payment" });
  const { terms, preimage, paymentMetadata } = opened;
  if (part.totalAmount < terms.minAmount) return err({ kind: "amount-too-low", required: terms.minAmount });
  if (part.now > terms.expiresAt) return err({ kind: "expired", at: terms.expiresAt });
  const required = part.height + (terms.minFinalCltvExpiryDelta ?? 0);
  if (part.cltvExpiry < required) return err({ kind: "cltv-too-soon", required: required as BlockHeight });
  return ok({ preimage, minAmount: terms.minAmount, ...(paymentMetadata && { paymentMetadata }) });
}

/** Why there is no preimage to give. */
export type PreimageRefusal = { readonly kind: "unknown-payment" } | { readonly kind: "user-has-preimage" };

/**
 * The preimage of a payment whose hash is ours, and its metadata in clear; terms are not looked at.
 *
 * @ldk lightning::ln::inbound_payment::get_payment_preimage
 */
export function paymentPreimageOf(
  keys: InboundPaymentKeys,
  claim: InvoiceClaim,
): Result<{ readonly preimage: Bytes32; readonly paymentMetadata?: Uint8Array }, PreimageRefusal> {
  const { isOurs, preimage, paymentMetadata } = openClaim(keys, claim);
  if (!isOurs) return err({ kind: "unknown-payment" });
  if (preimage === undefined) return err({ kind: "user-has-preimage" });
  return ok({ preimage, ...(paymentMetadata && { paymentMetadata }) });
}

const ivLength = 16;
/** 21 million bitcoin. @ldk MAX_VALUE_MSAT */
export const maxMoney: Msat = msat(2_100_000_000_000_000_000n);
/** Seconds added to every expiry, as in LDK. */
const expiryLeeway = 7200;

/** The first three bits of the info; with a cltv delta of its own, 2 more. */
const method = { ownHash: 0, userHash: 1, withCltvDelta: 2 } as const;

interface Opened {
  readonly iv: Uint8Array;
  readonly info: Uint8Array;
}

function infoOf(terms: InboundPaymentTerms, base: 0 | 1): Result<Uint8Array, InboundTermsRefusal> {
  const { minAmount = msat(0), expirySeconds, minFinalCltvExpiryDelta: delta } = terms;
  if (minAmount < 0n || minAmount > maxMoney) return err({ kind: "amount-out-of-range", amount: minAmount });
  const expiresAt = terms.now + expirySeconds + expiryLeeway;
  if (!Number.isInteger(expirySeconds) || expirySeconds < 0 || expiresAt >= 2 ** 48) {
    return err({ kind: "expiry-out-of-range", expirySeconds });
  }
  if (delta !== undefined && (!Number.isInteger(delta) || delta < 0 || delta > 0xffff)) {
    return err({ kind: "cltv-delta-out-of-range", delta });
  }
  const bits = BigInt(base + (delta === undefined ? 0 : method.withCltvDelta)) << 61n;
  return ok(
    new Writer(16)
      .u64(bits | minAmount)
      .u64((BigInt(delta ?? 0) << 48n) | BigInt(expiresAt))
      .finish(),
  );
}

interface Terms {
  readonly method: number;
  readonly minAmount: Msat;
  readonly expiresAt: UnixSeconds;
  readonly minFinalCltvExpiryDelta: number | undefined;
}

function readInfo(info: Uint8Array): Terms {
  const reader = new Reader(info);
  const first = reader.u64();
  const second = reader.u64();
  const methodBits = Number(first >> 61n);
  const hasDelta = (methodBits & method.withCltvDelta) !== 0;
  return {
    method: methodBits,
    minAmount: msat(first & ((1n << 61n) - 1n)),
    // Without a delta the expiry has all eight bytes.
    expiresAt: Number(hasDelta ? second & ((1n << 48n) - 1n) : second) as UnixSeconds,
    minFinalCltvExpiryDelta: hasDelta ? Number(second >> 48n) : undefined,
  };
}

interface OpenedClaim {
  readonly isOurs: boolean;
  readonly terms: Terms;
  /** Of our own making; `undefined` when the user has it, or there is none. */
  readonly preimage: Bytes32 | undefined;
  readonly paymentMetadata: Uint8Array | undefined;
}

/** Both kinds of hash are tried for every secret; what the method says only chooses between the outcomes. */
function openClaim(keys: InboundPaymentKeys, claim: InvoiceClaim): OpenedClaim {
  const { paymentHash, paymentMetadata: hidden } = claim;
  const hasLength = claim.paymentSecret.length === 32;
  const opened = openSecret(keys, hasLength ? claim.paymentSecret : new Uint8Array(32));
  const terms = readInfo(opened.info);
  const isUsers = (terms.method & method.userHash) !== 0;
  const preimage = preimageOf(keys, opened, hidden);
  const isOurHash = equalSecrets(crypto().sha256(preimage), fromHex(paymentHash));
  const iv = userHashIv(keys, { info: opened.info, paymentHash, paymentMetadata: hidden });
  const isUsersIv = equalSecrets(iv, opened.iv) && (hidden === undefined || hidden.length >= ivLength);
  const isMethod = terms.method <= (method.userHash | method.withCltvDelta);
  const isOurs = hasLength && isMethod && (isUsers ? isUsersIv : isOurHash);
  const split = isUsers ? Math.max(0, (hidden?.length ?? 0) - ivLength) : (hidden?.length ?? 0);
  return {
    isOurs,
    terms,
    preimage: isOurs && !isUsers ? preimage : undefined,
    paymentMetadata:
      isOurs && hidden
        ? chacha20FromBlock(
            keys.metadata.expose(),
            isUsers ? hidden.slice(split) : opened.iv,
            hidden.subarray(0, split),
          )
        : undefined,
  };
}

function preimageOf(
  keys: InboundPaymentKeys,
  { iv, info }: Opened,
  metadata: Uint8Array | undefined,
): Bytes32 {
  const covered = concatBytes(iv, info, behindLength(metadata));
  return crypto().hmacSha256(keys.ownHash.expose(), covered) as Bytes32;
}

function userHashIv(
  keys: InboundPaymentKeys,
  of: {
    readonly info: Uint8Array;
    readonly paymentHash: PaymentHash;
    readonly paymentMetadata: Uint8Array | undefined;
  },
): Uint8Array {
  const covered = concatBytes(of.info, fromHex(of.paymentHash), behindLength(of.paymentMetadata));
  return crypto().hmacSha256(keys.userHash.expose(), covered).slice(0, ivLength);
}

/** Metadata as the HMACs have it; its length, little-endian, before it. */
function behindLength(metadata: Uint8Array | undefined): Uint8Array {
  if (metadata === undefined) return noBytes;
  return concatBytes(new Writer(8).u64(BigInt(metadata.length)).finish().reverse(), metadata);
}

function secretOf(keys: InboundPaymentKeys, { iv, info }: Opened): Bytes32 {
  return concatBytes(iv, chacha20FromBlock(keys.info.expose(), iv, info)) as Bytes32;
}

function openSecret(keys: InboundPaymentKeys, secret: Uint8Array): Opened {
  const iv = secret.slice(0, ivLength);
  return { iv, info: chacha20FromBlock(keys.info.expose(), iv, secret.subarray(ivLength)) };
}

import { crypto, hkdfExpand, hkdfExtract } from "@fulmen/bitcoin/crypto";
import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import { type Bytes32, concatBytes, equalSecrets, fromHex, noBytes } from "../util/bytes.ts";
import { type BlockHeight, type PaymentHash, paymentHashOf, type UnixSeconds } from "../util/ids.ts";
import { InvariantError, invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Secret } from "../util/secret.ts";
import { type Msat, msat } from "../util/units.ts";

/**
 * Inbound payments without a stored row each, as LDK has them: the payment secret that goes into the invoice holds, under
 * our key, all that we need to know of the invoice when a payment comes.
 *
 *     info            = method (3 bits) | least amount in msat (61 bits) | cltv delta (2 bytes) | expiry (6 bytes)
 *     payment secret  = iv (16 bytes) | info XOR HMAC(info key, iv)
 *
 * When the hash is ours, the iv is random and the preimage is HMAC(own key, iv | info | metadata). When the user gave
 * the hash, the iv is HMAC(user key, info | hash | metadata), cut to 16 bytes. Either way a secret fits its hash only.
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
}

/** The keys from the signer's 32 bytes (`NodeSigner.inboundPaymentKey`). */
export function expandInboundPaymentKey(key: Uint8Array): InboundPaymentKeys {
  if (key.length !== 32) throw new InvariantError(`inbound payment key of ${key.length} bytes`);
  const salt = Uint8Array.from("LDK Inbound Payment Key Expansion", (letter) => letter.charCodeAt(0));
  const keys = hkdfExpand(hkdfExtract(salt, key), noBytes, 96);
  return {
    info: new Secret(keys.slice(0, 32)),
    ownHash: new Secret(keys.slice(32, 64)),
    userHash: new Secret(keys.slice(64)),
  };
}

/** What a payment has to keep to. */
export interface InboundPaymentTerms {
  /** Least sum of all parts; any amount when absent. */
  readonly minAmount?: Msat;
  /** Seconds from `now`; two hours more are granted, as block times may run ahead. */
  readonly expirySeconds: number;
  /** Blocks that a part's expiry lies ahead at least, 0..65,535; when absent, what `verifyInboundPayment` is told. */
  readonly minFinalCltvExpiryDelta?: number;
  readonly now: UnixSeconds;
  /** The invoice's metadata, which every part has to bring; `undefined` or empty for none. */
  readonly paymentMetadata?: Uint8Array;
}

/** A term that cannot be kept in a payment secret. */
export type InboundTermsRefusal =
  /** More than 21 million bitcoin. */
  | { readonly kind: "amount-too-large"; readonly amount: Msat }
  | { readonly kind: "expiry-out-of-range"; readonly expirySeconds: number }
  | { readonly kind: "cltv-delta-out-of-range"; readonly delta: number };

/**
 * A new hash and secret for an invoice, of which nothing needs to be stored. `random`: 16 fresh bytes.
 *
 * @ldk lightning::ln::inbound_payment::create
 */
export function createInboundPayment(
  keys: InboundPaymentKeys,
  terms: InboundPaymentTerms & { readonly random: Uint8Array },
): Result<{ readonly paymentHash: PaymentHash; readonly paymentSecret: Bytes32 }, InboundTermsRefusal> {
  invariant(terms.random.length === ivLength, "16 random bytes");
  const info = infoOf(terms, method.ownHash);
  if (!info.ok) return info;
  const preimage = preimageOf(keys, { iv: terms.random, info: info.value }, terms.paymentMetadata);
  return ok({
    paymentHash: paymentHashOf(crypto().sha256(preimage)),
    paymentSecret: secretOf(keys, { iv: terms.random, info: info.value }),
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
): Result<{ readonly paymentSecret: Bytes32 }, InboundTermsRefusal> {
  const info = infoOf(terms, method.userHash);
  if (!info.ok) return info;
  const iv = userHashIv(keys, { ...terms, info: info.value });
  return ok({ paymentSecret: secretOf(keys, { iv, info: info.value }) });
}

/** One part of a payment to us, as it arrived. */
export interface ReceivedPart {
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: Uint8Array;
  /** The sum of all parts that the sender promises. */
  readonly totalAmount: Msat;
  readonly paymentMetadata?: Uint8Array;
  readonly cltvExpiry: BlockHeight;
  readonly height: BlockHeight;
  readonly now: UnixSeconds;
  /** Where the secret says none: blocks that the expiry lies ahead at least. */
  readonly minFinalCltvExpiryDelta: number;
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
}

/**
 * Whether we asked for this payment, and whether it keeps to the terms.
 *
 * @ldk lightning::ln::inbound_payment::verify
 */
export function verifyInboundPayment(
  keys: InboundPaymentKeys,
  part: ReceivedPart,
): Result<VerifiedInboundPayment, InboundPaymentRefusal> {
  const opened = part.paymentSecret.length === 32 ? openSecret(keys, part.paymentSecret) : undefined;
  if (opened === undefined) return err({ kind: "unknown-payment" });
  const terms = readInfo(opened.info);
  const known = authenticate(keys, { part, opened, method: terms.method });
  if (!known.ok) return known;
  if (part.totalAmount < terms.minAmount) return err({ kind: "amount-too-low", required: terms.minAmount });
  if (part.now > terms.expiresAt) return err({ kind: "expired", at: terms.expiresAt });
  const required = part.height + (terms.minFinalCltvExpiryDelta ?? part.minFinalCltvExpiryDelta);
  if (part.cltvExpiry < required) return err({ kind: "cltv-too-soon", required: required as BlockHeight });
  return ok({ preimage: known.value, minAmount: terms.minAmount });
}

const ivLength = 16;
/** 21 million bitcoin. */
const maxAmount = 2_100_000_000_000_000_000n;
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
  if (minAmount > maxAmount) return err({ kind: "amount-too-large", amount: minAmount });
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

function readInfo(info: Uint8Array) {
  const reader = new Reader(info);
  const first = reader.u64();
  const second = reader.u64();
  const methodBits = Number(first >> 61n);
  const delta = Number(second >> 48n);
  return {
    method: methodBits,
    minAmount: msat(first & ((1n << 61n) - 1n)),
    expiresAt: Number(second & ((1n << 48n) - 1n)) as UnixSeconds,
    minFinalCltvExpiryDelta: (methodBits & method.withCltvDelta) === 0 ? undefined : delta,
  };
}

/** The preimage, or `undefined` when the user has it. */
function authenticate(
  keys: InboundPaymentKeys,
  { part, opened, method: bits }: { part: ReceivedPart; opened: Opened; method: number },
): Result<Bytes32 | undefined, InboundPaymentRefusal> {
  if (bits > (method.userHash | method.withCltvDelta)) return err({ kind: "unknown-payment" });
  if ((bits & method.userHash) !== 0) {
    const iv = userHashIv(keys, { ...part, info: opened.info });
    return equalSecrets(iv, opened.iv) ? ok(undefined) : err({ kind: "unknown-payment" });
  }
  const preimage = preimageOf(keys, opened, part.paymentMetadata);
  const fits = equalSecrets(crypto().sha256(preimage), fromHex(part.paymentHash));
  return fits ? ok(preimage) : err({ kind: "unknown-payment" });
}

function preimageOf(keys: InboundPaymentKeys, { iv, info }: Opened, metadata: Uint8Array = noBytes): Bytes32 {
  return crypto().hmacSha256(keys.ownHash.expose(), concatBytes(iv, info, metadata)) as Bytes32;
}

function userHashIv(
  keys: InboundPaymentKeys,
  { info, paymentHash, paymentMetadata = noBytes }: UserHashClaim,
): Uint8Array {
  const covered = concatBytes(info, fromHex(paymentHash), paymentMetadata);
  return crypto().hmacSha256(keys.userHash.expose(), covered).slice(0, ivLength);
}

interface UserHashClaim {
  readonly info: Uint8Array;
  readonly paymentHash: PaymentHash;
  readonly paymentMetadata?: Uint8Array;
}

function secretOf(keys: InboundPaymentKeys, { iv, info }: Opened): Bytes32 {
  return concatBytes(iv, masked(keys, iv, info)) as Bytes32;
}

function openSecret(keys: InboundPaymentKeys, secret: Uint8Array): Opened {
  const iv = secret.slice(0, ivLength);
  return { iv, info: masked(keys, iv, secret.subarray(ivLength)) };
}

/** XOR with a pad of its own for every iv; undoes itself. */
function masked({ info: key }: InboundPaymentKeys, iv: Uint8Array, info: Uint8Array): Uint8Array {
  const pad = crypto().hmacSha256(key.expose(), iv);
  return info.map((byte, at) => byte ^ (pad[at] ?? 0));
}

import { crypto } from "@fulmen/bitcoin/crypto";
import type { Network } from "@fulmen/bitcoin/network";
import { bech32 } from "@scure/base";
import { DecodeError } from "../codec/decodeError.ts";
import { Reader } from "../codec/reader.ts";
import { type Bytes32, fromHex, type Signature } from "../util/bytes.ts";
import { type NodeId, nodeIdOf, paymentHashOf, type UnixSeconds } from "../util/ids.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Features, validateFeatures } from "../wire/features.ts";
import { fallbackAddress } from "./fallback.ts";
import { type HumanReadablePart, parseHumanReadable } from "./humanReadable.ts";
import {
  defaultInvoiceExpiry,
  defaultMinFinalCltvExpiryDelta,
  type Invoice,
  type InvoiceDescription,
  type InvoiceFields,
  maxInvoiceLength,
  type OtherField,
  type RouteHintHop,
} from "./invoice.ts";
import type { InvoiceRefusal } from "./refusal.ts";
import { routeHint } from "./routeHint.ts";
import { invoiceHash, signatureWords, timestampWords } from "./signedPart.ts";
import { bech32Letters, wordsToBits, wordsToBytes, wordsToInteger } from "./words.ts";

/**
 * Reads an invoice, in either case, without a URI scheme in front: BOLT 11. What a payer must refuse is refused;
 * whether it has expired, and whether it is for the right network, is not looked at. Never throws, whatever the text.
 *
 * @ldk lightning_invoice::Bolt11Invoice::from_str
 */
export function parseInvoice(text: string): Result<Invoice, InvoiceRefusal> {
  if (text.length > maxInvoiceLength) return err({ kind: "too-long", length: text.length });
  const decoded = bech32.decodeUnsafe(text, maxInvoiceLength);
  if (decoded === undefined) return err({ kind: "not-bech32" });
  const { prefix } = decoded;
  const words = Uint8Array.from(decoded.words);
  const human = parseHumanReadable(prefix);
  if (!human.ok) return human;
  if (words.length < timestampWords + signatureWords) return err({ kind: "too-short" });
  const signed = words.subarray(0, words.length - signatureWords);
  try {
    const fields = fieldsOf(readData(signed, human.value.network), human.value);
    if (!fields.ok) return fields;
    const hash = invoiceHash(prefix, signed);
    const seal = readSeal(words.subarray(signed.length), { hash, namedPayee: fields.value.namedPayee });
    return seal === undefined ? err({ kind: "invalid-signature" }) : ok({ ...fields.value, ...seal });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return err({ kind: "invalid-field", field: error.field.charAt(0), reason: error.message });
  }
}

/** What the tagged fields say; of fields that may stand once, the first one's word counts. */
interface Data {
  timestamp: UnixSeconds;
  paymentHash?: Uint8Array;
  paymentSecret?: Uint8Array;
  description?: string;
  descriptionHash?: Uint8Array;
  expirySeconds?: number;
  minFinalCltvExpiryDelta?: number;
  namedPayee?: NodeId;
  features?: Features;
  metadata?: Uint8Array;
  readonly fallbackAddresses: string[];
  readonly routeHints: (readonly RouteHintHop[])[];
  readonly otherFields: OtherField[];
}

function readData(words: Uint8Array, network: Network): Data {
  const timestamp = words.subarray(0, timestampWords).reduce((value, word) => value * 32 + word, 0);
  const data: Data = {
    timestamp: timestamp as UnixSeconds,
    fallbackAddresses: [],
    routeHints: [],
    otherFields: [],
  };
  let at = timestampWords;
  while (at < words.length) {
    const [type = 0, high = 0, low = 0] = words.subarray(at, at + 3);
    const start = at + 3;
    at = start + high * 32 + low;
    const tag = bech32Letters.charAt(type);
    if (at > words.length) throw new DecodeError("longer than the invoice", start, tag);
    const field = { tag, words: words.slice(start, at) };
    try {
      if (!readField(data, field, network)) data.otherFields.push(field);
    } catch (error) {
      throw error instanceof DecodeError ? error.within(tag) : error;
    }
  }
  return data;
}

/** Whether the field was understood. A second one of a kind is not, nor is one of another length than its kind has. */
function readField(data: Data, { tag, words }: OtherField, network: Network): boolean {
  switch (tag) {
    case "p":
      return set(data, "paymentHash", () => fixedBytes(words, 52));
    case "s":
      return set(data, "paymentSecret", () => fixedBytes(words, 52));
    case "h":
      return set(data, "descriptionHash", () => fixedBytes(words, 52));
    case "n":
      return set(data, "namedPayee", () => payeeOf(words));
    case "d":
      return set(data, "description", () => textOf(words));
    case "m":
      return set(data, "metadata", () => wordsToBytes(words));
    case "x":
      return set(data, "expirySeconds", () => wordsToInteger(words, latestExpiry));
    case "c":
      return set(data, "minFinalCltvExpiryDelta", () => wordsToInteger(words, 0xffff_ffff));
    case "9":
      return set(data, "features", () => Features.ofBits(wordsToBits(words)));
    case "r":
      data.routeHints.push(routeHint(words));
      return true;
    case "f": {
      const address = fallbackAddress(words, network);
      if (address !== undefined) data.fallbackAddresses.push(address);
      return address !== undefined;
    }
    default:
      return false;
  }
}

/** Keeps timestamp and expiry together within whole numbers. */
const latestExpiry = 2 ** 52;

/** The first value counts, and one that is `undefined` does not. */
function set<K extends keyof Data>(data: Data, key: K, read: () => Data[K] | undefined): boolean {
  if (data[key] !== undefined) return false;
  const value = read();
  if (value === undefined) return false;
  data[key] = value;
  return true;
}

/**
 * 32 bytes, when the field has the length of its kind. BOLT 11 says both that a payment fails at another length and,
 * by its example "including fields which must be ignored", that such a field is skipped; implementations skip it.
 */
function fixedBytes(words: Uint8Array, length: number): Uint8Array | undefined {
  return words.length === length ? wordsToBytes(words) : undefined;
}

function payeeOf(words: Uint8Array): NodeId | undefined {
  const key = fixedBytes(words, 53);
  if (key === undefined) return undefined;
  if (!crypto().isPoint(key)) throw new DecodeError("not a point on the curve");
  return nodeIdOf(key);
}

function textOf(words: Uint8Array): string {
  const bytes = wordsToBytes(words);
  return new Reader(bytes).utf8(bytes.length);
}

/** The whole of what the payee states, when it is all there and nothing of it is beyond us. */
function fieldsOf(data: Data, { network, amount }: HumanReadablePart): Result<InvoiceFields, InvoiceRefusal> {
  const { paymentHash, paymentSecret, features = Features.none, namedPayee, metadata } = data;
  if (paymentHash === undefined) return err({ kind: "missing-field", field: "p" });
  if (paymentSecret === undefined) return err({ kind: "missing-field", field: "s" });
  const description = descriptionOf(data);
  if (!description.ok) return description;
  const bits = features.unknownRequiredBits();
  if (bits.length > 0) return err({ kind: "unknown-features", bits });
  const [missing] = validateFeatures(features);
  if (missing !== undefined) return err({ kind: "missing-feature", ...missing });
  return ok({
    network: network.name,
    ...(amount !== undefined && { amount }),
    timestamp: data.timestamp,
    paymentHash: paymentHashOf(paymentHash),
    paymentSecret: paymentSecret as Bytes32,
    description: description.value,
    expirySeconds: data.expirySeconds ?? defaultInvoiceExpiry,
    minFinalCltvExpiryDelta: data.minFinalCltvExpiryDelta ?? defaultMinFinalCltvExpiryDelta,
    ...(namedPayee !== undefined && { namedPayee }),
    fallbackAddresses: data.fallbackAddresses,
    routeHints: data.routeHints,
    features,
    ...(metadata !== undefined && { metadata }),
    otherFields: data.otherFields,
  });
}

function descriptionOf({
  description: text,
  descriptionHash: hash,
}: Data): Result<InvoiceDescription, InvoiceRefusal> {
  if (text !== undefined && hash !== undefined) return err({ kind: "two-descriptions" });
  if (text !== undefined) return ok({ kind: "text", text });
  if (hash !== undefined) return ok({ kind: "hash", hash: hash as Bytes32 });
  return err({ kind: "missing-field", field: "d" });
}

/** Who signed, or `undefined` when nobody did. With `n` a high S is refused, without it both are taken (BOLT 11). */
function readSeal(
  words: Uint8Array,
  { hash, namedPayee }: { readonly hash: Uint8Array; readonly namedPayee: NodeId | undefined },
): Pick<Invoice, "payee" | "signature" | "recoveryId"> | undefined {
  const bytes = wordsToBytes(words);
  const signature = bytes.slice(0, 64) as Signature;
  const recoveryId = bytes[64] ?? 0;
  if (recoveryId > 3) return undefined;
  if (namedPayee !== undefined) {
    const valid = crypto().ecdsaVerify(signature, hash, fromHex(namedPayee));
    return valid ? { payee: namedPayee, signature, recoveryId } : undefined;
  }
  const key = crypto().ecdsaRecover(signature, recoveryId, hash);
  return key && { payee: nodeIdOf(key), signature, recoveryId };
}

import { networks } from "@fulmen/bitcoin/network";
import { bech32 } from "@scure/base";
import { Writer } from "../codec/writer.ts";
import { concatBytes, fromHex } from "../util/bytes.ts";
import { InvariantError, invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { fallbackWords } from "./fallback.ts";
import { formatHumanReadable } from "./humanReadable.ts";
import { defaultInvoiceExpiry, type InvoiceFields, maxInvoiceLength, type OtherField } from "./invoice.ts";
import type { InvoiceTooLarge } from "./refusal.ts";
import { routeHintWords } from "./routeHint.ts";
import { invoiceHash, signatureWords, timestampWords } from "./signedPart.ts";
import { bech32Letters, bitsToWords, bytesToWords, integerToWords } from "./words.ts";

/** A recoverable ECDSA signature: 64 bytes of r and s, and 0..3. */
export interface RecoverableSignature {
  readonly signature: Uint8Array;
  readonly recovery: number;
}

/** An invoice that waits for its signature, wherever that comes from. */
export interface UnsignedInvoice {
  /** 32 bytes to sign with the node's key. */
  readonly hash: Uint8Array;
  /** The invoice's text. */
  readonly sign: (signature: RecoverableSignature) => string;
}

/**
 * Lays out an invoice: BOLT 11. Only what grows with a user's data is answered as too large; amounts of zero and
 * numbers out of range throw `InvariantError`, addresses of another network `BitcoinDecodeError`.
 *
 * @ldk lightning_invoice::InvoiceBuilder
 */
export function prepareInvoice(fields: InvoiceFields): Result<UnsignedInvoice, InvoiceTooLarge> {
  const tagged = taggedFields(fields);
  const long = tagged.find(({ words }) => words.length > maxFieldWords);
  if (long !== undefined) return err({ kind: "field-too-long", field: long.tag });
  const words = concatBytes(timestampField(fields), ...tagged.map(fieldWords));
  const prefix = formatHumanReadable({ network: networks[fields.network], amount: fields.amount });
  const length = prefix.length + 1 + words.length + signatureWords + checksumLength;
  if (length > maxInvoiceLength) return err({ kind: "too-long", length });
  return ok({
    hash: invoiceHash(prefix, words),
    sign({ signature, recovery }) {
      invariant(signature.length === 64 && recovery >= 0 && recovery <= 3, "a recoverable signature");
      const sealed = bytesToWords(Uint8Array.of(...signature, recovery));
      return bech32.encode(prefix, Array.from(concatBytes(words, sealed)), maxInvoiceLength);
    },
  });
}

/** `prepareInvoice` with a signature at hand. */
export function encodeInvoice(
  fields: InvoiceFields,
  sign: (hash: Uint8Array) => RecoverableSignature,
): Result<string, InvoiceTooLarge> {
  const prepared = prepareInvoice(fields);
  return prepared.ok ? ok(prepared.value.sign(sign(prepared.value.hash))) : prepared;
}

/** A length of ten bits. */
const maxFieldWords = 1023;
const checksumLength = 6;

/** All fields of a kind that may stand more than once in the order of preference (BOLT 11, "Tagged Fields"). */
function taggedFields(fields: InvoiceFields): readonly OtherField[] {
  const { description, expirySeconds, namedPayee, metadata } = fields;
  const network = networks[fields.network];
  const tagged: OtherField[] = [
    { tag: "p", words: bytesToWords(fromHex(fields.paymentHash)) },
    { tag: "s", words: bytesToWords(fields.paymentSecret) },
    description.kind === "hash"
      ? { tag: "h", words: bytesToWords(description.hash) }
      : { tag: "d", words: bytesToWords(new Writer().utf8(description.text).finish()) },
  ];
  if (metadata !== undefined) tagged.push({ tag: "m", words: bytesToWords(metadata) });
  if (namedPayee !== undefined) tagged.push({ tag: "n", words: bytesToWords(fromHex(namedPayee)) });
  if (expirySeconds !== defaultInvoiceExpiry) tagged.push({ tag: "x", words: integerToWords(expirySeconds) });
  tagged.push({ tag: "c", words: integerToWords(fields.minFinalCltvExpiryDelta) });
  for (const address of fields.fallbackAddresses) {
    tagged.push({ tag: "f", words: fallbackWords(address, network) });
  }
  for (const hint of fields.routeHints) tagged.push({ tag: "r", words: routeHintWords(hint) });
  const features = bitsToWords(fields.features.bits());
  if (features.length > 0) tagged.push({ tag: "9", words: features });
  return [...tagged, ...fields.otherFields];
}

function timestampField({ timestamp }: InvoiceFields): Uint8Array {
  const words = integerToWords(timestamp);
  if (words.length > timestampWords) throw new InvariantError(`timestamp beyond 35 bits: ${timestamp}`);
  return concatBytes(new Uint8Array(timestampWords - words.length), words);
}

function fieldWords({ tag, words }: OtherField): Uint8Array {
  const type = bech32Letters.indexOf(tag);
  invariant(tag.length === 1 && type >= 0, "a field's tag is a letter of bech32");
  return concatBytes(Uint8Array.of(type, words.length >> 5, words.length & 31), words);
}

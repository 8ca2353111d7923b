import { decodeAddress } from "@fulmen/bitcoin/address";
import type { Network } from "@fulmen/bitcoin/network";
import { parseInvoice } from "@fulmen/lightning/invoice";
import { msat, printable, type Sat, sat } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";
import type { PaymentInstructions, PaymentMethod } from "../api/paymentInstructions.ts";

/** Longer texts are not looked at: a URI has room for an invoice of 7,089 characters and some words. */
const longestText = 20_000;
const mostBitcoin = 2_100_000_000_000_000n;

/**
 * What a text asks for: an invoice, an address, or a BIP 21 URI with either or both. Throws `invalid-destination`, or
 * `unsupported-destination` for what is known and cannot be paid yet, or `wrong-network`.
 */
export function parsePayment(input: string, network: Network): PaymentInstructions {
  if (input.length > longestText) throw invalid(`it has ${input.length} characters`);
  const text = input.trim();
  const lower = text.toLowerCase();
  if (lower.startsWith("lightning:")) return ofInvoice(text.slice("lightning:".length).replace(/^\/\//, ""));
  if (lower.startsWith("bitcoin:")) return ofUri(text.slice("bitcoin:".length), network);
  if (lower.startsWith("lno1")) throw unsupported("offer", "an offer (BOLT 12)");
  if (lower.startsWith("lnurl1") || /^lnurl[pwc]?:/.test(lower)) throw unsupported("lnurl", "an LNURL");
  if (/^₿?[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) throw unsupported("name", "a name of a person");
  if (lower.startsWith("ln")) return ofInvoice(text);
  return { methods: [onchain(text, network)] };
}

function ofInvoice(text: string): PaymentInstructions {
  const method = bolt11(text);
  const { amount } = method.invoice;
  return { methods: [method], ...(amount !== undefined && { amount }) };
}

function bolt11(text: string): Extract<PaymentMethod, { kind: "bolt11" }> {
  const parsed = parseInvoice(text);
  if (parsed.ok) return { kind: "bolt11", text, invoice: parsed.value };
  throw invalid(`as an invoice it has a fault: ${parsed.error.kind.replaceAll("-", " ")}`);
}

function onchain(address: string, network: Network): Extract<PaymentMethod, { kind: "onchain" }> {
  try {
    return { kind: "onchain", address, script: decodeAddress(address, network) };
  } catch {
    throw invalid(`as an address of ${network.name} it has a fault`);
  }
}

function ofUri(rest: string, network: Network): PaymentInstructions {
  const [path = "", query = ""] = rest.split("?", 2);
  const fields = new Map<string, string>();
  for (const part of query.split("&").filter((one) => one !== "")) {
    const [name = "", ...value] = part.split("=");
    const key = name.toLowerCase();
    if (fields.has(key)) throw invalid(`the URI says ${printable(key, 40)} twice`);
    fields.set(key, decoded(value.join("=")));
  }
  for (const key of fields.keys()) {
    if (key.startsWith("req-")) throw invalid(`the URI asks for ${printable(key, 40)}, which is not known`);
  }
  const methods: PaymentMethod[] = [];
  const invoice = fields.get("lightning");
  if (invoice !== undefined && invoice !== "") methods.push(bolt11(invoice));
  if (path !== "") methods.push(onchain(decoded(path), network));
  if (methods.length === 0) {
    if (fields.has("lno")) throw unsupported("offer", "an offer (BOLT 12)");
    throw invalid("the URI names neither an address nor an invoice");
  }
  const amount = amountOf(fields.get("amount"));
  const asked = methods[0]?.kind === "bolt11" ? methods[0].invoice.amount : undefined;
  const lightning = asked ?? (amount !== undefined ? msat(amount * 1_000n) : undefined);
  const [label, message] = [fields.get("label"), fields.get("message")];
  return {
    methods,
    ...(lightning !== undefined && { amount: lightning }),
    ...(amount !== undefined && { onchainAmount: amount }),
    ...(label !== undefined && { label: printable(label, 500) }),
    ...(message !== undefined && { message: printable(message, 500) }),
  };
}

/** Bitcoins with up to eight decimals (BIP 21). */
function amountOf(text: string | undefined): Sat | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,8})(?:\.(\d{1,8}))?$/.exec(text);
  if (match === null) throw invalid(`the URI's amount is no number of bitcoins: ${printable(text, 40)}`);
  const value = BigInt(match[1] ?? "0") * 100_000_000n + BigInt((match[2] ?? "").padEnd(8, "0"));
  if (value > mostBitcoin) throw invalid("the URI's amount is more money than there is");
  return sat(value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    throw invalid("the URI has a % that is followed by no number");
  }
}

function invalid(why: string): NodeError {
  return new NodeError("invalid-destination", `this is nothing that can be paid: ${why}`, {
    remedy: "give an invoice (ln...), an address, or a bitcoin: URI, copied as a whole",
  });
}

function unsupported(kind: string, what: string): NodeError {
  return new NodeError("unsupported-destination", `this is ${what}, which this version cannot pay`, {
    remedy: "ask the payee for a BOLT 11 invoice or an address",
    details: { kind },
  });
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type Invoice, type InvoiceRefusal, invoiceExpiresAt, parseInvoice } from "@fulmen/lightning/invoice";
import { formatShortChannelId, fromHex, toHex } from "@fulmen/lightning/util";
import { bech32 } from "@scure/base";
import fc from "fast-check";
import { invoiceHash, signatureWords } from "#src/invoice/signedPart";
import { bech32Letters, bytesToWords } from "#src/invoice/words";

interface Expected {
  readonly network: string;
  readonly amount?: string;
  readonly timestamp: number;
  readonly paymentHash: string;
  readonly paymentSecret: string;
  readonly description?: string;
  readonly descriptionHash?: string;
  readonly expirySeconds: number;
  readonly minFinalCltvExpiryDelta: number;
  readonly payee: string;
  readonly fallbackAddresses: readonly string[];
  readonly routeHints: readonly (readonly object[])[];
  readonly featureBits: readonly number[];
  readonly metadata?: string;
  readonly otherFields: number;
}

const examples: {
  readonly signingKey: string;
  readonly valid: readonly {
    readonly title: string;
    readonly invoice: string;
    readonly expected: Expected;
  }[];
  readonly invalid: readonly {
    readonly title: string;
    readonly invoice: string;
    readonly refusal: InvoiceRefusal;
  }[];
} = JSON.parse(readFileSync(new URL("../../../../fixtures/bolt11/examples.json", import.meta.url), "utf8"));

const signingKey = fromHex(examples.signingKey);
const donation = examples.valid[0]?.invoice ?? assert.fail();
const example = (title: string) =>
  examples.valid.find((candidate) => candidate.title.startsWith(title))?.invoice ?? assert.fail(title);

/** The invoice as the fixture writes it down. */
function summary(invoice: Invoice): Expected {
  const { amount, metadata, description } = invoice;
  return {
    network: invoice.network,
    ...(amount !== undefined && { amount: String(amount) }),
    timestamp: invoice.timestamp,
    paymentHash: invoice.paymentHash,
    paymentSecret: toHex(invoice.paymentSecret),
    ...(description.kind === "text"
      ? { description: description.text }
      : { descriptionHash: toHex(description.hash) }),
    expirySeconds: invoice.expirySeconds,
    minFinalCltvExpiryDelta: invoice.minFinalCltvExpiryDelta,
    payee: invoice.payee,
    fallbackAddresses: invoice.fallbackAddresses,
    routeHints: invoice.routeHints.map((hops) =>
      hops.map(({ shortChannelId, feeBase, ...terms }) => ({
        ...terms,
        shortChannelId: formatShortChannelId(shortChannelId),
        feeBase: String(feeBase),
      })),
    ),
    featureBits: invoice.features.bits(),
    ...(metadata !== undefined && { metadata: toHex(metadata) }),
    otherFields: invoice.otherFields.length,
  };
}

function refusalOf(text: string): InvoiceRefusal {
  const parsed = parseInvoice(text);
  return parsed.ok ? assert.fail("accepted") : parsed.error;
}

interface Parts {
  readonly prefix?: string;
  /** Text of the tagged fields' letters. */
  readonly fields: string;
  readonly timestamp?: string;
}

/** A signed invoice of fields given by their letters, as BOLT 11 writes them in its breakdowns. */
function signedInvoice({ prefix = "lnbc", fields, timestamp = "pvjluez" }: Parts): string {
  const words = Uint8Array.from(timestamp + fields, (letter) => bech32Letters.indexOf(letter));
  const { signature, recovery } = crypto().ecdsaSignRecoverable(invoiceHash(prefix, words), signingKey);
  const sealed = bytesToWords(Uint8Array.of(...signature, recovery));
  return bech32.encode(prefix, [...words, ...sealed], 20_000);
}

const p = "pp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq";
const s = "sp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs";
/** The words of a payee field. */
const otherPayee = Array.from(bytesToWords(crypto().publicKey(new Uint8Array(32).fill(1))), (word) =>
  bech32Letters.charAt(word),
).join("");
const d = "dq5xysxxatsyp3k7enxv4js";

describe("parseInvoice", () => {
  for (const { title, invoice, expected } of examples.valid) {
    it(`reads BOLT 11's example -- ${title}`, () => {
      const parsed = parseInvoice(invoice);
      if (!parsed.ok) assert.fail(JSON.stringify(parsed.error));
      assert.deepEqual(summary(parsed.value), expected);
    });
  }
  for (const { title, invoice, refusal } of examples.invalid) {
    it(`refuses BOLT 11's example -- ${title}`, () => {
      assert.deepEqual(refusalOf(invoice), refusal);
    });
  }

  it("signs what BOLT 11's examples sign", () => {
    // Signatures are deterministic; the example with a high S is made by hand.
    for (const { title, invoice } of examples.valid.filter((one) => !one.title.includes("high-S"))) {
      const { prefix, words } = bech32.decode(invoice as `${string}1${string}`, 7089);
      const hash = invoiceHash(prefix, Uint8Array.from(words.slice(0, -signatureWords)));
      const parsed = parseInvoice(invoice);
      assert.ok(parsed.ok);
      const { signature, recovery } = crypto().ecdsaSignRecoverable(hash, signingKey);
      assert.deepEqual(parsed.value.signature, signature, title);
      assert.equal(parsed.value.recoveryId, recovery);
    }
  });

  it("adds the expiry to the timestamp", () => {
    const parsed = parseInvoice(example("Please send $3"));
    assert.ok(parsed.ok);
    assert.equal(invoiceExpiresAt(parsed.value), 1496314658 + 60);
  });

  it("reads every network", () => {
    const networks = { lnbc: "mainnet", lntb: "testnet", lntbs: "signet", lnbcrt: "regtest" };
    for (const [prefix, network] of Object.entries(networks)) {
      for (const amount of ["", "1", "10n"]) {
        const parsed = parseInvoice(signedInvoice({ prefix: prefix + amount, fields: p + s + d }));
        assert.ok(parsed.ok);
        assert.equal(parsed.value.network, network);
      }
    }
  });

  it("reads amounts in every multiplier, largest or not", () => {
    const amounts: readonly [string, bigint][] = [
      ["1", 100_000_000_000n],
      ["21000000", 2_100_000_000_000_000_000n],
      ["1m", 100_000_000n],
      ["1000u", 100_000_000n],
      ["1n", 100n],
      ["10p", 1n],
      ["184467440737095516150p", 2n ** 64n - 1n],
    ];
    for (const [text, amount] of amounts) {
      const parsed = parseInvoice(signedInvoice({ prefix: `lnbc${text}`, fields: p + s + d }));
      assert.ok(parsed.ok);
      assert.equal(parsed.value.amount, amount);
    }
  });

  const amounts = [
    "0",
    "01m",
    "1x",
    "m",
    "1mm",
    "1p",
    "11p",
    "2.5m",
    "-1m",
    "184467440737095516160p",
    "1".repeat(60),
  ];
  for (const amount of amounts) {
    it(`refuses the amount ${amount.slice(0, 30)}`, () => {
      const kind = /^[a-z]/.test(amount) ? "unknown-network" : "invalid-amount";
      assert.equal(refusalOf(signedInvoice({ prefix: `lnbc${amount}`, fields: p + s + d })).kind, kind);
    });
  }

  for (const prefix of ["lnbcx", "lnltc", "bc", "ln", "ltbc"]) {
    it(`refuses the network ${prefix}`, () => {
      assert.deepEqual(refusalOf(signedInvoice({ prefix, fields: p + s + d })), {
        kind: "unknown-network",
        prefix,
      });
    });
  }

  const wrongFields: readonly [string, string, InvoiceRefusal["kind"], string?][] = [
    ["no payment hash", s + d, "missing-field"],
    ["a payment hash of 51 words only", `${s}${d}ppn${p.slice(4)}`, "missing-field"],
    ["neither description nor hash", p + s, "missing-field"],
    ["description and hash", `${p}${s}${d}h${p.slice(1)}`, "two-descriptions"],
    ["a field longer than what is left", `${p}${s}${d}pll`, "invalid-field", "p"],
    ["a field cut in its length", `${p}${s}${d}p`, "invalid-field", "p"],
    ["a description that is not UTF-8", `${p}${s}dqzll`, "invalid-field", "d"],
    ["a description with a word too many", `${p}${s}dqrqqq`, "invalid-field", "d"],
    ["a description with bits in its padding", `${p}${s}dqzvl`, "invalid-field", "d"],
    ["an expiry with leading zeros", `${p}${s}${d}xqzqp`, "invalid-field", "x"],
    ["an expiry beyond all numbers", `${p}${s}${d}xp8${"l".repeat(39)}`, "invalid-field", "x"],
    ["a cltv delta with leading zeros", `${p}${s}${d}cqzqp`, "invalid-field", "c"],
    ["a cltv delta of 2^35", `${p}${s}${d}cqgpqqqqqqq`, "invalid-field", "c"],
    ["features with leading zeros", `${p}${s}${d}9qzqp`, "invalid-field", "9"],
    ["a route hint without channels", `${p}${s}${d}rqq`, "invalid-field", "r"],
    ["a route hint of two bytes", `${p}${s}${d}rqyqqqq`, "invalid-field", "r"],
    ["a route hint over a node that is no point", `${p}${s}${d}rzj${"q".repeat(82)}`, "invalid-field", "r"],
    ["a payee that is no point", `${p}${s}${d}np4${"q".repeat(53)}`, "invalid-field", "n"],
    ["another payee than the signer", `${p}${s}${d}np4${otherPayee}`, "invalid-signature"],
    ["an unknown required feature", `${p}${s}${d}9q4p${"q".repeat(20)}`, "unknown-features"],
  ];
  for (const [name, fields, kind, field] of wrongFields) {
    it(`refuses ${name}`, () => {
      const refusal = refusalOf(signedInvoice({ fields }));
      assert.equal(refusal.kind, kind, JSON.stringify(refusal));
      if (refusal.kind === "invalid-field" && field !== undefined) assert.equal(refusal.field, field);
    });
  }

  it("takes the first field of a kind, and keeps the others", () => {
    const fields = `${p}p${s.slice(1)}${s}s${p.slice(1)}${d}dqq2qrqqq`;
    const parsed = parseInvoice(signedInvoice({ fields }));
    assert.ok(parsed.ok);
    assert.equal(parsed.value.paymentHash.slice(0, 8), "00010203");
    assert.equal(toHex(parsed.value.paymentSecret), "11".repeat(32));
    assert.deepEqual(parsed.value.description, { kind: "text", text: "1 cup coffee" });
    assert.deepEqual(
      parsed.value.otherFields.map(({ tag, words }) => `${tag}${words.length}`),
      ["p52", "s52", "d0", "23"],
    );
  });

  it("skips fallback addresses of unknown versions and of impossible lengths", () => {
    const unusable = [`fppn${"q".repeat(32)}`, "fqr3qq", "fqq", "fqpp"];
    const parsed = parseInvoice(signedInvoice({ fields: p + s + d + unusable.join("") }));
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.value.fallbackAddresses, []);
    assert.equal(parsed.value.otherFields.length, unusable.length);
  });

  it("refuses a recovery id above 3, and words beyond the signature's bits", () => {
    const { prefix, words } = bech32.decode(donation as `${string}1${string}`, 7089);
    const reseal = (last: number) => bech32.encode(prefix, [...words.slice(0, -1), last], 7089);
    assert.equal(parseInvoice(reseal(words.at(-1) ?? 0)).ok, true);
    assert.equal(refusalOf(reseal(4)).kind, "invalid-signature");
    assert.equal(refusalOf(reseal(31)).kind, "invalid-signature");
  });

  it("refuses 2 MB at once", () => {
    const text = donation.repeat(8000);
    assert.ok(text.length > 2_000_000);
    const start = performance.now();
    assert.deepEqual(refusalOf(text), { kind: "too-long", length: text.length });
    assert.ok(performance.now() - start < 10);
  });

  it("reads the longest text that it looks at in good time", () => {
    const node = "qjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9q".slice(
      2,
    );
    assert.equal(node.length, 82);
    const hints = `rzj${node}`.repeat(75);
    const text = signedInvoice({ fields: p + s + d + hints });
    assert.ok(text.length > 6500 && text.length < 7089);
    const parsed = parseInvoice(text);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.routeHints.length, 75);
    assert.equal(refusalOf(signedInvoice({ fields: p + s + d + hints + hints })).kind, "too-long");
  });

  it("answers any text with a value", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 300 })),
        (text) => {
          assert.equal(parseInvoice(text).ok, false);
          assert.equal(parseInvoice(`lnbc1${text}`).ok, false);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  it("answers damaged invoices with right checksums and signatures with a value", () => {
    const edit = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 3 }),
      insert: fc.array(fc.nat({ max: 31 }), { maxLength: 4 }),
    });
    const run = fc.record({
      source: fc.constantFrom(...examples.valid.map(({ invoice }) => invoice)),
      edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
      signed: fc.boolean(),
    });
    let accepted = 0;
    fc.assert(
      fc.property(run, ({ source, edits, signed }) => {
        const { prefix, words } = bech32.decode(source.toLowerCase() as `${string}1${string}`, 7089);
        for (const { at, remove, insert } of edits) words.splice(at % words.length, remove, ...insert);
        const data = Uint8Array.from(signed ? words.slice(0, -signatureWords) : words);
        const { signature, recovery } = crypto().ecdsaSignRecoverable(invoiceHash(prefix, data), signingKey);
        const seal = signed ? bytesToWords(Uint8Array.of(...signature, recovery)) : [];
        const parsed = parseInvoice(bech32.encode(prefix, [...data, ...seal], 7089));
        if (parsed.ok) accepted++;
        else assert.match(parsed.error.kind, /^[a-z0-9-]+$/);
      }),
      { seed: 11, numRuns: 150 },
    );
    assert.ok(accepted > 0, "no damaged invoice could be read: the damage is too great to test anything");
  });
});

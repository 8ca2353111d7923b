import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { NetworkName } from "@fulmen/bitcoin/network";
import { encodeInvoice, type InvoiceFields, parseInvoice, prepareInvoice } from "@fulmen/lightning/invoice";
import {
  type Bytes32,
  fromHex,
  msat,
  type NodeId,
  nodeIdOf,
  type PaymentHash,
  type ShortChannelId,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { bech32 } from "@scure/base";
import fc from "fast-check";
import {
  bech32Letters,
  bytesToWords,
  integerToWords,
  wordsToBytes,
  wordsToInteger,
} from "#src/invoice/words";

const key = fromHex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
const payee = nodeIdOf(crypto().publicKey(key));
const sign = (hash: Uint8Array) => crypto().ecdsaSignRecoverable(hash, key);

const least: InvoiceFields = {
  network: "regtest",
  timestamp: 1_700_000_000 as UnixSeconds,
  paymentHash: "ab".repeat(32) as PaymentHash,
  paymentSecret: new Uint8Array(32).fill(0xcd) as Bytes32,
  description: { kind: "text", text: "" },
  expirySeconds: 3600,
  minFinalCltvExpiryDelta: 18,
  fallbackAddresses: [],
  routeHints: [],
  features: Features.none,
  otherFields: [],
};

const addresses: Readonly<Record<NetworkName, readonly string[]>> = {
  mainnet: [
    "1RustyRX2oai4EYYDpQGWvEL62BBGqN9T",
    "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
    "bc1pptdvg0d2nj99568qn6ssdy4cygnwuxgw2ukmnwgwz7jpqjz2kszse2s3lm",
  ],
  testnet: ["mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP"],
  testnet4: ["mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP"],
  signet: ["tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"],
  regtest: ["mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP"],
};

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes as Bytes32);
const nodeIds = [1, 2, 3].map((n) => nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(n))));
const plain = { noNullPrototype: true } as const;
const u32 = fc.nat({ max: 0xffff_ffff });

const routeHop = fc.record(
  {
    nodeId: fc.constantFrom<NodeId[]>(...nodeIds),
    shortChannelId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => id as ShortChannelId),
    feeBase: u32.map((fee) => msat(fee)),
    feeProportionalMillionths: u32,
    cltvExpiryDelta: fc.nat({ max: 0xffff }),
  },
  plain,
);

const invoiceFields: fc.Arbitrary<InvoiceFields> = fc
  .constantFrom<NetworkName[]>("mainnet", "testnet", "signet", "regtest")
  .chain((network) =>
    fc.record(
      {
        network: fc.constant(network),
        amount: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((amount) => msat(amount)),
        timestamp: fc.nat({ max: 2 ** 35 - 1 }).map((seconds) => seconds as UnixSeconds),
        paymentHash: bytes32.map((bytes) => toHex(bytes) as PaymentHash),
        paymentSecret: bytes32,
        description: fc.oneof(
          fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => ({ kind: "text" as const, text })),
          bytes32.map((hash) => ({ kind: "hash" as const, hash })),
        ),
        expirySeconds: fc.nat({ max: 2 ** 50 }),
        minFinalCltvExpiryDelta: u32,
        namedPayee: fc.constant(payee),
        fallbackAddresses: fc.subarray([...addresses[network]]),
        routeHints: fc.array(fc.array(routeHop, { minLength: 1, maxLength: 12 }), { maxLength: 3 }),
        features: fc.subarray([8, 9, 14, 15, 17, 25, 37, 49, 99, 1001]).map((bits) => Features.ofBits(bits)),
        metadata: fc.uint8Array({ maxLength: 639 }),
        otherFields: fc.array(
          fc.record(
            {
              tag: fc.constantFrom(..."qzy82tvw0j54ec7uKl".toLowerCase().replace(/[mp9rsdhnxcf]/g, "")),
              words: fc.array(fc.nat({ max: 31 }), { maxLength: 40 }).map((words) => Uint8Array.from(words)),
            },
            plain,
          ),
          { maxLength: 3 },
        ),
      },
      {
        ...plain,
        requiredKeys: [
          "network",
          "timestamp",
          "paymentHash",
          "paymentSecret",
          "description",
          "expirySeconds",
          "minFinalCltvExpiryDelta",
          "fallbackAddresses",
          "routeHints",
          "features",
          "otherFields",
        ],
      },
    ),
  );

describe("encodeInvoice", () => {
  it("writes what parseInvoice reads", () => {
    fc.assert(
      fc.property(invoiceFields, (fields) => {
        const text = encodeInvoice(fields, sign);
        assert.ok(text.ok);
        for (const written of [text.value, text.value.toUpperCase()]) {
          const parsed = parseInvoice(written);
          if (!parsed.ok) assert.fail(JSON.stringify(parsed.error));
          const { payee: found, signature, recoveryId, ...rest } = parsed.value;
          assert.deepEqual(rest, fields);
          assert.equal(found, payee);
          assert.equal(signature.length, 64);
          assert.ok(recoveryId <= 3);
        }
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it("uses the largest multiplier", () => {
    const amounts: readonly [bigint, string][] = [
      [100_000_000_000n, "lnbcrt1"],
      [250_000_000n, "lnbcrt2500u"],
      [2_000_000_000n, "lnbcrt20m"],
      [1n, "lnbcrt10p"],
      [100n, "lnbcrt1n"],
      [967_878_534n, "lnbcrt9678785340p"],
    ];
    for (const [amount, prefix] of amounts) {
      const text = encodeInvoice({ ...least, amount: msat(amount) }, sign);
      assert.ok(text.ok);
      assert.equal(bech32.decode(text.value as `${string}1${string}`, 7089).prefix, prefix);
    }
  });

  it("leaves out the default expiry, and features when there are none", () => {
    const text = encodeInvoice({ ...least, otherFields: [] }, sign);
    assert.ok(text.ok);
    const { words } = bech32.decode(text.value as `${string}1${string}`, 7089);
    const tags: string[] = [];
    for (let at = 7; at < words.length - 104; at += 3 + (words[at + 1] ?? 0) * 32 + (words[at + 2] ?? 0)) {
      tags.push(bech32Letters.charAt(words[at] ?? 0));
    }
    assert.deepEqual(tags, ["p", "s", "d", "c"]);
  });

  it("takes a signature that comes later", () => {
    const prepared = prepareInvoice(least);
    assert.ok(prepared.ok);
    const text = prepared.value.sign(sign(prepared.value.hash));
    assert.deepEqual(encodeInvoice(least, sign), { ok: true, value: text });
    assert.throws(
      () => prepared.value.sign({ signature: new Uint8Array(63), recovery: 0 }),
      /InvariantError/,
    );
    assert.throws(
      () => prepared.value.sign({ signature: new Uint8Array(64), recovery: 4 }),
      /InvariantError/,
    );
  });

  it("refuses fields and invoices that are too long", () => {
    const of = (change: Partial<InvoiceFields>) => encodeInvoice({ ...least, ...change }, sign);
    const fits = "x".repeat(639);
    assert.equal(of({ description: { kind: "text", text: fits } }).ok, true);
    assert.deepEqual(of({ description: { kind: "text", text: `${fits}x` } }), {
      ok: false,
      error: { kind: "field-too-long", field: "d" },
    });
    assert.deepEqual(of({ metadata: new Uint8Array(640) }), {
      ok: false,
      error: { kind: "field-too-long", field: "m" },
    });
    const hop = { nodeId: payee, shortChannelId: 1n as ShortChannelId, feeBase: msat(0) };
    const hint = Array.from({ length: 12 }, () => ({
      ...hop,
      feeProportionalMillionths: 0,
      cltvExpiryDelta: 0,
    }));
    const long = of({ routeHints: [hint, hint, hint, hint, hint, hint, hint] });
    assert.ok(!long.ok && long.error.kind === "too-long" && long.error.length > 7089);
  });

  it("throws on what no payee can mean", () => {
    const of = (change: Partial<InvoiceFields>) => () => encodeInvoice({ ...least, ...change }, sign);
    assert.throws(of({ amount: msat(0) }), /InvariantError/);
    assert.throws(of({ timestamp: (2 ** 35) as UnixSeconds }), /InvariantError/);
    assert.throws(of({ expirySeconds: -1 }), /InvariantError/);
    assert.throws(of({ otherFields: [{ tag: "b", words: new Uint8Array(0) }] }), /InvariantError/);
    assert.throws(of({ fallbackAddresses: ["1RustyRX2oai4EYYDpQGWvEL62BBGqN9T"] }), /another network/);
  });
});

describe("five-bit words", () => {
  it("hold bytes and numbers", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 2 ** 50 }), (bytes, number) => {
        const words = bytesToWords(bytes);
        assert.deepEqual([...words], bech32.toWords(bytes));
        assert.deepEqual(wordsToBytes(words), bytes);
        assert.equal(wordsToInteger(integerToWords(number), 2 ** 50), number);
      }),
      { seed: 11, numRuns: 100 },
    );
  });
});

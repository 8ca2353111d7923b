import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { encodeInvoice, type InvoiceFields } from "#src/invoice/index";
import { ApiError, type ApiErrorCode } from "#src/manager/apiError";
import {
  checkedTerms,
  keysendTerms,
  type PayInvoiceOptions,
  parsedInvoice,
  termsOfInvoice,
} from "#src/manager/paymentTerms";
import type { PaymentTerms } from "#src/payment/outboundPayment";
import { checkedRecipientFields } from "#src/payment/recipientOnion";
import { paymentParameters } from "#src/routing/route";
import { type Bytes32, noBytes, type Point } from "#src/util/bytes";
import { type NodeId, nodeIdOf, type PaymentHash, type PaymentId, type UnixSeconds } from "#src/util/ids";
import { msat } from "#src/util/units";
import { Features } from "#src/wire/index";
import { ManagerNode } from "./managers.ts";

const key = new Uint8Array(32).fill(3);
const payee = nodeIdOf(crypto().publicKey(key));
const us = { nodeId: nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(4))), network: "regtest" } as const;

const fields: InvoiceFields = {
  network: "regtest",
  amount: msat(1_000n),
  timestamp: 1_800_000_000 as UnixSeconds,
  paymentHash: "ab".repeat(32) as PaymentHash,
  paymentSecret: new Uint8Array(32).fill(0xcd) as Bytes32,
  description: { kind: "text", text: "coffee" },
  expirySeconds: 3_600,
  minFinalCltvExpiryDelta: 18,
  fallbackAddresses: [],
  routeHints: [],
  features: Features.of({ var_onion_optin: "required", payment_secret: "required", basic_mpp: "optional" }),
  otherFields: [],
};

function textOf(changes: Partial<InvoiceFields> = {}): string {
  const { amount, ...others } = { ...fields, ...changes };
  const encoded = encodeInvoice({ ...others, ...(amount !== undefined && { amount }) }, (hash) =>
    crypto().ecdsaSignRecoverable(hash, key),
  );
  assert.ok(encoded.ok);
  return encoded.value;
}

function terms(changes: Partial<InvoiceFields> = {}, options: PayInvoiceOptions = {}): PaymentTerms {
  return termsOfInvoice(parsedInvoice(textOf(changes)), us, options);
}

/** That `act` is refused, and that the text says something of what to do. */
function refused(act: () => unknown, code: ApiErrorCode, text = /./): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  });
}

describe("an invoice", () => {
  it("is paid by what it says", () => {
    const made = terms({ metadata: Uint8Array.of(1, 2) }, { maxFee: msat(7n), routing: { maxPathCount: 3 } });
    assert.equal(made.paymentHash, fields.paymentHash);
    assert.deepEqual(made.recipientOnion, {
      paymentSecret: fields.paymentSecret,
      paymentMetadata: Uint8Array.of(1, 2),
    });
    const { paymentParameters: parameters, finalValue, maxFee } = made.routeParameters;
    assert.deepEqual([finalValue, maxFee, parameters.maxPathCount], [1_000n, 7n, 3]);
    assert.equal(parameters.expiryTime, fields.timestamp + 3_600);
    assert.ok(parameters.payee.kind === "clear" && parameters.payee.nodeId === payee);
    assert.ok(Features.fromBytes(parameters.payee.features ?? new Uint8Array(0)).has("basic_mpp"));
    assert.equal(terms().routeParameters.maxFee, 50_010n);
  });

  it("is refused for another network, our own, or features that nobody here knows", () => {
    refused(() => terms({ network: "signet" }), "wrong-network", /signet.*regtest.*ask for one/);
    refused(() => termsOfInvoice(parsedInvoice(textOf()), { ...us, nodeId: payee }, {}), "own-invoice");
    const strange = Features.ofBits([...fields.features.bits(), 100, 102]);
    refused(() => terms({ features: strange }), "unknown-features", /100, 102.*ask for another/);
  });

  it("is paid on testnet4, whose invoices look like those of testnet", () => {
    const invoice = parsedInvoice(textOf({ network: "testnet4" }));
    assert.equal(invoice.network, "testnet");
    const made = termsOfInvoice(invoice, { ...us, network: "testnet4" }, {});
    assert.equal(made.paymentHash, fields.paymentHash);
    refused(() => termsOfInvoice(invoice, us, {}), "wrong-network");
  });

  it("wants an amount where it names none, and what it names otherwise", () => {
    const { amount: _, ...open } = fields;
    const anyAmount = (options: PayInvoiceOptions) =>
      termsOfInvoice(parsedInvoice(textOf({ ...open, amount: undefined } as never)), us, options);
    refused(() => anyAmount({}), "invalid-amount", /give one/);
    refused(() => anyAmount({ amount: msat(0n) }), "invalid-amount", /give one/);
    refused(() => anyAmount({ amount: msat(2_100_000_000_000_000_001n) }), "invalid-amount");
    assert.equal(anyAmount({ amount: msat(5n) }).routeParameters.finalValue, 5n);
    for (const amount of [999n, 2_001n, 0n])
      refused(() => terms({}, { amount: msat(amount) }), "invalid-amount");
    for (const amount of [1_000n, 2_000n]) {
      assert.equal(terms({}, { amount: msat(amount) }).routeParameters.finalValue, amount);
    }
  });

  it("may be paid in part, beside others", () => {
    const part = (amount: bigint, total: bigint) =>
      terms({}, { amount: msat(amount), declaredTotalMppValue: msat(total) });
    assert.deepEqual(
      [part(1n, 1_000n).routeParameters.finalValue, part(1n, 1_000n).recipientOnion.declaredTotalMppValue],
      [1n, 1_000n],
    );
    refused(() => part(1n, 999n), "invalid-amount");
    refused(() => part(1_500n, 1_000n), "invalid-amount");
    refused(() => part(0n, 1_000n), "invalid-amount");
  });

  it("is refused in words when it is none", () => {
    refused(() => parsedInvoice("lnbc1"), "invalid-invoice", /copy all of it/);
    refused(() => parsedInvoice(textOf().slice(0, -6)), "invalid-invoice", /copy all of it/);
    refused(() => parsedInvoice("bitcoin:bc1q"), "invalid-invoice");
    const start = performance.now();
    refused(() => parsedInvoice("lnbcrt1".padEnd(2_000_000, "q")), "invalid-invoice", /2000000 characters/);
    assert.ok(performance.now() - start < 20);
  });
});

describe("what a recipient is told", () => {
  const record = (type: bigint, length = 1) => ({ type, value: new Uint8Array(length) });
  const check = (...types: readonly bigint[]) =>
    checkedRecipientFields({ customTlvs: types.map((type) => record(type)) });

  it("has its records in order, of types that are free", () => {
    const checked = check(70_000n, 65_536n, 2n ** 64n - 1n);
    assert.ok(checked.ok);
    assert.deepEqual(
      checked.value.customTlvs?.map(({ type }) => type),
      [65_536n, 70_000n, 2n ** 64n - 1n],
    );
    for (const types of [
      [65_535n],
      [0n],
      [-1n],
      [2n ** 64n],
      [70_000n, 70_000n],
      [5_482_373_484n],
      [77_777n],
    ])
      assert.equal(check(...types).ok, false, String(types));
    assert.deepEqual(checkedRecipientFields({ customTlvs: [] }), { ok: true, value: {} });
    assert.equal(checkedRecipientFields({ paymentSecret: new Uint8Array(31) }).ok, false);
  });

  it("leaves room for hops, or is refused", () => {
    const lengthFor = (length: number): number => {
      const payment = { payee, amount: msat(1n), customTlvs: [record(65_537n, length)] };
      const made = keysendTerms(payment, new Uint8Array(32) as Bytes32);
      return made.routeParameters.paymentParameters.maxPathLength;
    };
    assert.equal(lengthFor(1), 19);
    const lengths = Array.from({ length: 130 }, (_, i) => i * 10)
      .filter((n) => n <= 1_100)
      .map(lengthFor);
    assert.deepEqual(
      lengths.toSorted((a, b) => b - a),
      lengths,
    );
    assert.ok((lengths.at(-1) ?? 0) >= 1 && (lengths.at(-1) ?? 0) <= 3);
    refused(() => lengthFor(1_290), "onion-too-large", /send less/);
  });

  it("takes no note of blinded paths that no onion holds", () => {
    const point = crypto().publicKey(key) as Point;
    const path = (length: number) => ({
      introductionNode: { kind: "node-id", nodeId: payee } as const,
      pathKey: point,
      blindedHops: [{ blindedNodeId: point, encryptedPayload: new Uint8Array(length) }],
      payinfo: {
        feeBase: msat(0n),
        feeProportionalMillionths: 0,
        cltvExpiryDelta: 42,
        htlcMinimum: msat(1n),
        htlcMaximum: msat(10n ** 9n),
        features: noBytes,
      },
    });
    const to = (...lengths: readonly number[]) =>
      checkedTerms({
        paymentHash: fields.paymentHash,
        recipientOnion: {},
        routeParameters: {
          paymentParameters: paymentParameters({ kind: "blinded", paths: lengths.map(path) }),
          finalValue: msat(1n),
          maxFee: msat(0n),
        },
      }).routeParameters.paymentParameters;
    assert.deepEqual(to(50, 1_290, 60).previouslyFailedBlindedPathIndexes, [1]);
    assert.ok(to(50, 900).maxPathLength < to(50).maxPathLength);
    refused(() => to(1_290), "onion-too-large");
  });
});

describe("a payment that cannot be stored", () => {
  it("is refused, and the node goes on", () => {
    const { manager } = new ManagerNode(7);
    manager.takeBatch();
    const paymentId = "77".repeat(32) as PaymentId;
    const send = (changes: Partial<Parameters<typeof manager.sendPayment>[0]>) => () =>
      manager.sendPayment({ paymentId, ...terms(), ...changes });
    for (const bad of ["", "xyz", "77", `${paymentId}77`]) {
      refused(send({ paymentId: bad as PaymentId }), "api-misuse");
      refused(send({ paymentHash: bad as PaymentHash }), "api-misuse");
    }
    for (const limits of [
      { maxPathCount: 70_000 },
      { maxTotalCltvExpiryDelta: 2 ** 33 },
      { maxPathCount: 1.5 },
    ]) {
      const { routeParameters } = terms();
      const parameters = { ...routeParameters.paymentParameters, ...limits };
      refused(send({ routeParameters: { ...routeParameters, paymentParameters: parameters } }), "api-misuse");
    }
    for (const count of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      refused(send({ retry: { kind: "attempts", count } }), "api-misuse");
      refused(send({ retry: { kind: "timeout", seconds: count } }), "api-misuse");
    }
    const nodeId = `02${"ff".repeat(32)}` as NodeId;
    const hop = { nodeId, shortChannelId: 5n, fee: msat(5n), cltvExpiryDelta: 10 } as never;
    const along =
      (...hops: readonly (typeof hop)[]) =>
      () =>
        manager.sendPaymentWithRoute(paymentId, terms(), { paths: [{ hops }] });
    refused(along(), "api-misuse");
    assert.deepEqual(manager.listRecentPayments(), []);
    assert.equal(manager.takeBatch(), undefined);
    // A node that is no point: nothing is sent, and the payment fails.
    along(hop)();
    assert.deepEqual(
      manager.listRecentPayments().map(({ kind }) => kind),
      ["failed"],
    );
    assert.ok((manager.takeBatch()?.writes.length ?? 0) > 0);
  });
});

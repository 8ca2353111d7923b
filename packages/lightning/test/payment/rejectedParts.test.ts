import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { createFailure, pathSecrets } from "#src/onion/index";
import type { FailedRemoval } from "#src/payment/blame";
import { newPayment, type PaymentTerms } from "#src/payment/outboundPayment";
import { OutboundPayments } from "#src/payment/outboundPayments";
import { paymentParameters } from "#src/routing/route";
import { type Point, toHex } from "#src/util/bytes";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { htlcToSend, preimageOf } from "../channel/pair.ts";

const paymentId = "01".repeat(32) as PaymentId;
const paymentHash = "02".repeat(32) as PaymentHash;
const shortChannelId = 1n as ShortChannelId;
const point = crypto().publicKey(preimageOf(9)) as Point;
const payee = toHex(point) as NodeId;

/** A payment of two parts that are under way. */
function twoParts() {
  const payments = new OutboundPayments(new Uint8Array(32));
  const terms: PaymentTerms = {
    paymentHash,
    recipientOnion: {},
    routeParameters: {
      paymentParameters: paymentParameters({
        kind: "clear",
        nodeId: payee,
        routeHints: [],
        finalCltvExpiryDelta: 42,
      }),
      finalValue: msat(2_000n),
      maxFee: msat(0n),
    },
  };
  const begun = payments.begin(
    newPayment(paymentId, terms, { retry: { kind: "attempts", count: 0 }, now: 0 }),
    0,
  );
  assert.ok(begun.ok);
  payments.attempted(paymentId);
  const sources = [1, 2].map((number) => {
    const htlc = htlcToSend(1_000n, preimageOf(number));
    assert.ok(htlc.source.kind === "local");
    const path = [{ nodeId: payee, shortChannelId }];
    const source = { ...htlc.source, paymentId, sessionKey: preimageOf(number), path };
    payments.partSent(source, { amount: htlc.amount, paymentHash });
    return source;
  });
  payments.takeEvents();
  return { payments, sources };
}

/** The recipient's word that it does not take the payment, as it reaches us over the one hop. */
function rejection(sessionKey: Uint8Array): FailedRemoval {
  const { sharedSecrets } = pathSecrets(sessionKey, [point]);
  const failure = {
    type: "incorrect_or_unknown_payment_details",
    htlcMsat: msat(1_000n),
    height: 1,
  } as const;
  const sharedSecret = present(sharedSecrets[0], "a shared secret");
  return { reason: createFailure(failure, { sharedSecret, holdTime: undefined }).reason };
}

function failuresTold(payments: OutboundPayments): number {
  return payments.takeEvents().filter(({ kind }) => kind === "payment-failed").length;
}

describe("a payment of several parts", () => {
  it("fails when the recipient has rejected the last of them", () => {
    const { payments, sources } = twoParts();
    const told = sources.map((source) => {
      payments.failed(
        source,
        { amount: msat(1_000n), paymentHash },
        { kind: "packet", removal: rejection(source.sessionKey) },
      );
      return failuresTold(payments);
    });
    assert.deepEqual(told, [0, 1]);
  });

  it("fails when it was given up before the recipient rejected the parts under way", () => {
    const { payments, sources } = twoParts();
    assert.ok(payments.abandon(paymentId, "user-abandoned"));
    const told = sources.map((source) => {
      payments.failed(
        source,
        { amount: msat(1_000n), paymentHash },
        { kind: "packet", removal: rejection(source.sessionKey) },
      );
      return failuresTold(payments);
    });
    assert.deepEqual(told, [0, 1]);
  });
});

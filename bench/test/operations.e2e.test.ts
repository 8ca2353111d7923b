import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installCrypto } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "@fulmen/crypto-node";
import { OperationCounter } from "#src/fulmen/curveOperations";
import { ourPayments } from "#src/fulmen/payments";

// How often a payment makes each node compute on the curve, where a payment's time goes. Who lowers a number may be
// proud of it and write it here; who raises one should know why.

/**
 * Each node builds four commitments (two of each side), signs and verifies two, reveals two points and checks two
 * secrets; the onion's keys come on top.
 */
const dance = {
  publicKey: 4,
  pointAddScalar: 4,
  pointMultiplyAdd: 4,
  isPoint: 2,
  ecdh: 0,
  ecdsaSignRecoverable: 2,
  ecdsaVerify: 2,
};
const dust = 10_000;
/** Its HTLC's output has two keys in two commitments and in the eyes of both, and a signature each. */
const notDust = 1_000_000;

/** What is computed for all payments that are under way together. */
const cases = [
  {
    name: "a dust payment",
    amountMsat: dust,
    together: 1,
    payer: { ...dance, publicKey: 5, ecdh: 1 },
    payee: { ...dance, isPoint: 3, ecdh: 1 },
  },
  {
    name: "a payment",
    amountMsat: notDust,
    together: 1,
    payer: { ...dance, publicKey: 5, ecdh: 1, pointAddScalar: 8, ecdsaSignRecoverable: 3, ecdsaVerify: 3 },
    payee: { ...dance, isPoint: 3, ecdh: 1, pointAddScalar: 8, ecdsaSignRecoverable: 3, ecdsaVerify: 3 },
  },
  {
    name: "30 dust payments together",
    amountMsat: dust,
    together: 30,
    payer: { ...dance, publicKey: 34, ecdh: 30 },
    payee: { ...dance, isPoint: 32, ecdh: 30 },
  },
  {
    name: "30 payments together",
    amountMsat: notDust,
    together: 30,
    payer: {
      ...dance,
      publicKey: 34,
      ecdh: 30,
      pointAddScalar: 8,
      ecdsaSignRecoverable: 32,
      ecdsaVerify: 32,
    },
    payee: { ...dance, isPoint: 32, ecdh: 30, pointAddScalar: 8, ecdsaSignRecoverable: 32, ecdsaVerify: 32 },
  },
];

describe("operations on the curve", () => {
  const counter = new OperationCounter(nodeProvider());
  before(() => installCrypto(counter.provider));

  for (const { name, amountMsat, together, payer, payee } of cases) {
    it(`${name}: as many as known`, async () => {
      counter.user = undefined;
      const { prepare, pay } = await ourPayments(amountMsat, {
        onTurn: (role) => {
          counter.user = role;
        },
      });
      // Until the payee's side has an output too.
      for (let i = 0; i < warmUps; i += together) await pay(prepare(together));
      counter.user = undefined;
      counter.clear();
      const invoices = prepare(together);
      await pay(invoices);
      assert.deepEqual(callsOf(counter, "payer"), payer);
      assert.deepEqual(callsOf(counter, "payee"), payee);
    });
  }
});

const warmUps = 60;

function callsOf(counter: OperationCounter, node: string): Readonly<Record<string, number>> {
  const operations = [...(counter.usage.get(node) ?? [])];
  return Object.fromEntries(operations.map(([operation, { calls }]) => [operation, calls]));
}

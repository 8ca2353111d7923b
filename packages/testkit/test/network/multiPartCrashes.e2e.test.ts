// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { ApiError } from "@fulmen/lightning/manager";
import type { Path, Route } from "@fulmen/lightning/routing";
import { msat, type PaymentId, present } from "@fulmen/lightning/util";
import { CrashPlan, Dice, describeCrashPoint, type TestNode } from "@fulmen/testkit";
import { Diamond, fee, large } from "./diamond.ts";

// A payment of two parts over two ways, and every place at which the payer or the payee can die during it: between the
// parts, too. It is made once, or not at all, and never paid for twice.

before(() => {
  installNodeCrypto();
});

type Name = "a" | "d";

type Options = ConstructorParameters<typeof Diamond>[0] & {
  /** Along ways that the user gives, so that no other is looked for. */
  readonly alongRoute?: boolean;
};

/** One payment during which nodes die at the given points; gives how often one did. */
function run(deaths: Partial<Record<Name, readonly number[]>>, { alongRoute, ...options }: Options = {}) {
  const diamond = new Diamond(options);
  const { a, d, network } = diamond;
  const plans = { a: new CrashPlan(a, deaths.a), d: new CrashPlan(d, deaths.d) };
  const start = diamond.balances();
  const { invoice, paymentHash } = d.manager.createBolt11Invoice({ amount: large, description: "crash" });
  const paymentId = paymentHash as string as PaymentId;
  const order = (): void => {
    try {
      if (alongRoute !== true) a.manager.payForBolt11Invoice(invoice, { paymentId });
      else a.manager.sendPaymentWithRoute(paymentId, a.manager.paymentTermsOf(invoice), bothWays(diamond));
    } catch (error) {
      assert.ok(error instanceof ApiError && error.code === "duplicate-payment", String(error));
    }
  };
  const where = (): string =>
    [...plans.a.died, ...plans.d.died].map(describeCrashPoint).join(", ") || "nobody died";
  try {
    order();
    network.settle();
    // What died before it was stored was never begun, and the user orders again.
    order();
    network.settle();
    for (const node of [a, d]) {
      node.onCrashPoint = () => {};
      network.crash(node);
    }
    network.settle();
    network.passTime(5);
    const sent = diamond.told(a, "payment-sent", paymentHash);
    const failed = diamond.told(a, "payment-failed", paymentHash);
    const claimed = diamond.told(d, "payment-claimed", paymentHash);
    const isPaid = claimed.length > 0;
    const moved = diamond.balances().map((balance, i) => balance - (start[i] ?? 0n));
    assert.deepEqual(
      { sent: sent.length, failed: failed.length, claimed: claimed.length },
      { sent: isPaid ? 1 : 0, failed: isPaid ? 0 : 1, claimed: isPaid ? 1 : 0 },
    );
    const fees = 2n * fee;
    assert.deepEqual(moved, isPaid ? [-large - fees, fee, fee, large] : [0n, 0n, 0n, 0n]);
    if (isPaid) assert.ok(sent[0]?.kind === "payment-sent" && sent[0].amount === large);
    diamond.checkRest();
    return { plans, isPaid, died: plans.a.died.length + plans.d.died.length };
  } catch (error) {
    throw new Error(`${where()}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Half by way of B, half by way of C. */
function bothWays(diamond: Diamond): Route {
  const { b, c, d, channels } = diamond;
  const idOf = (node: TestNode, name: keyof typeof channels) => {
    const found = node.manager.listChannels().find(({ channelId }) => channelId === channels[name]);
    return present(found?.shortChannelId, "a short channel id");
  };
  const path = (middle: TestNode, first: keyof typeof channels, second: keyof typeof channels): Path => ({
    hops: [
      { nodeId: middle.nodeId, shortChannelId: idOf(middle, first), fee: msat(fee), cltvExpiryDelta: 80 },
      { nodeId: d.nodeId, shortChannelId: idOf(middle, second), fee: msat(large / 2n), cltvExpiryDelta: 60 },
    ],
  });
  return { paths: [path(b, "ab", "bd"), path(c, "ac", "cd")] };
}

describe("a payment of two parts", () => {
  for (const name of ["a", "d"] as const) {
    it(`ends well wherever ${name === "a" ? "the payer" : "the payee"} dies`, (context) => {
      const { length } = run({}).plans[name].passed;
      assert.ok(length > 25);
      let paid = 0;
      for (let point = 0; point < length; point++) {
        const { died, isPaid } = run({ [name]: [point] });
        assert.equal(died, 1);
        if (isPaid) paid++;
      }
      context.diagnostic(`${length} points, paid in ${paid}`);
      assert.ok(paid > length / 2);
    });
  }

  it("along ways that the user gave is sent again, what of it was lost, and nothing else", (context) => {
    const { length } = run({}, { alongRoute: true }).plans.a.passed;
    let paid = 0;
    for (let point = 0; point < length; point++) {
      if (run({ a: [point] }, { alongRoute: true }).isPaid) paid++;
    }
    context.diagnostic(`${length} points, paid in ${paid}`);
    assert.equal(paid, length);
  });

  it("ends well when both die again and again, whatever comes first", (context) => {
    const dice = new Dice(7);
    let died = 0;
    let paid = 0;
    const runs = 25;
    for (let seed = 1; seed <= runs; seed++) {
      const points = () => Array.from({ length: dice.roll(3) }, () => dice.roll(40));
      const ended = run({ a: points(), d: points() }, { seed, shuffles: true });
      died += ended.died;
      if (ended.isPaid) paid++;
    }
    context.diagnostic(`${runs} runs, ${died} deaths, paid in ${paid}`);
    assert.ok(died > runs / 2);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PayInvoiceOptions } from "#src/manager/paymentTerms";
import type { Path, RouteHop, RouteRequest } from "#src/routing/route";
import type { ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { type Msat, msat, sat } from "#src/util/units";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const amount = msat(100_000_000n);

/** Alice pays Bob over two channels of theirs, by whatever routes a test gives. */
function pair() {
  const net = new ManagerNet();
  const [alice, bob] = [net.add(), net.add()];
  net.connect(alice, bob);
  const channels = [net.open(alice, bob), net.open(alice, bob, { funding: sat(200_000) })];
  const names = channels.map((id) =>
    present(
      alice.manager.listChannels().find(({ channelId }) => channelId === id)?.shortChannelId,
      "a short channel id",
    ),
  );
  const asked: RouteRequest[] = [];
  const answer = (...answers: readonly (readonly Path[])[]): void => {
    alice.findRoute = (request) => {
      const paths = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(request);
      return { ok: true, value: { paths } };
    };
  };
  const pay = (options: PayInvoiceOptions = {}, wanted: Msat = amount) => {
    const { invoice } = bob.manager.createBolt11Invoice({ amount: wanted, description: "payer" });
    alice.manager.payForBolt11Invoice(invoice, options);
    net.settle();
    return claimed(bob);
  };
  const direct = (name: number, value: bigint): Path => ({
    hops: [hop(bob, present(names[name], "a name"), value)],
  });
  return { net, alice, bob, names, asked, answer, pay, direct };
}

function hop({ nodeId }: ManagerNode, shortChannelId: ShortChannelId, fee: bigint, delta = 60): RouteHop {
  return { nodeId, shortChannelId, fee: msat(fee), cltvExpiryDelta: delta };
}

function claimed(node: ManagerNode): bigint {
  return node.eventsOf("payment-claimable").reduce<bigint>((sum, payment) => sum + payment.amount, 0n);
}

function reason(node: ManagerNode): string | undefined {
  return node.eventsOf("payment-failed").at(-1)?.reason;
}

describe("what a router says", () => {
  it("is asked for with all that is known", () => {
    const { alice, bob, names, asked, answer, pay, direct } = pair();
    answer([direct(0, amount)]);
    assert.equal(pay(), amount);
    const [request] = asked;
    assert.ok(request);
    assert.equal(request.payer, alice.nodeId);
    assert.deepEqual(
      request.firstHops.map(({ counterparty, shortChannelId }) => [counterparty, shortChannelId]),
      names.map((name) => [bob.nodeId, name]),
    );
    assert.equal(request.parameters.finalValue, amount);
    assert.equal(request.parameters.maxFee, amount / 100n + 50_000n);
  });

  it("is not followed when it brings too little, too much, or for too much", () => {
    for (const wrong of ["too little", "too much", "too dear", "nothing", "no hops"] as const) {
      const { alice, bob, names, answer, pay, direct } = pair();
      const dear = (fee: bigint): Path => ({
        hops: [hop(bob, present(names[0], "a name"), fee), hop(bob, 9n as ShortChannelId, amount)],
      });
      const paths = {
        "too little": [direct(0, amount - 1n)],
        "too much": [direct(0, amount), direct(1, amount / 10n + 1n)],
        "too dear": [dear(amount / 100n + 50_001n)],
        nothing: [],
        "no hops": [{ hops: [] }],
      }[wrong];
      answer(paths);
      assert.equal(pay(), 0n, wrong);
      assert.equal(reason(alice), "unexpected-error", wrong);
      assert.ok(alice.log.some(({ text }) => text.includes("router's answer")));
    }
  });

  it("may bring a tenth too much, which counts among the fees", () => {
    for (const maxFee of [amount / 10n, amount / 10n - 1n]) {
      const { answer, pay, direct } = pair();
      answer([direct(0, (amount * 6n) / 10n), direct(1, amount / 2n)]);
      assert.equal(pay({ maxFee: msat(maxFee) }), maxFee < amount / 10n ? 0n : amount + amount / 10n);
    }
  });
});

describe("a part that our own channel refuses", () => {
  it("is tried over another one, and the first is left alone", () => {
    const { alice, names, asked, answer, pay, direct } = pair();
    const wanted = msat(900_000_000n);
    answer([direct(1, wanted)], [direct(0, wanted)]);
    assert.equal(pay({}, wanted), wanted);
    const { previouslyFailedChannels } = present(asked[1], "a request").parameters.paymentParameters;
    assert.deepEqual(previouslyFailedChannels, [names[1]]);
    assert.equal(alice.eventsOf("payment-path-failed")[0]?.shortChannelId, names[1]);
  });

  it("does not speak against a channel that has just taken another part", () => {
    const { asked, answer, pay, direct } = pair();
    // Both together are more than the channel holds; what is left is asked for again.
    const wanted = msat(1_000_000_000n);
    answer(
      [direct(0, 600_000_000n), direct(0, 400_000_000n)],
      [direct(0, 280_000_000n), direct(1, 120_000_000n)],
    );
    assert.equal(pay({}, wanted), wanted);
    const again = present(asked[1], "a request").parameters;
    assert.equal(again.finalValue, 400_000_000n);
    assert.deepEqual(again.paymentParameters.previouslyFailedChannels, []);
  });

  it("ends the payment when nothing else is left, and does not try for ever", () => {
    for (const retry of [
      { kind: "attempts", count: 2 },
      { kind: "timeout", seconds: 100 },
    ] as const) {
      const { alice, asked, answer, pay, direct } = pair();
      answer([direct(1, amount * 9n)]);
      assert.equal(pay({ retry }, msat(amount * 9n)), 0n);
      for (let i = 0; i < 20; i++) alice.commit();
      assert.equal(reason(alice), "retries-exhausted");
      assert.equal(asked.length, retry.kind === "attempts" ? 3 : 100);
    }
  });
});

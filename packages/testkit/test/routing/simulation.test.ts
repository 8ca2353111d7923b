import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RouteHop } from "@fulmen/lightning/routing";
import { msat, type ShortChannelId } from "@fulmen/lightning/util";
import {
  drawPayments,
  type GraphDump,
  generateGraph,
  nodeIdAt,
  type PaymentOutcome,
  type RouteChooser,
  SimulatedNetwork,
  Simulation,
  type SimulationOptions,
  summarize,
} from "@fulmen/testkit/routing";
import { deafScorer, dumpOf, now, ourChooser, policy, setBalance } from "./knownNetwork.ts";

/** Node 0 is the payer's peer, node 3 the payee: two ways, by node 1 and by node 2, of 1,000,000 sat each. */
const diamond = dumpOf([
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 3],
]);
const payee = nodeIdAt(diamond, 3);
const full = 1_000_000_000;

/** Node one of each channel has so much of it, in msat. */
function networkOf(dump: GraphDump, balances: readonly number[]): SimulatedNetwork {
  const network = new SimulatedNetwork(dump, { seed: 1, peers: [nodeIdAt(dump, 0)] });
  for (const [channel, ofOne] of balances.entries()) setBalance(network, channel, ofOne);
  return network;
}

function simulate(network: SimulatedNetwork, changes: Partial<SimulationOptions> = {}): Simulation {
  const chooser = ourChooser(network.dump);
  return new Simulation({ network, chooser, now, seed: 1, redrawsPerPayment: 0, ...changes });
}

/** What each side of each channel can send. */
function balancesOf({ dump, balances }: SimulatedNetwork): readonly number[] {
  return dump.channels.flatMap((_, channel) => [
    balances.available(2 * channel),
    balances.available(2 * channel + 1),
  ]);
}

describe("a payment in a simulated network", () => {
  it("moves the balances of its way, by what it and the fees come to", () => {
    const network = networkOf(diamond, [full, 0, full, full]);
    const outcome = simulate(network).pay({ payee, amount: 500_000_000, takesParts: false });
    // Node 1 keeps 1,000 msat and 100 millionths, and so does node 0 of what it passes on to node 1.
    const atOne = 51_000;
    const atZero = 1000 + Math.floor((500_000_000 + atOne) / 10_000);
    assert.equal(outcome.isPaid, true);
    assert.equal(outcome.fee, atOne + atZero);
    assert.equal(outcome.parts, 1);
    const first = 500_000_000 + atOne;
    assert.deepEqual(balancesOf(network), [full - first, first, 0, full, full / 2, full / 2, full, 0]);
  });

  it("leaves them as they are where the network is static", () => {
    const network = networkOf(diamond, [full, 0, full, full]);
    const before = balancesOf(network);
    assert.ok(
      simulate(network, { isStatic: true }).pay({ payee, amount: 1_000_000, takesParts: false }).isPaid,
    );
    assert.deepEqual(balancesOf(network), before);
  });

  it("goes another way when a channel fails it, of which the scorer hears", () => {
    for (const [balances, empty] of [
      [[full, full, 0, full], 2],
      [[full, full, full, 0], 3],
    ] as const) {
      const network = networkOf(diamond, balances);
      const { router, scorer } = ourChooser(diamond);
      const failed: ShortChannelId[] = [];
      const chooser: RouteChooser = {
        router,
        scorer: {
          ...deafScorer,
          paymentPathFailed(path, id, time) {
            failed.push(id);
            scorer.paymentPathFailed(path, id, time);
          },
        },
      };
      const outcome = simulate(network, { chooser }).pay({ payee, amount: 1_000_000, takesParts: false });
      assert.ok(outcome.isPaid);
      assert.equal(outcome.attempts, failed.length + 1);
      assert.ok(failed.every((id) => id === diamond.channels[empty]?.shortChannelId));
    }
  });

  it("is split where no way alone carries it, for a payee that takes parts", () => {
    const payment = { payee, amount: 1_500_000_000, takesParts: true };
    const network = networkOf(diamond, [full, full, full, full]);
    const outcome = simulate(network).pay(payment);
    assert.ok(outcome.isPaid);
    assert.ok(outcome.parts >= 2);
    const again = networkOf(diamond, [full, full, full, full]);
    assert.equal(simulate(again).pay({ ...payment, takesParts: false }).isPaid, false);
  });

  it("holds nothing once it was given up, though a part had arrived", () => {
    const network = networkOf(diamond, [full, full, full, full / 10]);
    const before = balancesOf(network);
    const outcome = simulate(network).pay({ payee, amount: 1_500_000_000, takesParts: true });
    assert.equal(outcome.isPaid, false);
    assert.ok(outcome.partsSent >= 2);
    assert.deepEqual(balancesOf(network), before);
    assert.deepEqual(
      network.firstHops().map(({ maximum }) => maximum),
      [10_000_000_000n],
    );
  });

  it("is tried as often as it may be", () => {
    const network = networkOf(diamond, [0, 0, full, full]);
    const { router } = ourChooser(diamond);
    // Never shunned, the same channel fails it each time.
    const stubborn: RouteChooser = {
      router: {
        findRoute: (request) => {
          const { parameters } = request;
          const paymentParameters = { ...parameters.paymentParameters, previouslyFailedChannels: [] };
          return router.findRoute({ ...request, parameters: { ...parameters, paymentParameters } });
        },
      },
      scorer: deafScorer,
    };
    const outcome = simulate(network, { chooser: stubborn, retries: 2 }).pay({
      payee,
      amount: 1_000_000,
      takesParts: false,
    });
    assert.equal(outcome.attempts, 3);
    assert.deepEqual(outcome.failures, Array(3).fill("temporary_channel_failure"));
  });
});

describe("a node of a simulated network", () => {
  const hops: readonly RouteHop[] = [
    { node: 0, channel: undefined, fee: 1000 + 10, delta: 40 },
    { node: 1, channel: 0, fee: 1000 + 10, delta: 40 },
    { node: 3, channel: 2, fee: 100_000, delta: 42 },
  ].map(({ node, channel, fee, delta }) => ({
    nodeId: nodeIdAt(diamond, node),
    shortChannelId:
      (channel === undefined ? undefined : diamond.channels[channel]?.shortChannelId) ??
      (((8_000_000n << 40n) | (1n << 16n)) as ShortChannelId),
    fee: msat(fee),
    cltvExpiryDelta: delta,
  }));

  function sent(index: number, change: Partial<RouteHop>, dump = diamond) {
    const network = networkOf(dump, [full, full, full, full]);
    const before = balancesOf(network);
    const result = network.send({
      hops: hops.map((hop, at) => (at === index ? { ...hop, ...change } : hop)),
    });
    if (result.kind === "arrived") return "arrived";
    assert.deepEqual(balancesOf(network), before);
    return [
      result.failure,
      dump.channels.findIndex(({ shortChannelId }) => shortChannelId === result.shortChannelId),
    ];
  }

  it("passes on what pays its terms, and fails what does not, naming the channel that it did not use", () => {
    assert.equal(sent(0, {}), "arrived");
    assert.deepEqual(sent(0, { fee: msat(1009) }), ["fee_insufficient", 0]);
    assert.deepEqual(sent(1, { fee: msat(1009) }), ["fee_insufficient", 2]);
    assert.deepEqual(sent(1, { cltvExpiryDelta: 39 }), ["incorrect_cltv_expiry", 2]);
    assert.deepEqual(sent(2, { nodeId: nodeIdAt(diamond, 2) }), ["unknown_next_peer", 2]);
    const dear = dumpOf(
      [
        [0, 1],
        [0, 2],
        [1, 3],
        [2, 3],
      ],
      { 2: { oneToTwo: { ...policy, htlcMinimum: 100_001 } } },
    );
    assert.deepEqual(sent(0, {}, dear), ["amount_below_minimum", 2]);
    const narrow = dumpOf(
      [
        [0, 1],
        [0, 2],
        [1, 3],
        [2, 3],
      ],
      { 0: { oneToTwo: { ...policy, htlcMaximum: 101_009 } } },
    );
    assert.deepEqual(sent(0, {}, narrow), ["temporary_channel_failure", 0]);
  });

  it("is not reached by channels that the payer does not have", () => {
    assert.throws(() => sent(0, { shortChannelId: 1n as ShortChannelId }), /cannot send/);
    assert.throws(() => sent(2, { fee: msat(20_000_000_000) }), /cannot send/);
  });
});

describe("many payments in a simulated network", () => {
  const dump = generateGraph({ seed: 3, nodes: 400, channels: 1600 });

  function outcomesOf(
    seed: number,
    learns: boolean,
  ): { outcomes: PaymentOutcome[]; network: SimulatedNetwork } {
    const network = new SimulatedNetwork(dump, { seed });
    const payments = drawPayments(dump, network.balances, { seed, count: 400, mostAmount: 1_000_000 });
    const { router, scorer } = ourChooser(dump);
    const chooser = { router, scorer: learns ? scorer : deafScorer };
    const simulation = new Simulation({ network, chooser, now, seed, redrawsPerPayment: 2 });
    return { outcomes: payments.map((payment) => simulation.pay(payment)), network };
  }

  const learned = outcomesOf(1, true);

  it("are the same for the same seed only", () => {
    assert.deepEqual(outcomesOf(1, true).outcomes, learned.outcomes);
    assert.notDeepEqual(outcomesOf(2, true).outcomes, learned.outcomes);
  });

  it("fail for want of balance only, and neither make nor lose money", () => {
    const {
      dump: { channels },
      balances,
    } = learned.network;
    for (const [index, { capacity }] of channels.entries()) {
      assert.equal(balances.total(index), capacity * 1000);
      assert.ok(balances.available(2 * index) >= 0 && balances.available(2 * index + 1) >= 0);
    }
    const { failures, paidShare } = summarize(learned.outcomes);
    const { temporary_channel_failure: wanting, ...others } = failures;
    assert.ok(wanting > 0);
    assert.deepEqual(Object.values(others), [0, 0, 0, 0]);
    assert.ok(paidShare > 0.5, `${paidShare} were paid`);
  });

  it("succeed sooner the more the scorer has learned", () => {
    const ignorant = outcomesOf(1, false);
    const late = summarize(learned.outcomes.slice(200));
    const never = summarize(ignorant.outcomes.slice(200));
    const text = `${late.firstAttemptShare} at first, ${never.firstAttemptShare} without learning`;
    assert.ok(late.firstAttemptShare > never.firstAttemptShare + 0.1, text);
    assert.ok(late.meanAttempts < never.meanAttempts);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ChannelInfo, ChannelUpdateInfo } from "@fulmen/lightning/gossip";
import {
  DefaultRouter,
  type FirstHop,
  findRoute,
  paymentParameters,
  type Route,
  type RouteHintHop,
  type RouteRequest,
} from "@fulmen/lightning/routing";
import { type Msat, msat, type NodeId, noBytes, type ShortChannelId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";

function node(letter: string): NodeId {
  return `02${Buffer.from(letter.padEnd(32)).toString("hex")}` as NodeId;
}

const [a, b, c, d, e] = ["A", "B", "C", "D", "E"].map(node) as [NodeId, NodeId, NodeId, NodeId, NodeId];

function scid(id: number): ShortChannelId {
  return BigInt(id) as ShortChannelId;
}

function fees(
  feeBaseMsat: number,
  feeProportionalMillionths: number,
  cltvExpiryDelta = 40,
): ChannelUpdateInfo {
  return plainTerms({ feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta });
}

function firstHop(id: number, counterparty: NodeId, maximum = 10n ** 12n) {
  return { counterparty, shortChannelId: scid(id), minimum: msat(1), maximum: msat(maximum) };
}

/** What the tests change. */
interface Wish {
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly amount: Msat;
  readonly finalCltvExpiryDelta: number;
  readonly maxFee: Msat;
  readonly maxTotalCltvExpiryDelta: number;
  readonly routeHints: readonly (readonly RouteHintHop[])[];
  readonly firstHops: readonly FirstHop[];
  readonly excludedChannels: readonly ShortChannelId[];
}

function parameters(changes: Partial<Wish> = {}): RouteRequest {
  const wish: Wish = {
    payer: a,
    payee: c,
    amount: msat(4_999_999),
    finalCltvExpiryDelta: 18,
    maxFee: msat(1_000_000),
    maxTotalCltvExpiryDelta: 1008,
    routeHints: [],
    firstHops: [firstHop(1, b), firstHop(4, d)],
    excludedChannels: [],
    ...changes,
  };
  const { payee, routeHints, finalCltvExpiryDelta, maxTotalCltvExpiryDelta } = wish;
  return {
    payer: wish.payer,
    parameters: {
      paymentParameters: paymentParameters(
        { kind: "clear", nodeId: payee, routeHints, finalCltvExpiryDelta },
        {
          maxTotalCltvExpiryDelta,
          previouslyFailedChannels: wish.excludedChannels,
          maxChannelSaturationPowerOfHalf: 0,
        },
      ),
      finalValue: wish.amount,
      maxFee: wish.maxFee,
    },
    firstHops: wish.firstHops,
    inFlightHtlcs: [],
  };
}

/** The example of BOLT 7, "Routing Example": what B and D charge on their ways to C. */
const ways = {
  ab: plainChannel(1n, [a, b], { from: fees(100, 1000, 10), to: fees(200, 2000, 20) }),
  bc: plainChannel(2n, [b, c], { from: fees(200, 2000, 20), to: fees(300, 3000, 30) }),
  cd: plainChannel(3n, [c, d], { from: fees(300, 3000, 30), to: fees(400, 4000, 40) }),
  da: plainChannel(4n, [d, a], { from: fees(400, 4000, 40), to: fees(100, 1000, 10) }),
};
const square = new PlainGraph(Object.values(ways));

/** The short channel ids of the one path, or why there is none. */
function way(found: ReturnType<typeof findRoute>): readonly number[] | string {
  return found.ok
    ? hopsOf(found.value).map(({ shortChannelId }) => Number(shortChannelId))
    : found.error.kind;
}

function hopsOf(route: Route) {
  assert.equal(route.paths.length, 1);
  return route.paths[0]?.hops ?? [];
}

/** The square with some of B's terms towards C changed. */
function squareWith(changes: Partial<ChannelUpdateInfo>): PlainGraph {
  const bc = plainChannel(2n, [b, c], { from: { ...fees(200, 2000, 20), ...changes } });
  return new PlainGraph([ways.ab, bc, ways.cd, ways.da]);
}

describe("the example of BOLT 7", () => {
  test("a direct channel costs nothing", () => {
    const found = findRoute(parameters({ payer: b, firstHops: [firstHop(2, c)] }), square);
    assert.ok(found.ok);
    assert.deepEqual(hopsOf(found.value), [
      { nodeId: c, shortChannelId: 2n, fee: 4_999_999n, cltvExpiryDelta: 18 },
    ]);
  });

  test("A pays C through B: 10,199 msat and 20 blocks", () => {
    const found = new DefaultRouter(square).findRoute(parameters());
    assert.ok(found.ok);
    assert.deepEqual(hopsOf(found.value), [
      { nodeId: b, shortChannelId: 1n, fee: 10_199n, cltvExpiryDelta: 20 },
      { nodeId: c, shortChannelId: 2n, fee: 4_999_999n, cltvExpiryDelta: 18 },
    ]);
  });

  test("A pays C through D: 20,399 msat and 40 blocks", () => {
    const found = findRoute(parameters({ excludedChannels: [scid(1)] }), square);
    assert.ok(found.ok);
    assert.deepEqual(hopsOf(found.value), [
      { nodeId: d, shortChannelId: 4n, fee: 20_399n, cltvExpiryDelta: 40 },
      { nodeId: c, shortChannelId: 3n, fee: 4_999_999n, cltvExpiryDelta: 18 },
    ]);
  });
});

describe("a channel is passed over", () => {
  const around = [4, 3];

  test("when it failed before", () => {
    assert.deepEqual(way(findRoute(parameters({ excludedChannels: [scid(2)] }), square)), around);
  });

  test("when it is disabled, or its side has said nothing", () => {
    assert.deepEqual(way(findRoute(parameters(), squareWith({ enabled: false }))), around);
    const silent = new PlainGraph([plainChannel(2n, [b, c], { to: fees(0, 0) }), ways.cd]);
    assert.deepEqual(way(findRoute(parameters(), silent)), around);
  });

  test("when the amount is too small or too large for it", () => {
    assert.deepEqual(way(findRoute(parameters(), squareWith({ htlcMinimum: msat(5_000_000) }))), around);
    assert.deepEqual(way(findRoute(parameters(), squareWith({ htlcMaximum: msat(4_999_998) }))), around);
    assert.deepEqual(way(findRoute(parameters(), squareWith({ htlcMaximum: msat(4_999_999) }))), [1, 2]);
  });

  test("when our own cannot carry amount and fees", () => {
    const firstHops = [firstHop(1, b, 5_010_197n), firstHop(4, d)];
    assert.deepEqual(way(findRoute(parameters({ firstHops }), square)), around);
    firstHops[0] = firstHop(1, b, 5_010_198n);
    assert.deepEqual(way(findRoute(parameters({ firstHops }), square)), [1, 2]);
    firstHops[0] = { ...firstHop(1, b), minimum: msat(5_030_000) };
    assert.deepEqual(way(findRoute(parameters({ firstHops }), square)), around);
  });

  test("when it, or the node before it, needs what we do not know", () => {
    const strange: ChannelInfo = { ...ways.bc, unknownFeaturesRequired: true };
    assert.deepEqual(way(findRoute(parameters(), new PlainGraph([strange, ways.cd]))), around);
    const announcement = {
      features: Features.none,
      unknownFeaturesRequired: true,
      lastUpdate: 0,
      rgbColor: noBytes,
      alias: noBytes,
      addresses: [],
      message: noBytes,
    };
    const strangers = (id: NodeId) => new PlainGraph([ways.bc, ways.cd], new Map([[id, announcement]]));
    assert.deepEqual(way(findRoute(parameters(), strangers(b))), around);
    assert.deepEqual(way(findRoute(parameters(), strangers(c))), [1, 2]);
  });
});

describe("own channels", () => {
  test("of several to one node the smallest that will do is taken", () => {
    const firstHops = [firstHop(7, c, 9_000_000n), firstHop(8, c, 5_000_000n), firstHop(9, c, 4_000_000n)];
    assert.deepEqual(way(findRoute(parameters({ firstHops }), square)), [8]);
  });

  test("in the graph count for nothing, neither to leave by nor to pass", () => {
    assert.equal(way(findRoute(parameters({ firstHops: [firstHop(9, e)] }), square)), "no-route");
    const viaUs = new PlainGraph([ways.ab, ways.da, ways.cd]);
    assert.equal(way(findRoute(parameters({ firstHops: [firstHop(1, b)] }), viaUs)), "no-route");
  });
});

describe("route hints", () => {
  const hint = (nodeId: NodeId, id: number, feeBaseMsat = 7) => ({
    nodeId,
    shortChannelId: scid(id),
    feeBaseMsat,
    feeProportionalMillionths: 0,
    cltvExpiryDelta: 33,
  });

  test("lead to a node that the graph does not know", () => {
    const routeHints = [[hint(c, 90), hint(d, 91)]];
    const found = findRoute(parameters({ payee: e, routeHints }), square);
    assert.ok(found.ok);
    assert.deepEqual(
      hopsOf(found.value).map(({ shortChannelId, fee, cltvExpiryDelta }) => [
        shortChannelId,
        fee,
        cltvExpiryDelta,
      ]),
      [
        [4n, 7n, 33],
        [91n, 4_999_999n, 18],
      ],
    );
    const far = findRoute(parameters({ payee: e, routeHints, firstHops: [firstHop(1, b)] }), square);
    assert.deepEqual(way(far), [1, 2, 90, 91]);
  });

  test("of absurd terms, excluded channels or our own are not followed", () => {
    const to = (routeHints: Wish["routeHints"], excluded: readonly ShortChannelId[] = []) =>
      way(findRoute(parameters({ payee: e, routeHints, excludedChannels: excluded }), square));
    assert.equal(to([[hint(b, 90, 0xffff_ffff)]]), "no-route");
    assert.equal(to([[{ ...hint(b, 90), feeProportionalMillionths: 0xffff_ffff }]]), "no-route");
    assert.equal(to([[hint(b, 90)]], [scid(90)]), "no-route");
    assert.equal(to([[hint(a, 90)]]), "no-route");
    assert.equal(to([[hint(e, 90), hint(e, 91)]]), "no-route");
    assert.equal(to([[]]), "no-route");
    assert.deepEqual(to([[hint(a, 90)], [hint(b, 91)]]), [1, 91]);
  });
});

describe("limits", () => {
  test("fees may reach the limit, not pass it", () => {
    const excludedChannels = [scid(3)];
    assert.deepEqual(way(findRoute(parameters({ maxFee: msat(10_199), excludedChannels }), square)), [1, 2]);
    assert.equal(way(findRoute(parameters({ maxFee: msat(10_198), excludedChannels }), square)), "no-route");
  });

  test("so may expiries; what is dearer but nearer is then taken", () => {
    const bc = plainChannel(2n, [b, c], { from: fees(0, 0, 100) });
    const graph = new PlainGraph([bc, ways.cd]);
    const within = (maxTotalCltvExpiryDelta: number) =>
      way(findRoute(parameters({ maxTotalCltvExpiryDelta }), graph));
    assert.deepEqual(within(118), [1, 2]);
    assert.deepEqual(within(117), [4, 3]);
    assert.deepEqual(within(58), [4, 3]);
    assert.equal(within(57), "no-route");
  });

  test("a dearer way that is nearer is found behind a common stretch", () => {
    const graph = new PlainGraph([
      plainChannel(2n, [b, c], { from: fees(0, 0, 200) }),
      plainChannel(3n, [b, c], { from: fees(50, 0, 10) }),
      plainChannel(5n, [d, b], { from: fees(0, 0, 300) }),
    ]);
    const firstHops = [firstHop(4, d)];
    const found = findRoute(parameters({ firstHops, maxTotalCltvExpiryDelta: 400 }), graph);
    assert.deepEqual(way(found), [4, 5, 3]);
  });

  test("a path has 19 channels at most", () => {
    const chain = Array.from({ length: 21 }, (_, i) => node(`chain ${i}`));
    const steps = chain
      .slice(1)
      .map((to, i) =>
        plainChannel(BigInt(100 + i), [chain[i] ?? a, to], { from: plainTerms({ cltvExpiryDelta: 1 }) }),
      );
    const graph = new PlainGraph(steps);
    const firstHops = [firstHop(100, chain[1] ?? a)];
    const to = (i: number) =>
      findRoute(parameters({ payer: chain[0] ?? a, payee: chain[i] ?? a, firstHops }), graph);
    const longest = way(to(19));
    assert.equal(longest.length, 19);
    assert.equal(way(to(20)), "no-route");
  });
});

describe("refusals", () => {
  test("name what is wrong", () => {
    const refusal = (changes: Partial<Wish>) => way(findRoute(parameters(changes), square));
    assert.equal(refusal({ payee: a }), "payee-is-payer");
    assert.equal(refusal({ firstHops: [] }), "no-first-hop");
    assert.equal(refusal({ excludedChannels: [scid(1), scid(4)] }), "no-first-hop");
    assert.equal(refusal({ payee: e }), "payee-unknown");
    assert.equal(refusal({ payee: c, amount: msat(10n ** 15n) }), "no-route");
    assert.equal(refusal({ amount: msat(0) }), "invalid-parameters");
    assert.equal(refusal({ amount: msat(2n ** 53n) }), "invalid-parameters");
    assert.equal(refusal({ finalCltvExpiryDelta: 1009 }), "invalid-parameters");
  });

  test("amounts as large as can be end in a refusal, not in rounding", () => {
    const graph = squareWith({ htlcMaximum: msat(2n ** 64n - 1n), feeProportionalMillionths: 0xffff_ffff });
    const huge = { amount: msat(2n ** 53n - 1n), maxFee: msat(2n ** 64n - 1n) };
    const firstHops = [firstHop(1, b, 2n ** 64n - 1n)];
    assert.equal(way(findRoute(parameters({ ...huge, firstHops }), graph)), "no-route");
  });
});

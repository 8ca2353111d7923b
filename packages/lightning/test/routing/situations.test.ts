import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRoute } from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";
import { clear, node, scid } from "./routes.ts";
import {
  asked,
  feesAlong,
  found,
  hint,
  hinted,
  own,
  penalties,
  type Road,
  roads,
  ways,
} from "./situations.ts";

// The situations of LDK's tests of its router (its names in brackets), in networks of our own. Channels 1 to 9 are A's.

describe("a single path", () => {
  const line = roads({ id: 12, way: "B>D", base: 100 }, { id: 13, way: "C>D", base: 200 });
  const firstHops = [own(1, "B"), own(2, "C")];

  test("is the cheaper one; nothing cannot be paid [simple_route_test]", () => {
    assert.deepEqual(ways(asked(100, "D", firstHops), line), [["1 12", 100]]);
    assert.equal(ways(asked(0, "D", firstHops), line), "invalid-parameters");
  });

  test("does not begin with a channel to ourselves [invalid_first_hop_test]", () => {
    assert.equal(ways(asked(100, "D", [own(1, "A")]), line), "no-first-hop");
  });

  test("passes by minimums above the amount [htlc_minimum_test]", () => {
    const graph = roads({ id: 12, way: "B>D", min: 199_999_999 }, { id: 13, way: "C>D", base: 5 });
    assert.deepEqual(ways(asked(199_999_998, "D", firstHops), graph), [["2 13", 199_999_998]]);
    assert.deepEqual(ways(asked(199_999_999, "D", firstHops), graph), [["1 12", 199_999_999]]);
  });

  test("passes by what is disabled [disable_channels_test]", () => {
    const graph = roads({ id: 12, way: "B>D", disabled: true }, { id: 13, way: "C>D", base: 5 });
    assert.deepEqual(ways(asked(100, "D", firstHops), graph), [["2 13", 100]]);
    assert.equal(ways(asked(100, "D", [own(1, "B")]), graph), "no-route");
  });

  test("passes by nodes that need what we do not know [disable_node_test]", () => {
    const strange = {
      ...{ features: Features.none, unknownFeaturesRequired: true, lastUpdate: 0 },
      ...{ rgbColor: new Uint8Array(), alias: new Uint8Array(), addresses: [], message: new Uint8Array() },
    };
    const channels = [
      plainChannel(12n, [node("B"), node("D")], { from: plainTerms() }),
      plainChannel(13n, [node("C"), node("D")], { from: plainTerms({ feeBaseMsat: 5 }) }),
    ];
    const graph = new PlainGraph(channels, new Map([[node("B"), strange]]));
    assert.deepEqual(ways(asked(100, "D", firstHops), graph), [["2 13", 100]]);
    const all = new PlainGraph(
      channels,
      new Map([
        [node("B"), strange],
        [node("C"), strange],
      ]),
    );
    assert.equal(ways(asked(100, "D", firstHops), all), "no-route");
  });

  test("leaves by our channels as they are now, whatever the graph says of them [our_chans_test]", () => {
    const graph = roads(
      { id: 1, way: "A>B", max: 1 },
      { id: 5, way: "A>D" },
      { id: 12, way: "B>D", base: 9 },
    );
    assert.deepEqual(ways(asked(100, "D", [own(1, "B")]), graph), [["1 12", 100]]);
    assert.deepEqual(ways(asked(100, "B", [own(1, "B")]), graph), [["1", 100]]);
  });

  test("costs nothing for our own channel [ignore_fee_first_hop_test]", () => {
    const graph = roads({ id: 1, way: "A>B", base: 1_000_000 }, { id: 12, way: "B>D" });
    assert.deepEqual(feesAlong(found(asked(50, "D", [own(1, "B")], { maxFee: 0 }), graph)), [0, 50]);
  });

  test("is not the cheaper one when each hop is distrusted [prefers_shorter_route_with_higher_fees]", () => {
    const graph = roads(
      { id: 12, way: "B>D", base: 100 },
      { id: 13, way: "B>E" },
      { id: 14, way: "E>F" },
      { id: 15, way: "F>D" },
    );
    const wanted = asked(100, "D", [own(1, "B")]);
    assert.deepEqual(ways(wanted, graph), [["1 13 14 15", 100]]);
    assert.deepEqual(ways(wanted, graph, { scorer: penalties(49) }), [["1 13 14 15", 100]]);
    assert.deepEqual(ways(wanted, graph, { scorer: penalties(51) }), [["1 12", 100]]);
  });

  test("never takes what the scorer forbids [avoids_routing_through_bad_channels_and_nodes]", () => {
    const bad = { scorer: penalties(0, { 12: Number.POSITIVE_INFINITY }) };
    assert.deepEqual(ways(asked(100, "D", firstHops), line, bad), [["2 13", 100]]);
    const none = { scorer: penalties(Number.POSITIVE_INFINITY) };
    assert.equal(ways(asked(100, "D", firstHops), line, none), "no-route");
    assert.equal(ways(asked(100, "D", firstHops, { maxFee: 150 }), line, bad), "no-route");
    assert.deepEqual(ways(asked(100, "B", firstHops), line, none), [["1", 100]]);
  });

  test("costs what its hops keep in all [total_fees_single_path]", () => {
    const graph = roads({ id: 12, way: "B>C", base: 150 }, { id: 13, way: "C>D", base: 225 });
    assert.deepEqual(feesAlong(found(asked(225, "D", [own(1, "B")]), graph)), [150, 225, 225]);
  });

  test("keeps to the limit of expiries [limits_total_cltv_delta]", () => {
    const graph = roads({ id: 12, way: "B>C", delta: 40 }, { id: 13, way: "C>D", delta: 50 });
    const within = (maxTotalCltvExpiryDelta: number) =>
      ways(asked(100, "D", [own(1, "B")], { limits: { maxTotalCltvExpiryDelta } }), graph);
    assert.deepEqual(within(18 + 90), [["1 12 13", 100]]);
    assert.equal(within(18 + 89), "no-route");
    assert.equal(within(17), "invalid-parameters");
  });

  test("keeps to the limit of length, dearer if need be [limits_path_length]", () => {
    const graph = roads({ id: 12, way: "B>C" }, { id: 13, way: "C>D" }, { id: 14, way: "B>D", base: 70 });
    const within = (maxPathLength: number) =>
      ways(asked(100, "D", [own(1, "B")], { limits: { maxPathLength } }), graph);
    assert.deepEqual(within(3), [["1 12 13", 100]]);
    assert.deepEqual(within(2), [["1 14", 100]]);
    assert.equal(within(1), "no-route");
  });

  test("avoids channels that failed, one after the other [avoids_recently_failed_paths]", () => {
    const graph = roads(
      { id: 12, way: "B>D" },
      { id: 13, way: "C>D", base: 1 },
      { id: 14, way: "B>D", base: 2 },
    );
    const failed: number[] = [];
    const tried: string[] = [];
    for (;;) {
      const limits = { previouslyFailedChannels: failed.map(scid) };
      const route = ways(asked(100, "D", firstHops, { limits }), graph);
      if (typeof route === "string") break;
      const way = route[0]?.[0] ?? "";
      tried.push(way);
      failed.push(Number(way.split(" ").at(-1)));
    }
    assert.deepEqual(tried, ["1 12", "2 13", "1 14"]);
    const nodes = { previouslyFailedNodes: [node("B")] };
    assert.deepEqual(ways(asked(100, "D", firstHops, { limits: nodes }), graph), [["2 13", 100]]);
    assert.deepEqual(ways(asked(100, "B", firstHops, { limits: nodes }), graph), [["1", 100]]);
  });

  test("takes nothing from fees that add up beyond numbers [aggregated_prop_fee_overflow_fails_route]", () => {
    const ppm = 0xffff_ffff;
    const graph = roads(
      { id: 12, way: "B>C", ppm },
      { id: 13, way: "C>E", ppm },
      { id: 14, way: "E>D", ppm },
      { id: 15, way: "F>D", base: 7 },
    );
    const unlimited = { maxFee: Number.MAX_SAFE_INTEGER };
    assert.equal(ways(asked(10 ** 6, "D", [own(1, "B")], unlimited), graph), "no-route");
    const firstHops = [own(1, "B"), own(2, "F")];
    assert.deepEqual(ways(asked(10 ** 6, "D", firstHops, unlimited), graph), [["2 15", 10 ** 6]]);
  });
});

describe("amounts that channels can carry", () => {
  test("are what they say of an HTLC, what they hold, and what our own have left [available_amount_while_routing_test]", () => {
    const single = { limits: { maxPathCount: 1 } };
    const carries = (graph: PlainGraph, most: number, largest = 10 ** 10) => {
      assert.deepEqual(ways(asked(most, "D", [own(1, "B", largest)], single), graph), [["1 12 13", most]]);
      assert.equal(ways(asked(most + 1, "D", [own(1, "B", largest)], single), graph), "no-route");
    };
    const last = { id: 13, way: "C>D" };
    carries(roads({ id: 12, way: "B>C", max: 250_000 }, last), 250_000);
    carries(roads({ id: 12, way: "B>C", capacity: 15 }, last), 15_000);
    carries(roads({ id: 12, way: "B>C", capacity: 15, max: 12_000 }, last), 12_000);
    carries(roads({ id: 12, way: "B>C", capacity: 12, max: 15_000 }, last), 12_000);
    carries(roads({ id: 12, way: "B>C" }, last), 200_000, 200_000);
  });

  test("count for the last channel, too [available_liquidity_last_hop_test]", () => {
    const graph = roads({ id: 12, way: "B>C", max: 100_000 }, { id: 13, way: "C>D", max: 50_000 });
    assert.equal(ways(asked(60_000, "D", [own(1, "B")]), graph), "no-route");
    assert.deepEqual(ways(asked(49_000, "D", [own(1, "B")]), graph), [["1 12 13", 49_000]]);
    assert.deepEqual(ways(asked(50_000, "D", [own(1, "B")]), graph), [["1 12 13", 50_000]]);
  });

  test("with fees on top of them, to the last millisatoshi [exact_fee_liquidity_limit]", () => {
    const graph = roads(
      { id: 12, way: "B>C", max: 85_000 },
      { id: 13, way: "C>D", base: 1_000, ppm: 10_000 },
    );
    const most = 83_168;
    assert.equal(most + 1_000 + Math.floor(most / 100), 84_999);
    assert.deepEqual(ways(asked(most, "D", [own(1, "B")]), graph), [["1 12 13", most]]);
    assert.equal(ways(asked(most + 2, "D", [own(1, "B")]), graph), "no-route");
  });

  test("are raised to a minimum on the way, and the node behind it keeps the difference [htlc_minimum_overpay_test]", () => {
    const graph = roads({ id: 12, way: "B>C", min: 65_000 }, { id: 13, way: "C>D", base: 10 });
    const route = found(asked(60_000, "D", [own(1, "B")]), graph);
    assert.deepEqual(feesAlong(route), [0, 5_000, 60_000]);
    assert.equal(ways(asked(60_000, "D", [own(1, "B")], { maxFee: 4_999 }), graph), "no-route");
    assert.deepEqual(
      feesAlong(found(asked(60_000, "D", [own(1, "B", 10 ** 6, 70_000)]), graph)),
      [5_000, 5_000, 60_000],
    );
  });

  test("are not raised for the payee [htlc_minimum_recipient_overpay_test]", () => {
    const graph = roads({ id: 12, way: "B>D", min: 65_000 }, { id: 13, way: "C>D", base: 100 });
    const firstHops = [own(1, "B"), own(2, "C")];
    assert.deepEqual(ways(asked(60_000, "D", firstHops), graph), [["2 13", 60_000]]);
    assert.equal(ways(asked(60_000, "D", [own(1, "B")]), graph), "no-route");
  });

  test("are not raised above a maximum [min_htlc_overpay_violates_max_htlc, min_criteria_consistency]", () => {
    const graph = roads(
      { id: 12, way: "B>C", max: 60_500, delta: 1 },
      { id: 13, way: "C>E", min: 61_000 },
      { id: 14, way: "E>D" },
      { id: 15, way: "F>D", base: 3_000 },
    );
    assert.equal(ways(asked(60_000, "D", [own(1, "B")]), graph), "no-route");
    assert.deepEqual(ways(asked(60_000, "D", [own(1, "B"), own(2, "F")]), graph), [["2 15", 60_000]]);
    const inverted = roads({ id: 12, way: "B>D", min: 61_000, max: 60_000 });
    for (const amount of [1, 60_000, 60_500, 61_000, 62_000])
      assert.equal(ways(asked(amount, "D", [own(1, "B")]), inverted), "no-route");
  });

  test("of which a part falls below a minimum further on are not sent [htlc_max_reduction_below_min, candidate_path_min]", () => {
    const graph = roads(
      { id: 12, way: "B>C", max: 50_000 },
      { id: 13, way: "C>D", min: 60_000 },
      { id: 14, way: "E>D", max: 80_000, base: 5_000 },
    );
    const firstHops = [own(1, "B"), own(2, "E")];
    assert.deepEqual(ways(asked(70_000, "D", firstHops), graph), [["2 14", 70_000]]);
    assert.equal(ways(asked(90_000, "D", firstHops), graph), "no-route");
  });

  test("raised to a minimum cost what they cost [path_contribution_includes_min_htlc_overpay]", () => {
    const graph = roads(
      { id: 12, way: "B>C", min: 2_000 },
      { id: 13, way: "C>D" },
      { id: 14, way: "E>D", base: 500 },
    );
    assert.deepEqual(ways(asked(1_000, "D", [own(1, "B"), own(2, "E")]), graph), [["2 14", 1_000]]);
    assert.deepEqual(ways(asked(1_600, "D", [own(1, "B"), own(2, "E")]), graph), [["1 12 13", 1_600]]);
  });
});

describe("own channels", () => {
  const firstHops = [own(2, "D", 200_000), own(3, "D", 50_000), own(4, "D", 100_000), own(5, "D", 300_000)];
  const graph = roads({ id: 12, way: "B>D" });

  test("of several to a node the smallest that will do, or the largest ones [multiple_direct_first_hops]", () => {
    const one = (amount: number) => ways(asked(amount, "D", firstHops, { maxFee: 0 }), graph);
    assert.deepEqual(one(50_000), [["3", 50_000]]);
    assert.deepEqual(one(50_001), [["4", 50_001]]);
    assert.deepEqual(one(100_001), [["2", 100_001]]);
    assert.deepEqual(one(300_000), [["5", 300_000]]);
    assert.deepEqual(one(400_000), [
      ["4", 100_000],
      ["5", 300_000],
    ]);
    assert.deepEqual(one(450_000), [
      ["2", 150_000],
      ["5", 300_000],
    ]);
    assert.equal((one(650_000) as unknown[]).length, 4);
    assert.equal(one(650_001), "no-route");
  });

  test("are known better than a hint of them [first_hop_preferred_over_hint, our_chans_last_hop_connect_test]", () => {
    const payee = hinted("D", [hint("A", 7)], [hint("B", 8), hint("A", 7)], [hint("B", 2, 5)]);
    assert.deepEqual(ways(asked(60_000, payee, [own(2, "D", 200_000)]), graph), [["2", 60_000]]);
    assert.equal(ways(asked(200_001, payee, [own(2, "D", 200_000)]), graph), "no-route");
    const through = hinted("E", [hint("D", 20, 1)]);
    assert.deepEqual(ways(asked(60_000, through, firstHops), graph), [["4 20", 60_000]]);
  });

  test("may be where a hint begins [allow_us_being_first_hint]", () => {
    const payee = hinted("E", [hint("A", 2), hint("D", 20, 1)]);
    assert.deepEqual(ways(asked(60_000, payee, firstHops), graph), [["4 20", 60_000]]);
  });
});

describe("hints", () => {
  const graph = roads({ id: 12, way: "B>C", base: 10 }, { id: 13, way: "B>D", base: 20 });
  const firstHops = [own(1, "B")];

  test("lead on from the graph, or from our peer [multi_hint_last_hops_test, direct_channel_to_hints_with_max_htlc]", () => {
    const payee = hinted("P", [hint("C", 90, 5)], [hint("D", 91, 0)]);
    assert.deepEqual(ways(asked(100, payee, firstHops), graph), [["1 12 90", 100]]);
    assert.deepEqual(ways(asked(100, payee, [own(2, "D"), own(1, "B")]), graph), [["2 91", 100]]);
  });

  test("of several hops lead through nodes that nobody knows [private_multi_hint_last_hops_test, partial_route_hint_test]", () => {
    const payee = hinted("P", [hint("C", 90, 5), hint("X", 91, 6), hint("Y", 92, 7)]);
    const route = found(asked(100, payee, firstHops), graph);
    assert.deepEqual(feesAlong(route), [10, 5, 6, 7, 100]);
    assert.deepEqual(ways(asked(100, payee, [own(3, "Y")]), graph), [["3 92", 100]]);
  });

  test("that are empty are none [ignores_empty_last_hops_test]", () => {
    assert.deepEqual(ways(asked(100, hinted("P", [], [hint("C", 90)]), firstHops), graph), [
      ["1 12 90", 100],
    ]);
    assert.equal(ways(asked(100, hinted("P", []), firstHops), graph), "no-route");
  });

  test("of an announced channel mean that channel, by its own terms [last_hops_with_public_channel_test]", () => {
    const payee = hinted("D", [hint("B", 13, 0)]);
    assert.deepEqual(feesAlong(found(asked(100, payee, firstHops), graph)), [20, 100]);
    const silent = roads({ id: 13, way: "B>D", disabled: true });
    assert.deepEqual(feesAlong(found(asked(100, payee, firstHops), silent)), [0, 100]);
  });

  test("lead to a payee that is not announced [unannounced_path_test]", () => {
    const none = new PlainGraph([]);
    assert.deepEqual(ways(asked(100, hinted("P", [hint("B", 90, 1_000)]), firstHops), none), [["1 90", 100]]);
    assert.equal(
      ways(asked(100, hinted("P", [hint("B", 90, 1_000)]), [own(1, "B", 1_099)]), none),
      "no-route",
    );
  });

  test("with fees beyond all bounds are not followed [overflow_unannounced_path_test_*]", () => {
    const none = new PlainGraph([]);
    const max = 0xffff_ffff;
    for (const terms of [
      hint("B", 90, max),
      hint("B", 90, 0, max),
      hint("B", 90, max, max),
      hint("B", 90, 2 ** 40),
    ])
      assert.equal(ways(asked(10 ** 9, hinted("P", [terms]), firstHops), none), "no-route");
  });
});

describe("several parts", () => {
  // Three ways to D: through B, C and E.
  const three = (changes: Partial<Record<"b" | "c" | "e", Road>> = {}) =>
    roads(
      { id: 12, way: "B>D", max: 60_000, ...changes.b },
      { id: 13, way: "C>D", max: 50_000, base: 10, ...changes.c },
      { id: 14, way: "E>D", max: 180_000, base: 20, ...changes.e },
    );
  const firstHops = [own(1, "B"), own(2, "C"), own(3, "E")];

  test("bring what no channel does, and no more than all can [simple_mpp_route_test]", () => {
    assert.deepEqual(ways(asked(180_000, "D", firstHops), three()), [["3 14", 180_000]]);
    const most = ways(asked(290_000, "D", firstHops), three());
    assert.deepEqual(most, [
      ["2 13", 50_000],
      ["1 12", 60_000],
      ["3 14", 180_000],
    ]);
    assert.equal(ways(asked(290_001, "D", firstHops), three()), "no-route");
    assert.equal(
      ways(asked(181_000, "D", firstHops, { limits: { maxPathCount: 0 } }), three()),
      "invalid-parameters",
    );
    assert.equal(ways(asked(181_000, "D", firstHops, { limits: { maxPathCount: 1 } }), three()), "no-route");
    const { features: _, ...alone } = clear(node("D"));
    assert.equal(ways(asked(181_000, alone, firstHops), three()), "no-route");
  });

  test("that share a way share what it holds [mpp_tests]", () => {
    // Both B and C lead through E.
    const graph = roads(
      { id: 12, way: "B>E", max: 100_000 },
      { id: 13, way: "C>E", max: 100_000 },
      { id: 14, way: "E>D", capacity: 150 },
    );
    const hops = [own(1, "B"), own(2, "C")];
    assert.equal((ways(asked(150_000, "D", hops), graph) as unknown[]).length, 2);
    assert.equal(ways(asked(150_001, "D", hops), graph), "no-route");
  });

  test("take the cheaper ways, and all fees within one limit [fees_on_mpp_route_test]", () => {
    const graph = three({ b: { id: 12, way: "B>D", max: 100_000, base: 50_000 } });
    assert.deepEqual(ways(asked(200_000, "D", firstHops, { maxFee: 30 }), graph), [
      ["2 13", 20_000],
      ["3 14", 180_000],
    ]);
    assert.equal(ways(asked(200_000, "D", firstHops, { maxFee: 29 }), graph), "no-route");
    assert.equal(ways(asked(250_000, "D", firstHops, { maxFee: 50_029 }), graph), "no-route");
    assert.equal((ways(asked(250_000, "D", firstHops, { maxFee: 50_030 }), graph) as unknown[]).length, 3);
  });

  test("may end in different hints [mpp_with_last_hops]", () => {
    const graph = roads({ id: 12, way: "B>D", max: 60_000 }, { id: 13, way: "C>E", max: 70_000 });
    const payee = hinted("P", [hint("D", 90)], [hint("E", 91)]);
    assert.deepEqual(ways(asked(130_000, payee, firstHops.slice(0, 2)), graph), [
      ["1 12 90", 60_000],
      ["2 13 91", 70_000],
    ]);
    assert.equal(ways(asked(130_001, payee, firstHops.slice(0, 2)), graph), "no-route");
  });

  test("are not more than needed [drop_lowest_channel_mpp_route_test]", () => {
    const graph = three({ b: { id: 12, way: "B>D", max: 20_000 } });
    assert.deepEqual(ways(asked(225_000, "D", firstHops, { limits: { maxPathCount: 2 } }), graph), [
      ["2 13", 45_000],
      ["3 14", 180_000],
    ]);
  });

  test("cost what they cost together [total_fees_multi_path]", () => {
    const route = found(asked(230_000, "D", firstHops), three({ b: { id: 12, way: "B>D", max: 1 } }));
    assert.deepEqual(route.paths.map(({ hops }) => hops[0]?.fee).toSorted(), [10n, 20n]);
  });

  test("never fill a channel by more than a part, while there are others [avoids_saturating_channels]", () => {
    const graph = roads(
      { id: 12, way: "B>D", capacity: 100 },
      { id: 13, way: "C>D", capacity: 1_000, base: 1_000 },
    );
    const hops = [own(1, "B"), own(2, "C")];
    const filled = (maxChannelSaturationPowerOfHalf: number) =>
      ways(asked(75_000, "D", hops, { limits: { maxChannelSaturationPowerOfHalf } }), graph);
    assert.deepEqual(filled(0), [["1 12", 75_000]]);
    assert.deepEqual(filled(2), [["2 13", 75_000]]);
    const alone = { limits: { maxChannelSaturationPowerOfHalf: 2, maxPathCount: 1 } };
    assert.deepEqual(ways(asked(75_000, "D", [own(1, "B")], alone), graph), [["1 12", 75_000]]);
  });

  test("count what parts before them take, maximums included [previously_used_liquidity_violates_max_htlc]", () => {
    const graph = roads(
      { id: 12, way: "B>E", max: 60_000 },
      { id: 13, way: "C>E", max: 60_000 },
      { id: 14, way: "E>D", max: 100_000, base: 1 },
    );
    assert.equal(ways(asked(110_000, "D", [own(1, "B"), own(2, "C")]), graph), "no-route");
    assert.equal((ways(asked(100_000, "D", [own(1, "B"), own(2, "C")]), graph) as unknown[]).length, 2);
  });

  test("take what a way carries at most, worked out exactly [test_max_final_contribution]", () => {
    // Fees of the last two hops have to fit into the first one.
    const graph = roads(
      { id: 12, way: "B>C", max: 1_000_000 },
      { id: 13, way: "C>E", base: 1_000, ppm: 1_000 },
      { id: 14, way: "E>D", base: 2_000, ppm: 2_500 },
      { id: 15, way: "F>D", base: 90_000, max: 800_000 },
    );
    const [small, large] = ways(asked(1_500_000, "D", [own(1, "B"), own(2, "F")]), graph) as [
      string,
      number,
    ][];
    const carried = Math.max(small?.[1] ?? 0, large?.[1] ?? 0);
    const part = [small, large].find(([way] = ["", 0]) => way.startsWith("1"))?.[1] ?? 0;
    const needs = (value: number) => {
      const behind = value + 2_000 + Math.floor((value * 2_500) / 1e6);
      return behind + 1_000 + Math.floor((behind * 1_000) / 1e6);
    };
    assert.ok(needs(part) <= 1_000_000 && needs(part + 1) > 1_000_000, `${part} of ${carried}`);
  });

  test("go by what a millisatoshi costs, not by what a way costs [prefers_paths_by_cost_amt_ratio]", () => {
    const graph = roads(
      { id: 12, way: "B>D", max: 10_000, base: 400 },
      { id: 13, way: "C>D", max: 100_000, base: 1_000 },
      { id: 14, way: "E>D", max: 100_000, base: 1_010 },
    );
    assert.deepEqual(ways(asked(150_000, "D", firstHops), graph), [
      ["3 14", 50_000],
      ["2 13", 100_000],
    ]);
  });

  test("are as good as none when a way takes part of a payment only below its minimum", () => {
    const graph = roads(
      { id: 12, way: "B>D", max: 100_000 },
      { id: 13, way: "C>D", max: 100_000, min: 30_000 },
    );
    assert.deepEqual(ways(asked(110_000, "D", [own(1, "B"), own(2, "C")]), graph), [
      ["2 13", 30_000],
      ["1 12", 80_000],
    ]);
  });
});

describe("an announced payee", () => {
  test("says itself whether it takes several parts", () => {
    const { features: _, ...silent } = clear(node("D"));
    const features = Features.of({ basic_mpp: "optional" });
    const announcement = {
      ...{ features, unknownFeaturesRequired: false, lastUpdate: 0 },
      ...{ rgbColor: new Uint8Array(), alias: new Uint8Array(), addresses: [], message: new Uint8Array() },
    };
    const channels = [
      plainChannel(12n, [node("B"), node("D")], {
        from: plainTerms({ htlcMaximum: msat(60), cltvExpiryDelta: 0 }),
      }),
      plainChannel(13n, [node("C"), node("D")], {
        from: plainTerms({ htlcMaximum: msat(60), cltvExpiryDelta: 0 }),
      }),
    ];
    const wanted = asked(100, silent, [own(1, "B"), own(2, "C")]);
    assert.equal(findRoute(wanted, new PlainGraph(channels)).ok, false);
    assert.equal(
      found(wanted, new PlainGraph(channels, new Map([[node("D"), announcement]]))).paths.length,
      2,
    );
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRoute, type Path, type ScoreLookUp } from "@fulmen/lightning/routing";
import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit/network";
import { PlainGraph } from "../gossip/plainGraph.ts";
import { node } from "./routes.ts";
import { asked, hint, hinted, own, penalties, type Road, roads, ways } from "./situations.ts";

// Networks that are larger than what the search looks at around the payer.

interface Size {
  readonly nodes: number;
  readonly channels: number;
}

const small: Size = { nodes: 200, channels: 1_200 };
const large: Size = { nodes: 2_000, channels: 8_000 };
const amount = 1_000;
const leastPenalty = 20;
const alone = { maxFee: 10 ** 6, limits: { maxPathCount: 1 } };

/** Half of the channels are of a few nodes, as in the real one; a quarter cannot carry the amount. */
function drawNetwork(dice: Dice, { nodes, channels }: Size): PlainGraph {
  const draw = () => `n${dice.roll(dice.roll(2) === 0 ? nodes / 16 : nodes)}`;
  const terms = () => ({ base: dice.roll(300), max: dice.roll(4) === 0 ? amount / 2 : 100 * amount });
  const all: Road[] = [];
  while (all.length < channels) {
    const [from, to] = [draw(), draw()];
    if (from !== to) all.push({ id: 100 + all.length, way: `${from}>${to}`, ...terms(), back: terms() });
  }
  return roads(...all);
}

function penaltyOf(id: ShortChannelId, from: NodeId, to: NodeId): number {
  return leastPenalty + ((Number(id) * 37 + (from < to ? 0 : 11)) % 200);
}

/** Counts the edges that a search asks about. */
class CountingScorer implements ScoreLookUp {
  asked = 0;

  penaltiesFor: ScoreLookUp["penaltiesFor"] = (graph) => ({
    edgePenalty: (edge) => {
      this.asked++;
      const [from, to] = [edge, edge ^ 1].map((each) => graph.nodeIdOf(graph.edgeWords[each * 16 + 6] ?? 0));
      return penaltyOf(graph.shortChannelIdOf(edge >>> 1), from ?? node("?"), to ?? node("?"));
    },
    leastPenalty: () => leastPenalty,
  });
}

/**
 * Fees and penalties of the cheapest ways to `payee` from everywhere: all edges in turn, until nothing gets cheaper.
 */
function leastCosts(graph: PlainGraph, payee: NodeId): ReadonlyMap<NodeId, number> {
  const costs = new Map([[payee, 0]]);
  for (let isCheaper = true; isCheaper; ) {
    isCheaper = false;
    for (const { shortChannelId, nodeOne, nodeTwo, oneToTwo, twoToOne } of graph.channels()) {
      for (const [from, to, terms] of [
        [nodeOne, nodeTwo, oneToTwo],
        [nodeTwo, nodeOne, twoToOne],
      ] as const) {
        const rest = costs.get(to);
        if (rest === undefined || terms === undefined || terms.htlcMaximum < amount) continue;
        const cost = rest + terms.feeBaseMsat + penaltyOf(shortChannelId, from, to);
        if (cost >= (costs.get(from) ?? Number.POSITIVE_INFINITY)) continue;
        costs.set(from, cost);
        isCheaper = true;
      }
    }
  }
  return costs;
}

function costOf({ hops }: Path): number {
  return hops.slice(1).reduce((cost, { nodeId, shortChannelId }, i) => {
    const before = hops[i];
    return cost + Number(before?.fee) + penaltyOf(shortChannelId, before?.nodeId ?? nodeId, nodeId);
  }, 0);
}

describe("what is known of the payer's vicinity", () => {
  test("leads to a path as cheap as any", () => {
    let count = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const dice = new Dice(seed);
      const graph = drawNetwork(dice, small);
      const peers = Array.from({ length: 1 + dice.roll(3) }, () => `n${20 + dice.roll(80)}`);
      const payee = `n${100 + dice.roll(100)}`;
      const firstHops = peers.map((peer, i) => own(1 + i, peer));
      const scorer = new CountingScorer();
      const route = findRoute(asked(amount, payee, firstHops, alone), graph, { scorer });
      const costs = leastCosts(graph, node(payee));
      const best = Math.min(...peers.map((peer) => costs.get(node(peer)) ?? Number.POSITIVE_INFINITY));
      const [path] = route.ok ? route.value.paths : [];
      assert.equal(path === undefined ? Number.POSITIVE_INFINITY : costOf(path), best, `seed ${seed}`);
      if (path !== undefined) count++;
    }
    assert.ok(count > 8, `${count}`);
  });

  test("leaves most of a large network out", () => {
    const dice = new Dice(1);
    const graph = drawNetwork(dice, large);
    const scorer = new CountingScorer();
    let count = 0;
    for (let i = 0; i < 10; i++) {
      const [peer, payee] = [`n${1_000 + dice.roll(500)}`, `n${1_500 + dice.roll(500)}`];
      if (findRoute(asked(amount, payee, [own(1, peer)], alone), graph, { scorer }).ok) count++;
    }
    assert.ok(count > 6, `${count}`);
    assert.ok(scorer.asked < count * 0.08 * 2 * large.channels, `${scorer.asked}`);
  });

  test("tells at once that the payer cannot get away", () => {
    const dice = new Dice(2);
    const graph = drawNetwork(dice, small);
    const around = roads({ id: 1_001, way: "B>C", max: 500 }, { id: 1_002, way: "B>D", back: {} });
    const both = new PlainGraph([...graph.channels(), ...around.channels()]);
    const scorer = new CountingScorer();
    assert.equal(ways(asked(amount, "n3", [own(1, "B")], alone), both, { scorer }), "no-route");
    assert.equal(scorer.asked, 1);
  });

  test("lets channels near the payer be filled where there are no others", () => {
    const graph = roads({ id: 1, way: "B>C", capacity: 2 }, { id: 2, way: "C>D", capacity: 200 });
    const limits = { maxPathCount: 1, maxChannelSaturationPowerOfHalf: 2 };
    assert.deepEqual(ways(asked(1_500, "D", [own(9, "B")], { limits }), graph), [["9 1 2", 1_500]]);
  });

  test("ends where hints lead on", () => {
    const graph = roads({ id: 1, way: "B>C", base: 100 }, { id: 2, way: "C>D", base: 100 });
    const wanted = asked(1_000, hinted("D", [hint("B", 3, 7)]), [own(9, "B")]);
    assert.deepEqual(ways(wanted, graph, { scorer: penalties(10) }), [["9 3", 1_000]]);
    const further = asked(1_000, hinted("E", [hint("C", 4, 7), hint("F", 5)]), [own(9, "B")]);
    assert.deepEqual(ways(further, graph, { scorer: penalties(10) }), [["9 1 4 5", 1_000]]);
  });

  test("passes no node that must not be passed", () => {
    const graph = roads(
      { id: 1, way: "B>C" },
      { id: 2, way: "C>D" },
      { id: 3, way: "B>E", base: 9 },
      { id: 4, way: "E>D" },
    );
    const limits = { previouslyFailedNodes: [node("C")] };
    assert.deepEqual(ways(asked(1_000, "D", [own(9, "B")], { limits }), graph), [["9 3 4", 1_000]]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networkMap } from "#src/model/mapLayout";
import type { Channel, Graph, Payment } from "#src/model/types";

const channel = (peer: string) => ({ peer, phase: "open" }) as Channel;
const graphOf = (...pairs: readonly (readonly [string, string])[]): Graph => ({
  nodes: [{ nodeId: "carol", alias: "Carol's", distance: 2 }],
  channels: pairs.map(([one, other]) => ({ shortChannelId: "1x1x1", nodes: [one, other] })),
});
const attempt = (succeeded: boolean, ...path: string[]) => ({
  at: 1,
  succeeded,
  path: path.map((nodeId) => ({ nodeId, shortChannelId: "1x1x1" })),
});
const sent = (...attempts: ReturnType<typeof attempt>[]) =>
  ({ direction: "sent", attempts }) as Partial<Payment> as Payment;

describe("the map of the network", () => {
  const channels = [channel("bob"), channel("eve")];
  const graph = graphOf(["us", "bob"], ["bob", "carol"], ["eve", "carol"], ["bob", "dave"]);

  it("puts us in the middle, others by their distance, and marks the last payment's way", () => {
    const payments = [sent(attempt(true, "bob", "carol")), sent(attempt(true, "eve"))];
    const { nodes, edges, routes, hasArrived } = networkMap({ own: "us", graph, channels, payments });
    assert.deepEqual([routes, hasArrived], [[["us", "bob", "carol"]], true]);
    assert.deepEqual(
      nodes.map(({ id, ring, isOnRoute }) => [id, ring, isOnRoute]),
      [
        ["us", 0, true],
        ["bob", 1, true],
        ["eve", 1, false],
        ["carol", 2, true],
        ["dave", 2, false],
      ],
    );
    assert.equal(nodes.find(({ id }) => id === "carol")?.alias, "Carol's");
    const marked = edges.filter(({ isRoute }) => isRoute).map(({ from, to }) => `${from} ${to}`);
    assert.deepEqual(marked, ["us bob", "bob carol"]);
    assert.equal(edges.length, 5);
    const [, bob, eve] = nodes;
    const across = (bob?.x ?? 0) * (eve?.x ?? 0) + (bob?.y ?? 0) * (eve?.y ?? 0);
    assert.ok(
      Math.abs(across + 0.125) < 1e-9,
      "a third of a circle lies between two, so that no line runs through us",
    );
    for (const { x, y, ring } of nodes) assert.ok(Math.abs(Math.hypot(x, y) - ring / 2) < 1e-9);
  });

  it("draws all parts of a payment that arrived, and of one that failed the last try", () => {
    const both = sent(attempt(false, "dave"), attempt(true, "bob", "carol"), attempt(true, "eve", "carol"));
    assert.equal(networkMap({ own: "us", graph, channels, payments: [both] }).routes.length, 2);
    const failed = sent(attempt(false, "eve", "carol"), attempt(false, "bob", "carol"));
    const { routes, hasArrived } = networkMap({ own: "us", graph, channels, payments: [failed] });
    assert.deepEqual([routes, hasArrived], [[["us", "eve", "carol"]], false]);
  });

  it("draws no more nodes than can be seen, and no two of them in one place", () => {
    const many = Array.from({ length: 5000 }, (_, index) => channel(`peer-${index}`));
    const payments = [sent(attempt(true, "far", "farther"))];
    const { nodes, edges } = networkMap({ own: "us", graph: graphOf(), channels: many, payments });
    assert.equal(nodes.length, 200);
    assert.equal(edges.length, 199);
    assert.ok(
      nodes.some(({ id }) => id === "farther"),
      "the last payment's way is drawn, whatever is left out",
    );
    assert.equal(new Set(nodes.map(({ x, y }) => `${x.toFixed(4)} ${y.toFixed(4)}`)).size, 200);
  });
});

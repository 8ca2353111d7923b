import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networkMap } from "#src/model/mapLayout";
import type { Channel, Payment } from "#src/model/types";

const channel = (peer: string) => ({ peer, phase: "open" }) as Channel;
const sent = (...path: string[]) =>
  ({
    direction: "sent",
    attempts: [{ at: 1, succeeded: true, path: path.map((nodeId) => ({ nodeId, shortChannelId: "1x1x1" })) }],
  }) as Partial<Payment> as Payment;

describe("the map of the network", () => {
  it("puts us in the middle, others by their distance, and marks the last payment's way", () => {
    const { nodes, edges, route } = networkMap(
      "us",
      [channel("bob"), channel("eve")],
      [sent("bob", "carol"), sent("eve")],
    );
    assert.deepEqual(route, ["us", "bob", "carol"]);
    assert.deepEqual(
      nodes.map(({ id, ring }) => [id, ring]),
      [
        ["us", 0],
        ["bob", 1],
        ["eve", 1],
        ["carol", 2],
      ],
    );
    const marked = edges.filter(({ isRoute }) => isRoute).map(({ from, to }) => `${from} ${to}`);
    assert.deepEqual(marked, ["us bob", "bob carol"]);
    for (const { x, y, ring } of nodes) assert.ok(Math.abs(Math.hypot(x, y) - ring / 2) < 1e-9);
  });

  it("draws no more nodes than can be seen", () => {
    const channels = Array.from({ length: 5000 }, (_, index) => channel(`peer-${index}`));
    const { nodes, edges } = networkMap("us", channels, []);
    assert.equal(nodes.length, 200);
    assert.equal(edges.length, 199);
  });
});

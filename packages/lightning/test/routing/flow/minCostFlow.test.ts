import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { minCostFlow } from "#src/routing/flow/minCostFlow";
import { ResidualNetwork } from "#src/routing/flow/residualNetwork";

interface Arc {
  readonly source: number;
  readonly target: number;
  readonly capacity: number;
  readonly cost: number;
}

interface Solved {
  readonly flow: number;
  readonly cost: number;
  readonly flows: readonly number[];
}

function solve(nodes: number, arcs: readonly Arc[], amount: number): Solved {
  const network = new ResidualNetwork(nodes);
  const numbers = arcs.map(({ source, target, capacity, cost }) =>
    network.addArc(source, target, capacity, cost),
  );
  network.seal();
  const flow = minCostFlow(network, { source: 0, sink: nodes - 1, amount });
  const flows = numbers.map((arc) => network.flowOf(arc));
  return { flow, flows, cost: flows.reduce((sum, units, i) => sum + units * (arcs[i]?.cost ?? 0), 0) };
}

/** The least cost of every amount, by trying whatever each arc may carry. */
function optima(nodes: number, arcs: readonly Arc[]): ReadonlyMap<number, number> {
  const best = new Map<number, number>();
  const balance = new Array<number>(nodes).fill(0);
  const tryFrom = (index: number, cost: number): void => {
    const arc = arcs[index];
    if (arc === undefined) {
      if (balance.slice(1, -1).some((units) => units !== 0)) return;
      const amount = balance.at(-1) ?? 0;
      if (amount >= 0 && cost < (best.get(amount) ?? Number.POSITIVE_INFINITY)) best.set(amount, cost);
      return;
    }
    for (let units = 0; units <= arc.capacity; units++) {
      balance[arc.source] = (balance[arc.source] ?? 0) - units;
      balance[arc.target] = (balance[arc.target] ?? 0) + units;
      tryFrom(index + 1, cost + units * arc.cost);
      balance[arc.source] = (balance[arc.source] ?? 0) + units;
      balance[arc.target] = (balance[arc.target] ?? 0) - units;
    }
  };
  tryFrom(0, 0);
  return best;
}

describe("minCostFlow", () => {
  it("takes back what went the cheapest way, when that makes all cheaper", () => {
    // The cheapest path of the first unit, 0-1-2-3, is in the way of the second.
    const arcs: readonly Arc[] = [
      { source: 0, target: 1, capacity: 1, cost: 1 },
      { source: 0, target: 2, capacity: 1, cost: 4 },
      { source: 1, target: 2, capacity: 1, cost: 1 },
      { source: 1, target: 3, capacity: 1, cost: 4 },
      { source: 2, target: 3, capacity: 1, cost: 1 },
    ];
    assert.deepEqual(solve(4, arcs, 1), { flow: 1, cost: 3, flows: [1, 0, 1, 0, 1] });
    assert.deepEqual(solve(4, arcs, 2), { flow: 2, cost: 10, flows: [1, 1, 0, 1, 1] });
    assert.deepEqual(solve(4, arcs, 3), { flow: 2, cost: 10, flows: [1, 1, 0, 1, 1] });
  });

  it("finds the least cost of every amount in small networks", () => {
    const nodes = 4;
    const arc = fc.record({
      source: fc.integer({ min: 0, max: nodes - 1 }),
      target: fc.integer({ min: 0, max: nodes - 1 }),
      capacity: fc.integer({ min: 0, max: 3 }),
      cost: fc.integer({ min: 0, max: 9 }),
    });
    let split = 0;
    fc.assert(
      fc.property(fc.array(arc, { minLength: 3, maxLength: 7 }), (all) => {
        const arcs = all.filter(({ source, target }) => source !== target);
        const best = optima(nodes, arcs);
        const most = Math.max(...best.keys());
        for (const [amount, cost] of best) {
          const solved = solve(nodes, arcs, amount);
          assert.deepEqual([solved.flow, solved.cost], [amount, cost]);
        }
        assert.equal(solve(nodes, arcs, most + 1).flow, most);
        if (most > 2) split++;
      }),
      { seed: 9, numRuns: 300 },
    );
    assert.ok(split > 10, `${split} networks that needed several paths`);
  });

  it("keeps what flows in balance, with costs that are no whole numbers", () => {
    const arc = fc.record({
      source: fc.nat(29),
      target: fc.nat(29),
      capacity: fc.nat(1000),
      cost: fc.double({ min: 0, max: 1e9, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(arc, { minLength: 50, maxLength: 150 }), fc.nat(5000), (all, amount) => {
        const arcs = all.filter(({ source, target }) => source !== target);
        const { flow, flows } = solve(30, arcs, amount);
        const balance = new Array<number>(30).fill(0);
        for (const [i, { source, target, capacity }] of arcs.entries()) {
          const units = flows[i] ?? 0;
          assert.ok(units >= 0 && units <= capacity);
          balance[source] = (balance[source] ?? 0) - units;
          balance[target] = (balance[target] ?? 0) + units;
        }
        assert.deepEqual(balance.slice(1, -1), new Array(28).fill(0));
        assert.equal(balance[29], flow);
      }),
      { seed: 10, numRuns: 100 },
    );
  });
});

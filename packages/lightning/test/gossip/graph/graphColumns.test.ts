import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Adjacency } from "#src/gossip/graph/adjacency";
import { Blocks, sizeClassFor, sizeOfClass } from "#src/gossip/graph/blocks";
import { HashIndex, hashOfWords } from "#src/gossip/graph/hashIndex";
import { SortedSlots } from "#src/gossip/graph/sortedSlots";

describe("HashIndex", () => {
  test("finds what was added and not removed, also where hashes meet", () => {
    const step = fc.record({ adds: fc.boolean(), key: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(7), (steps, spread) => {
        // At most eight hashes: searches go through others' entries.
        const hashOf = (key: number) => Math.imul(key & spread, 0x1fff_ffff) >>> 0;
        const index = new HashIndex(hashOf);
        const model = new Set<number>();
        for (const { adds, key } of steps) {
          if (adds && !model.has(key)) index.add(hashOf(key), key);
          if (!adds && model.has(key)) index.remove(key);
          if (adds) model.add(key);
          else model.delete(key);
          for (let other = 0; other <= 40; other++) {
            const found = index.find(hashOf(other), (place) => place === other);
            assert.equal(found, model.has(other) ? other : undefined);
          }
        }
      }),
      { seed: 71, numRuns: 60 },
    );
  });

  test("keys that meet under one seed part under another", () => {
    const meeting: number[] = [];
    for (let low = 0; meeting.length < 20; low++)
      if ((hashOfWords(1, 7, low) & 0xff) === 0) meeting.push(low);
    const others = new Set(meeting.map((low) => hashOfWords(2, 7, low) & 0xff));
    assert.ok(others.size > 10, `${others.size} of 20`);
  });
});

describe("SortedSlots", () => {
  test("does as a sorted set does, whatever comes in which order", () => {
    const step = fc.record({ adds: fc.boolean(), slot: fc.nat(30), asks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        // Slots are not in the order of what they stand for.
        const idOf = (slot: number) => (slot * 17) % 31;
        const slots = new SortedSlots((a, b) => idOf(a) - idOf(b));
        const model = new Set<number>();
        for (const { adds, slot, asks } of steps) {
          if (adds && !model.has(slot)) slots.add(slot);
          if (!adds && model.has(slot)) slots.remove(slot);
          if (adds) model.add(slot);
          else model.delete(slot);
          if (!asks) continue;
          const expected = [...model].toSorted((a, b) => idOf(a) - idOf(b));
          assert.deepEqual([...slots.all()], expected);
          for (let from = 0; from <= 31; from++) {
            const found = slots.firstFrom((candidate) => idOf(candidate) - from);
            assert.equal(
              found,
              expected.find((candidate) => idOf(candidate) >= from),
            );
          }
        }
      }),
      { seed: 72, numRuns: 100 },
    );
  });
});

describe("Blocks", () => {
  test("have the smallest size that fits, at most a fourth above what is needed", () => {
    for (let length = 1; length <= 5000; length++) {
      const sizeClass = sizeClassFor(length);
      const size = sizeOfClass(sizeClass);
      assert.ok(size >= length && size * 4 <= Math.max(length * 5, 32), `${size} for ${length}`);
      assert.ok(sizeClass === 0 || sizeOfClass(sizeClass - 1) < length);
    }
  });

  test("do not overlap, and are used again", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 80 }), (lengths) => {
        const blocks = new Blocks();
        const taken: { start: number; sizeClass: number }[] = [];
        for (const length of lengths) {
          const last = taken.at(-1);
          if (length === 0 && last !== undefined) {
            blocks.giveBack(last.start, last.sizeClass);
            const again = blocks.take(last.sizeClass);
            assert.equal(again, last.start);
            continue;
          }
          const sizeClass = sizeClassFor(length + 1);
          taken.push({ start: blocks.take(sizeClass), sizeClass });
        }
        const sorted = taken.toSorted((a, b) => a.start - b.start);
        let end = 0;
        for (const { start, sizeClass } of sorted) {
          assert.ok(start >= end);
          end = start + sizeOfClass(sizeClass);
        }
        assert.ok(end <= blocks.end);
      }),
      { seed: 73, numRuns: 100 },
    );
  });
});

describe("Adjacency", () => {
  test("keeps each node's edges apart from all others', however blocks move", () => {
    const action = fc.constantFrom("add", "remove", "enable", "disable");
    const step = fc.record({ action, node: fc.nat(4), edge: fc.nat(25) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const adjacency = new Adjacency();
        const model = Array.from({ length: 5 }, () => new Map<number, boolean>());
        for (const { action, node, edge } of steps) {
          const edges = model[node] ?? new Map();
          const isUsable = action === "enable" || (action === "add" && edge % 2 === 0);
          if (action === "add") {
            if (edges.has(edge)) continue;
            adjacency.add(node, edge, { source: edge + 7, isUsable });
            edges.set(edge, isUsable);
          } else if (edges.has(edge)) {
            if (action === "remove") {
              adjacency.remove(node, edge);
              edges.delete(edge);
            } else {
              adjacency.setUsable(node, edge, isUsable);
              edges.set(edge, isUsable);
            }
          }
        }
        for (const [node, edges] of model.entries()) {
          const start = adjacency.starts[node] ?? 0;
          const found = [...adjacency.edgesInto(node)];
          const usable = found.slice(0, adjacency.usableCounts[node] ?? 0);
          const ascending = (a: number, b: number) => a - b;
          assert.deepEqual(found.toSorted(ascending), [...edges.keys()].toSorted(ascending));
          assert.deepEqual(
            usable.toSorted(ascending),
            [...edges.keys()].filter((edge) => edges.get(edge)).toSorted(ascending),
          );
          for (const [place, edge] of found.entries()) {
            assert.equal(adjacency.sources[start + place], edge + 7);
          }
        }
      }),
      { seed: 74, numRuns: 100 },
    );
  });
});

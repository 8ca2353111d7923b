import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shrinkList } from "#src/model/shrink";

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe("shrinking a list", () => {
  it("leaves what it needs to fail, in order", () => {
    const needed = [3, 57, 58, 99];
    const fails = (items: readonly number[]): boolean => needed.every((one) => items.includes(one));
    assert.deepEqual(shrinkList(upTo(100), fails), needed);
  });

  it("leaves nothing when nothing is needed", () => {
    assert.deepEqual(
      shrinkList(upTo(33), () => true),
      [],
    );
  });

  it("leaves all when each one is needed", () => {
    assert.deepEqual(
      shrinkList(upTo(9), (items) => items.length === 9),
      upTo(9),
    );
  });

  it("leaves a list of which no single item can be left out", () => {
    const fails = (items: readonly number[]): boolean => items.length >= 5 && items.length % 2 === 1;
    const left = shrinkList(upTo(31), fails);
    assert.ok(fails(left));
    for (const index of left.keys()) assert.ok(!fails(left.toSpliced(index, 1)));
  });

  it("ends when it is told to, with what it has", () => {
    let asked = 0;
    const left = shrinkList(
      upTo(1_000),
      () => true,
      () => ++asked > 2,
    );
    assert.ok(left.length > 0 && left.length < 1_000);
  });
});

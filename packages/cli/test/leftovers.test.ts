import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Leftovers } from "#src/daemon/leftovers";

describe("what a daemon leaves behind", () => {
  it("is collected soon after the start and then every half hour, when nothing happens", () => {
    const time = { now: 0, active: 0 };
    const collected: (readonly [number, string])[] = [];
    const leftovers = new Leftovers({
      collect: (how) => void collected.push([time.now / 1_000, how]),
      now: () => time.now,
      active: () => time.active,
    });
    const second = (active: number): void => {
      time.now += 1_000;
      time.active += active;
      leftovers.look();
    };
    for (let i = 0; i < 10; i++) second(900);
    assert.deepEqual(collected, []);
    second(100);
    assert.deepEqual(collected, [[11, "last-resort"]]);
    for (let i = 0; i < 3_600; i++) second(i < 1_900 ? 1 : 300);
    assert.deepEqual(collected, [
      [11, "last-resort"],
      [1_811, "regular"],
    ]);
    second(0);
    assert.deepEqual(collected, [
      [11, "last-resort"],
      [1_811, "regular"],
      [3_612, "regular"],
    ]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { steadySeconds } from "#src/start/steadySeconds";

const start = 1_700_000_000;
const month = 30 * 24 * 3_600;

/** A machine with its clocks, in seconds. */
function machine(least = 0) {
  let [wall, rising] = [start, 50];
  const seconds = steadySeconds({
    wall: () => wall * 1_000,
    rising: () => rising * 1_000,
    least: () => least * 1_000,
  });
  return {
    seconds,
    set(change: number): void {
      wall += change;
    },
    /** What it says when so many seconds have passed, in which it was asked now and then. */
    pass(time: number): number {
      for (let passed = 0; passed < time; passed += 10) {
        wall += 10;
        rising += 10;
        seconds();
      }
      return seconds();
    },
  };
}

describe("a node's time", () => {
  it("passes as the machine's clock does", () => {
    const { seconds, pass } = machine();
    assert.equal(seconds(), start);
    assert.equal(pass(600), start + 600);
  });

  for (const leap of [month, -month]) {
    it(`knows nothing of a clock that was ${leap} s off for a moment`, () => {
      const { set, pass, seconds } = machine();
      assert.equal(pass(600), start + 600);
      set(leap);
      assert.equal(pass(50), start + 650);
      set(-leap);
      assert.equal(seconds(), start + 650);
      assert.equal(pass(600), start + 1_250);
    });

    it(`follows a clock that is set by ${leap} s, and back again`, () => {
      const { set, pass } = machine();
      set(leap);
      assert.equal(pass(120), start + leap + 120);
      set(-leap);
      assert.equal(pass(120), start + 240);
    });
  }

  it("never goes back for a clock that is a little ahead", () => {
    const { set, pass, seconds } = machine();
    set(30);
    assert.equal(seconds(), start + 30);
    set(-30);
    assert.equal(seconds(), start + 30);
    assert.equal(pass(30), start + 45);
    assert.equal(pass(30), start + 60);
    assert.equal(pass(30), start + 90);
  });

  it("is never long before the newest block", () => {
    const { pass } = machine(start + month);
    assert.ok(pass(120) >= start + month);
  });
});

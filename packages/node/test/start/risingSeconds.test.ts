import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { risingSeconds } from "#src/start/risingSeconds";

describe("a node's time", () => {
  it("goes on after the machine's clock was a year ahead for a moment, and meets it again", () => {
    const [start, year] = [1_700_000_000, 365 * 24 * 3_600];
    let [wall, rising] = [start, 50];
    const seconds = risingSeconds(
      () => wall * 1_000,
      () => rising * 1_000,
    );
    const pass = (time: number): number => {
      wall += time;
      rising += time;
      return seconds();
    };
    assert.equal(seconds(), start);
    assert.equal(pass(600), start + 600);
    wall += year;
    assert.equal(seconds(), start + 600 + year);
    wall -= year;
    assert.equal(seconds(), start + 600 + year);
    assert.equal(pass(600), start + 600 + year + 300);
    // As over a suspended machine, whose other clock stood still.
    wall += 3_600;
    assert.equal(pass(2 * year - 600 - 3_600), start + 2 * year + 600);
    assert.equal(pass(10), start + 2 * year + 610);
  });
});

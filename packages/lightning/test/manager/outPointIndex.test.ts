import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutPointIndex } from "#src/manager/outPointIndex";
import type { OutPoint, Txid } from "#src/util/ids";

const at = (number: number, index: number): OutPoint => {
  // Several transactions share each prefix.
  const prefix = (number % 7).toString(16).padStart(5, "f");
  return { txid: `${prefix}${number.toString(16).padStart(59, "0")}` as Txid, index };
};

describe("an index by outpoint", () => {
  it("finds what was added, and nothing else", () => {
    const index = new OutPointIndex<number>();
    for (let n = 0; n < 100; n++) index.set(at(n, n % 3), n);
    for (let n = 0; n < 100; n++) {
      assert.equal(index.get(at(n, n % 3)), n);
      assert.equal(index.get(at(n, 3)), undefined);
      assert.equal(index.get(at(n + 100, n % 3)), undefined);
      assert.equal(index.get({ txid: `a9c4e${"0".repeat(59)}` as Txid, index: 0 }), undefined);
    }
    for (let n = 0; n < 100; n += 2) index.delete(at(n, n % 3));
    for (let n = 0; n < 100; n++) assert.equal(index.get(at(n, n % 3)), n % 2 === 1 ? n : undefined);
  });
});

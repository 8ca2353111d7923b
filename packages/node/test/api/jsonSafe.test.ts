import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "@fulmen/lightning/util";
import { jsonSafe } from "@fulmen/node";

describe("jsonSafe", () => {
  it("keeps amounts that JSON's numbers would round", () => {
    const view = { amount: msat(2n ** 63n + 1n), parts: [{ bytes: Uint8Array.of(1, 255) }], height: 7 };
    assert.deepEqual(jsonSafe(view), {
      amount: "9223372036854775809",
      parts: [{ bytes: "01ff" }],
      height: 7,
    });
  });

  it("leaves out what is not there", () => {
    assert.deepEqual(jsonSafe({ at: undefined, text: "x", none: null }), { text: "x", none: null });
  });
});

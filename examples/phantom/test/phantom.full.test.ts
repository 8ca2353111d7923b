// timeout: 240 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { run } from "../example.ts";

before(() => {
  installNodeCrypto();
});

describe("the example of a phantom", () => {
  it("is paid by whichever node lives, and loses nothing when one dies", { timeout: 200_000 }, async () => {
    const lines: string[] = [];
    const { phantomId, takenBy, balances, processes } = await run((line) => lines.push(line));
    const [first, second, third] = takenBy;
    assert.equal(takenBy.length, 3);
    assert.notEqual(first, second);
    assert.equal(second, third);
    assert.equal(balances[first ?? ""], 50_000_000n);
    assert.equal(balances[second ?? ""], 100_000_000n);
    assert.equal(new Set(processes).size, 5);
    assert.match(phantomId, /^0[23][0-9a-f]{64}$/);
    assert.ok(lines.some((line) => line.includes("is killed")));
  });
});

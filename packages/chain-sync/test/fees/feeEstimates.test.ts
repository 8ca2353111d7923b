import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FeeEstimates, type FeerateTable } from "@fulmen/chain-sync";
import type { ConfirmationTarget } from "@fulmen/lightning/chain";
import { feeratePerKw } from "@fulmen/lightning/util";

const targets: readonly ConfirmationTarget[] = [
  "maximum-fee-estimate",
  "urgent-on-chain-sweep",
  "min-allowed-anchor-channel-remote-fee",
  "min-allowed-non-anchor-channel-remote-fee",
  "anchor-channel-fee",
  "non-anchor-channel-fee",
  "channel-close-minimum",
  "output-spending-fee",
];

function table(feerates: Readonly<Record<number, number>>, minimum = 250): FeerateTable {
  const targets = Object.entries(feerates).map(([blocks, feerate]) => ({
    blocks: Number(blocks),
    feerate: feeratePerKw(feerate),
  }));
  return { targets, minimum: feeratePerKw(minimum) };
}

/** The same for every target. */
function flat(feerate: number): FeerateTable {
  return table({ 1: feerate });
}

describe("fee estimates", () => {
  it("have defaults until somebody says something, and for hours after that", () => {
    for (const network of ["mainnet", "testnet", "testnet4", "signet", "regtest"] as const) {
      const estimates = new FeeEstimates({ network });
      for (const target of targets) {
        assert.ok(estimates.feerate(target) >= 253n && estimates.feerate(target) <= 8_000n, target);
      }
      assert.ok(estimates.feerate("maximum-fee-estimate") > estimates.feerate("urgent-on-chain-sweep"));
      assert.equal(estimates.feerate("min-allowed-anchor-channel-remote-fee"), 253n);
      assert.ok(estimates.forBlocks(2) > estimates.forBlocks(100));
    }
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", flat(3_000), 1_000);
    estimates.passTime(1_000 + 6 * 3_600);
    assert.equal(estimates.feerate("output-spending-fee"), 3_000n);
    estimates.passTime(1_001 + 6 * 3_600);
    assert.equal(estimates.feerate("output-spending-fee"), 1_000n);
  });

  it("are those of the source for each target", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", table({ 1: 9_000, 2: 8_000, 10: 4_000, 144: 1_500, 1008: 1_000 }), 0);
    estimates.passTime(600);
    const expected: readonly bigint[] = [9_000n, 8_000n, 253n, 750n, 1_000n, 4_000n, 1_500n, 4_000n];
    assert.deepEqual(
      targets.map((target) => estimates.feerate(target)),
      expected,
    );
    assert.deepEqual(
      [0, 1, 5, 6, 500, 5_000].map((blocks) => estimates.forBlocks(blocks)),
      [9_000n, 9_000n, 8_000n, 8_000n, 1_500n, 1_000n],
    );
  });

  it("are clamped, never below what the mempool takes, and never dearer for those who wait", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", table({ 1: 0, 2: 10 ** 15, 6: 500, 144: 700 }, 600), 0);
    assert.equal(estimates.forBlocks(1), 250_000n);
    assert.equal(estimates.forBlocks(2), 250_000n);
    assert.equal(estimates.forBlocks(6), 700n);
    assert.equal(estimates.forBlocks(144), 700n);
    const full = new FeeEstimates({ network: "mainnet" });
    full.update("a", table({ 1: 500 }, 900), 0);
    assert.equal(full.forBlocks(1), 900n);
    const signet = new FeeEstimates({ network: "signet" });
    signet.update("a", flat(10 ** 15), 0);
    assert.equal(signet.forBlocks(1), 25_000n);
    const low = new FeeEstimates({ network: "mainnet" });
    low.update("a", table({ 1: 1 }, 0), 0);
    assert.equal(low.forBlocks(1), 253n);
    low.update("b", table({}), 0);
    assert.equal(low.forBlocks(1), 253n, "a table without targets");
  });

  it("take no more from those who can wait than is dear, whatever a single source says", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", table({ 1: 10 ** 9 }, 10 ** 9), 0);
    const most = [1, 5, 6, 12, 1_008].map((blocks) => estimates.forBlocks(blocks));
    assert.deepEqual(most, [250_000n, 250_000n, 50_000n, 50_000n, 50_000n]);
    assert.equal(estimates.feerate("urgent-on-chain-sweep"), 250_000n, "what is at stake pays what it must");
    assert.equal(estimates.feerate("output-spending-fee"), 50_000n);
    const thrifty = new FeeEstimates({ network: "mainnet", unhurriedMost: feeratePerKw(5_000) });
    thrifty.update("a", flat(20_000), 0);
    assert.deepEqual([thrifty.forBlocks(2), thrifty.forBlocks(6)], [20_000n, 5_000n]);
  });

  it("are the median of several sources, of two the geometric mean", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", flat(1_000), 0);
    estimates.update("b", flat(4_000), 600);
    assert.equal(estimates.forBlocks(6), 2_000n);
    estimates.update("c", flat(250_000), 6_000);
    assert.equal(estimates.forBlocks(6), 4_000n);
    estimates.update("a", flat(3_900), 60_000);
    assert.equal(estimates.forBlocks(6), 3_900n, "the others are too old");
  });

  it("begin with what several say within ten seconds, and not with what the first one says", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("liar", flat(200_000), 0);
    estimates.update("a", flat(1_000), 0);
    estimates.update("b", flat(1_200), 10);
    assert.equal(estimates.forBlocks(6), 1_200n);
    estimates.update("c", flat(200_000), 21);
    assert.ok(estimates.forBlocks(6) < 1_300n, "later ones move it slowly");
  });

  it("move by four times up and by half down in ten minutes", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    estimates.update("a", flat(1_000), 0);
    estimates.update("a", flat(200_000), 0);
    assert.equal(estimates.forBlocks(6), 1_000n);
    estimates.update("a", flat(200_000), 300);
    assert.equal(estimates.forBlocks(6), 2_000n);
    estimates.update("a", flat(200_000), 600);
    assert.equal(estimates.forBlocks(6), 4_000n);
    estimates.update("a", flat(300), 1_200);
    assert.equal(estimates.forBlocks(6), 2_000n);
    estimates.update("a", flat(300), 900);
    assert.equal(estimates.forBlocks(6), 2_000n, "a clock that goes back");
    estimates.update("a", flat(300), 4_800);
    assert.equal(estimates.forBlocks(6), 300n);
  });

  it("ask little of peers, whatever a source says", () => {
    const bound = "min-allowed-non-anchor-channel-remote-fee";
    const estimates = new FeeEstimates({ network: "mainnet" });
    const asked = [0, 600, 1_200, 1_800].map((now) => {
      estimates.update("a", flat(250_000), now);
      return estimates.feerate(bound);
    });
    assert.deepEqual(asked, [253n, 1_012n, 4_048n, 5_000n]);
    assert.equal(estimates.feerate("min-allowed-anchor-channel-remote-fee"), 253n);
    estimates.update("b", flat(800), 1_800);
    assert.equal(estimates.feerate(bound), 550n, "the least of all");
    estimates.update("c", flat(300), 1_800);
    assert.equal(estimates.feerate(bound), 253n);
  });

  it("remember no more than a few sources", () => {
    const estimates = new FeeEstimates({ network: "mainnet" });
    for (let n = 0; n < 100; n++) estimates.update(`source ${n}`, flat(n < 84 ? 100_000 : 500), n * 60);
    estimates.passTime(20_000);
    assert.equal(estimates.forBlocks(6), 500n);
  });
});

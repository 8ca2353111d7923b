import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NodeError, type NodeOptions } from "@fulmen/node";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { checkOptions } from "#src/config/index";

const good: NodeOptions = {
  network: "regtest",
  seed: new Uint8Array(32),
  storage: "memory",
  chain: new SimulatedChainSource(new SimulatedChain()),
};

function refusal(changes: object): string {
  try {
    checkOptions({ ...good, ...changes });
  } catch (error) {
    if (error instanceof NodeError) return `${error.message}: ${error.remedy}`;
    throw error;
  }
  return "";
}

describe("options", () => {
  it("what is right is taken", () =>
    assert.equal(refusal({ alias: "é".repeat(16), listen: { port: 0 } }), ""));

  it("a name that is misspelt gets a suggestion", () => {
    assert.equal(refusal({ storrage: 1 }), "there is no option storrage: did you mean storage?");
    assert.equal(refusal({ somethingElse: 1 }), "there is no option somethingElse: leave it out");
    assert.match(refusal({ network: "manet" }), /did you mean mainnet\?$/);
  });

  it("values out of range are named", () => {
    for (const changes of [
      { alias: "é".repeat(17) },
      { birthday: -1 },
      { birthday: 1.5 },
      { maxFeerate: 0 },
      { maxFeerate: 1.5 },
      { crossNodeSeed: new Uint8Array(31) },
      { listen: { port: 65_536 } },
      { storage: undefined },
      { chain: undefined },
    ]) {
      assert.notEqual(refusal(changes), "", JSON.stringify(changes));
    }
  });

  it("mainnet takes no store in memory and no options for development", () => {
    assert.match(refusal({ network: "mainnet" }), /use \{ sqlite: path \}/);
    assert.match(
      refusal({ network: "mainnet", storage: { sqlite: "x" }, development: {} }),
      /not for real money/,
    );
  });
});

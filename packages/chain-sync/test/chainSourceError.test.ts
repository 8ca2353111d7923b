import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";

describe("chain source errors", () => {
  it("say whether trying again may help", () => {
    const cause = new Error("ECONNREFUSED");
    const error = new ChainSourceError("unreachable", "nobody answers", "start bitcoind", cause);
    assert.equal(error.isTransient, true);
    assert.equal(error.cause, cause);
    const wrong = new ChainSourceError("wrong-network", "it is on testnet4", "connect to one on signet");
    assert.equal(wrong.isTransient, false);
    assert.equal("cause" in wrong, false);
  });
});

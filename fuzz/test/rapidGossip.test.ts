import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rapidGossipCampaign } from "#src/rapidGossip";

describe("changed snapshots of rapid gossip", () => {
  it("are taken in whole or not at all", () => {
    const said: string[] = [];
    assert(
      rapidGossipCampaign({ seconds: 60, seed: 1, runs: 60, say: (line) => said.push(line) }),
      said.join("\n"),
    );
    const taken = Number(/^60 snapshots, (\d+) of them taken in/.exec(said.join())?.[1]);
    assert(taken > 0 && taken < 60, said.join());
  });
});

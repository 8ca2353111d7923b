import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat, sat } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit";

/** A channel that was closed: in agreement, or by its opener alone. */
function closed(how: "agreed" | "forced") {
  const network = new TestNetwork();
  const [a, b] = [network.addNode(), network.addNode()];
  network.connect(a, b);
  const terms = { funding: sat(500_000n), push: msat(200_000_000n), format: "static-remotekey" } as const;
  const channelId = network.openChannel(a, b, terms);
  if (how === "agreed") a.manager.closeChannel(channelId);
  else a.manager.forceCloseBroadcastingLatestTxn(channelId, "for the test");
  network.settle();
  let asked = 0;
  for (const node of [a, b]) {
    const { destinationScript } = node.keys;
    node.keys.destinationScript = (id) => {
      asked++;
      return destinationScript.call(node.keys, id);
    };
  }
  const broadcasts = (): number => a.broadcasts.filter(({ type }) => type !== "sweep").length;
  /** How often, for one block, a monitor looks at its channel, and something is broadcast. */
  const costOfBlock = (): readonly [number, number] => {
    const before = [asked, broadcasts()] as const;
    network.mine();
    return [asked - before[0], broadcasts() - before[1]];
  };
  return { network, a, b, channelId, costOfBlock };
}

describe("a channel of which nothing is left", () => {
  it("costs nothing with each block, and comes back when a reorganisation reaches its end", () => {
    for (const how of ["agreed", "forced"] as const) {
      const { network, a, channelId, costOfBlock } = closed(how);
      assert.ok(costOfBlock()[0] > 0);
      network.mine(how === "agreed" ? 5 : 150);
      assert.deepEqual(costOfBlock(), [0, 0], how);
      assert.notEqual(a.chainMonitor.monitor(channelId)?.chain.fundingSpend, undefined);
      if (how === "forced") continue;
      const before = a.broadcasts.length;
      const depth = network.chain.confirmations(
        a.chainMonitor.monitor(channelId)?.chain.fundingSpend?.txid ?? assert.fail("it is not closed"),
      );
      network.chain.reorg(depth, { transactions: [] });
      for (const node of network.nodes) node.syncChain();
      network.settle();
      assert.equal(a.chainMonitor.monitor(channelId)?.chain.fundingSpend, undefined);
      assert.ok(a.broadcasts.length > before, "nobody broadcasts the closing transaction again");
      network.mine(8);
      assert.deepEqual(costOfBlock()[0], 0);
    }
  });
});

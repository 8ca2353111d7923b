import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installCrypto } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "@fulmen/crypto-node";
import {
  drawPayments,
  generateGraph,
  SimulatedNetwork,
  Simulation,
  summarize,
} from "@fulmen/testkit/routing";
import type * as ldk from "lightningdevkit";
import { ldkGraphBytes } from "#src/ldk/graphBytes";
import { loadLdkGraph, silentLogger } from "#src/ldk/loadGraph";
import { loadLdk } from "#src/ldk/loadLdk";
import { ldkRouteChooser } from "#src/ldk/routeChooser";
import { simulatedNow } from "#src/simulation/run";

describe("LDK's side of the simulation", () => {
  let logger: ldk.Logger;
  let graph: ldk.NetworkGraph;

  before(async () => {
    installCrypto(nodeProvider());
    await loadLdk();
    logger = silentLogger();
    graph = loadLdkGraph(dump(), simulatedNow, logger);
  });

  function dump() {
    return generateGraph({ seed: 5, nodes: 300, channels: 1200 });
  }

  it("knows the same channels and terms", () => {
    const { nodes, channels } = dump();
    const known = graph.read_only();
    assert.equal(known.list_nodes().length, nodes.length);
    assert.equal(known.list_channels().length, channels.length);
    for (const { shortChannelId, capacity, oneToTwo, twoToOne } of channels.slice(0, 100)) {
      const channel = known.channel(shortChannelId);
      assert.equal((channel.get_capacity_sats() as ldk.Option_u64Z_Some).some, BigInt(capacity));
      for (const [policy, terms] of [
        [oneToTwo, channel.get_one_to_two()],
        [twoToOne, channel.get_two_to_one()],
      ] as const) {
        if (policy === undefined) continue;
        assert.equal(terms.get_htlc_minimum_msat(), BigInt(policy.htlcMinimum));
        assert.equal(terms.get_htlc_maximum_msat(), BigInt(policy.htlcMaximum));
        assert.equal(terms.get_cltv_expiry_delta(), policy.cltvExpiryDelta);
        assert.equal(terms.get_fees().get_base_msat(), policy.feeBase);
        assert.equal(terms.get_fees().get_proportional_millionths(), policy.feeProportionalMillionths);
      }
    }
    known.free();
    // LDK writes in an order of its own.
    assert.equal(graph.write().length, ldkGraphBytes(dump(), simulatedNow).length);
  });

  it("makes payments, in parts where one way is not enough, and fails for want of balance only", () => {
    const network = new SimulatedNetwork(dump(), { seed: 6 });
    const chooser = ldkRouteChooser(graph, dump(), logger);
    const simulation = new Simulation({ network, chooser, now: simulatedNow, seed: 7 });
    const payments = drawPayments(dump(), network.balances, { seed: 8, count: 60 });
    const outcomes = payments.map((payment) => simulation.pay(payment));
    const { paidShare, failures } = summarize(outcomes);
    const { temporary_channel_failure: wanting, ...others } = failures;
    assert.ok(paidShare > 0.5, `${paidShare} were paid`);
    assert.ok(wanting > 0);
    assert.deepEqual(Object.values(others), [0, 0, 0, 0]);
    assert.ok(outcomes.some(({ parts }) => parts > 1));
  });
});

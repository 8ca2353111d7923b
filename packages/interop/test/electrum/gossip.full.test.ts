// needs: electrum
// timeout: 300 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelUpdateInfo } from "@fulmen/lightning/gossip";
import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";
import { ElectrumPeer, type ElectrumPolicy } from "#src/index";
import { startLine } from "../line.ts";
import { offeringChannelType, unpackingQueries } from "./electrumDialect.ts";
import { openChannel } from "./electrumPair.ts";

installNodeCrypto();

test("Electrum gets the graph from us, and finds its ways in it", {
  timeout: 150_000,
}, async (t) => {
  const line = await startLine(t, {
    middle: "alice",
    announce: true,
    format: "anchors-zero-fee-htlc",
    us: { tap: offeringChannelType, tapGossip: unpackingQueries },
  });
  const { us, alice, bob, chain } = line;
  for (const [ldk, alias] of [
    [alice, "alice"],
    [bob, "bob"],
  ] as const) {
    await ldk.cmd("announce", { alias });
    await us.until("its name", () => us.graph.node(ldk.nodeId as NodeId)?.announcement);
  }
  const electrum = await ElectrumPeer.start({ chain });
  t.after(() => electrum.stop());
  const ourPort = await us.listen();
  await electrum.command("add_peer", {
    connection_string: `${us.nodeId}@127.0.0.1:${ourPort}`,
    gossip: true,
  });
  const graph = await electrum.until("graph", async () => {
    const { nodes, channels } = await electrum.graph();
    const policies = channels.flatMap(({ policy1, policy2 }) => [policy1, policy2]);
    return nodes.length === 2 && policies.length === 4 && !policies.includes(null) && { nodes, channels };
  });
  assert.deepEqual(graph.nodes.map(({ alias }) => alias).sort(), ["alice", "bob"]);
  for (const { short_channel_id, node1_id, node2_id, policy1, policy2 } of graph.channels) {
    const channel = us.graph.channel(BigInt(`0x${short_channel_id}`) as ShortChannelId);
    assert.ok(channel);
    assert.deepEqual([channel.nodeOne, channel.nodeTwo], [node1_id, node2_id]);
    assert.deepEqual([policy1, policy2].map(feesOf), [channel.oneToTwo, channel.twoToOne].map(ourFeesOf));
  }

  await us.connect(electrum.port, electrum.nodeId);
  await openChannel({ us, electrum, chain, ourPort }, "us");
  const { invoice, paymentHash } = await bob.cmd("invoice", { amountMsat: 20_000_000n });
  assert.ok(await electrum.pay(invoice), "over us and alice");
  await bob.waitFor("payment-claimed", (event) => event.paymentHash === paymentHash);
  const hinted = await electrum.invoice(30_000n);
  await bob.cmd("pay", { invoice: hinted.invoice });
  const sent = await bob.waitFor("payment-sent", (event) => event.paymentHash === hinted.paymentHash);
  // Alice asks for 2,000 msat and a ten-thousandth of what she forwards, we for 1,000 msat.
  assert.equal(sent.feeMsat, 2_000n + 3_000n + 1_000n);
  await us.until("both forwards", () => forwarded().length === 2);
  assert.deepEqual(forwarded(), [1_000n, 1_000n]);
  assert.deepEqual(electrum.takeRefused(), []);

  function forwarded(): readonly unknown[] {
    return us.events.flatMap((event) => (event.kind === "payment-forwarded" ? [event.totalFeeEarned] : []));
  }
});

function feesOf(policy: ElectrumPolicy | null): unknown {
  assert.ok(policy);
  return [policy.fee_base_msat, policy.fee_proportional_millionths, policy.cltv_expiry_delta];
}

function ourFeesOf(policy: ChannelUpdateInfo | undefined): unknown {
  assert.ok(policy);
  return [policy.feeBaseMsat, policy.feeProportionalMillionths, policy.cltvExpiryDelta];
}

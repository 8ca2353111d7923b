import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseInvoice } from "#src/invoice/index";
import type { Signature } from "#src/util/bytes";
import type { ChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import type { ChannelUpdate } from "#src/wire/index";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const asked = { feeBase: 1_000n, feeProportionalMillionths: 0, cltvExpiryDelta: 72 };

/** The route hints of a new invoice, without the names of channels. */
function hintsOf(node: ManagerNode): readonly unknown[] {
  const { invoice } = node.manager.createBolt11Invoice({ amount: msat(1_000_000n), description: "" });
  const parsed = parseInvoice(invoice);
  assert.ok(parsed.ok);
  return parsed.value.routeHints.map((hint) => hint.map(({ shortChannelId: _, ...hop }) => hop));
}

function opened(): { net: ManagerNet; alice: ManagerNode; bob: ManagerNode; channelId: ChannelId } {
  const net = new ManagerNet();
  const [alice, bob] = [net.add(), net.add()];
  net.connect(alice, bob);
  const channelId = net.open(alice, bob, {});
  return { net, alice, bob, channelId };
}

describe("a route hint", () => {
  it("has what the peer asks for, and the name that the peer knows", () => {
    const { alice, bob, channelId } = opened();
    assert.deepEqual(hintsOf(bob), [[{ nodeId: alice.nodeId, ...asked }]]);
    const { invoice } = bob.manager.createBolt11Invoice({ amount: msat(1_000_000n), description: "" });
    const parsed = parseInvoice(invoice);
    const name = present(bob.manager.core.channels.funded(channelId), "a channel").remoteAlias;
    assert.equal(parsed.ok && parsed.value.routeHints[0]?.[0]?.shortChannelId, name);
  });

  it("follows the peer's newest update", () => {
    const { net, alice, bob, channelId } = opened();
    const { config } = present(alice.manager.core.channels.funded(channelId), "a channel").identity;
    alice.manager.updateChannelConfig(channelId, {
      ...config,
      forwardingFeeBase: msat(5n),
      forwardingFeeProportionalMillionths: 77,
      cltvExpiryDelta: 90,
    });
    net.settle();
    const newer = { feeBase: 5n, feeProportionalMillionths: 77, cltvExpiryDelta: 90 };
    assert.deepEqual(hintsOf(bob), [[{ nodeId: alice.nodeId, ...newer }]]);
  });

  it("is not made before the peer has said what it asks for", () => {
    const { net, alice, bob } = opened();
    net.disconnect(alice, bob);
    bob.restart();
    net.connect(alice, bob);
    net.settle((_, { type }) => type === "channel_update");
    assert.equal(bob.manager.listUsableChannels().length, 1);
    assert.deepEqual(hintsOf(bob), []);
    net.settle();
    assert.deepEqual(hintsOf(bob), [[{ nodeId: alice.nodeId, ...asked }]]);
  });

  it("is left out while the peer passes nothing on", () => {
    const { alice, bob, channelId } = opened();
    const theirs = alice.nodeId < bob.nodeId ? 0b10 : 0b11;
    bob.receive(alice.nodeId, updateOf(bob, channelId, theirs));
    assert.deepEqual(hintsOf(bob), []);
  });

  it("does not believe what somebody else says of the channel, nor an echo of what we say", () => {
    const { net, alice, bob, channelId } = opened();
    const mallory = net.add();
    net.connect(mallory, bob);
    for (const flags of [0, 1]) bob.receive(mallory.nodeId, updateOf(bob, channelId, flags));
    const ours = bob.nodeId < alice.nodeId ? 0 : 1;
    bob.receive(alice.nodeId, updateOf(bob, channelId, ours));
    assert.deepEqual(hintsOf(bob), [[{ nodeId: alice.nodeId, ...asked }]]);
  });
});

/** An update of the channel that is newer than all others and asks for a fee of 9. */
function updateOf(node: ManagerNode, channelId: ChannelId, channelFlags: number): ChannelUpdate {
  const channel = present(node.manager.core.channels.funded(channelId), "a channel");
  return {
    type: "channel_update",
    signature: new Uint8Array(64) as Signature,
    chainHash: node.manager.core.environment.network.genesisHash,
    shortChannelId: channel.identity.localAlias,
    timestamp: 4_000_000_000,
    messageFlags: 0b11,
    channelFlags,
    cltvExpiryDelta: 9,
    htlcMinimumMsat: msat(1n),
    feeBaseMsat: msat(9n),
    feeProportionalMillionths: 9,
    htlcMaximumMsat: msat(1_000_000_000n),
    unknownFields: new Uint8Array(0),
  };
}

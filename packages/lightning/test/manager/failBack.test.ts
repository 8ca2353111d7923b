import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { htlcKey } from "#src/commitment/htlc";
import type { Txid } from "#src/util/ids";
import { msat, sat } from "#src/util/units";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const preimage = new Uint8Array(32).fill(7);

/** Alice's payment to Carol waits on Bob's and Carol's channel, which is on the chain, and nobody settles it there. */
function stuckDownstream(claim: boolean) {
  const net = new ManagerNet();
  const [alice, bob, carol] = [net.add(), net.add(), net.add()];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const first = net.open(alice, bob);
  const second = net.open(bob, carol, { funding: sat(1_000_000) });
  const path = [
    { to: bob, by: alice, channelId: first },
    { to: carol, by: bob, channelId: second },
  ];
  net.pay(alice, msat(50_000_000), path, { preimage });
  net.settle();
  const upstream = expiryOf(bob, first);
  net.disconnect(bob, carol);
  bob.manager.forceCloseBroadcastingLatestTxn(second, "the peer is gone");
  net.settle();
  const commitment = bob.broadcasts.at(-1) ?? assert.fail("nothing was broadcast");
  if (claim) net.mine(1, [commitment]);
  net.settle();
  const mineTo = (height: number): void => {
    net.mine(height - net.height);
    net.settle();
  };
  return { alice, bob, carol, first, second, upstream, mineTo };
}

function expiryOf(node: ManagerNode, channelId: Parameters<ManagerNode["manager"]["closeChannel"]>[0]) {
  const channel = node.manager.core.channels.funded(channelId) ?? assert.fail("no channel");
  const [htlc] = channel.commitments.htlcs;
  assert.equal(htlc && htlcKey(htlc), "i0");
  return htlc?.cltvExpiry ?? assert.fail("no HTLC");
}

describe("an HTLC whose end downstream the chain withholds", () => {
  it("is failed upstream three blocks before it expires there, and the user is told", () => {
    const { alice, bob, first, upstream, mineTo } = stuckDownstream(true);
    mineTo(upstream - 4);
    assert.equal(alice.eventsOf("payment-failed").length, 0);
    mineTo(upstream - 3);
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    assert.deepEqual(
      bob.eventsOf("htlc-handling-failed").map(({ prevChannelIds }) => prevChannelIds),
      [[first]],
    );
    mineTo(upstream + 10);
    assert.equal(bob.eventsOf("htlc-handling-failed").length, 1);
    assert.equal(alice.manager.listUsableChannels().length, 1);
  });

  it("is not failed while the commitment downstream is not on the chain", () => {
    const { alice, upstream, mineTo } = stuckDownstream(false);
    mineTo(upstream - 1);
    assert.equal(alice.eventsOf("payment-failed").length, 0);
  });
});

describe("a preimage in a transaction that no block has yet", () => {
  it("is used upstream at once, and once only", () => {
    const { alice, bob, first, mineTo } = stuckDownstream(true);
    const claim = (item: Uint8Array) => ({
      version: 2,
      inputs: [
        {
          outPoint: { txid: "77".repeat(32) as Txid, index: 0 },
          scriptSig: new Uint8Array(0),
          sequence: 0,
          witness: [new Uint8Array(72), item, new Uint8Array(133)],
        },
      ],
      outputs: [],
      locktime: 0,
    });
    bob.manager.transactionSeen(claim(new Uint8Array(32).fill(8)));
    mineTo(bob.manager.bestBlock.height + 1);
    assert.equal(alice.eventsOf("payment-sent").length, 0);
    for (let i = 0; i < 2; i++) {
      bob.manager.transactionSeen(claim(preimage));
      mineTo(bob.manager.bestBlock.height + 1);
    }
    assert.equal(alice.eventsOf("payment-sent").length, 1);
    const forwarded = bob.eventsOf("payment-forwarded");
    assert.deepEqual(
      forwarded.map(({ prevHtlcs, claimFromOnchainTx }) => [prevHtlcs[0]?.channelId, claimFromOnchainTx]),
      [[first, true]],
    );
  });
});

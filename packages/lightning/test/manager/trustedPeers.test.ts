import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultUserConfig } from "#src/channel/config";
import type { Route } from "#src/routing/route";
import type { ChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat, sat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode, type OfferOptions } from "./managers.ts";

const preimage = preimageOf(77);

/** A channel whose funding is in no block. */
function unconfirmed(net: ManagerNet, a: ManagerNode, b: ManagerNode, options: OfferOptions) {
  const { temporary, transaction } = net.offer(a, b, options);
  a.manager.fundingTransactionGenerated(temporary, transaction);
  net.settle();
  const { channelId } = present(
    a.manager.listChannels().find(({ counterparty }) => counterparty === b.nodeId),
    "the channel",
  );
  return { channelId, transaction };
}

function balances(node: ManagerNode, channelId: ChannelId): readonly bigint[] {
  const details = present(
    node.manager.listChannels().find((one) => one.channelId === channelId),
    "the channel",
  );
  return [details.localBalance, details.remoteBalance];
}

describe("a channel without confirmations", () => {
  it("carries forwards by its alias from the start, over a restart, and by both names once it confirms", () => {
    const net = new ManagerNet();
    const [alice, bob, carol] = [net.add(), net.add(), net.add()];
    net.connect(alice, bob);
    net.connect(bob, carol);
    const ab = net.open(alice, bob);
    const { channelId: bc, transaction } = unconfirmed(net, bob, carol, { trust: { zeroConf: true } });
    const details = () =>
      present(
        bob.manager.listChannels().find((one) => one.channelId === bc),
        "it",
      );
    assert.ok(details().isUsable);
    assert.equal(details().shortChannelId, undefined);
    const { localAlias } = present(bob.manager.core.channels.funded(bc), "it").identity;
    const pay = (number: number, name = localAlias) => {
      const changed = ({ paths }: Route): Route => ({
        paths: paths.map((path) => ({
          ...path,
          hops: path.hops.map((hop, i) => (i === 1 ? { ...hop, shortChannelId: name } : hop)),
        })),
      });
      // The path is laid over a channel that has a name already: only its second step is what is tried here.
      const path = [
        { to: bob, by: alice, channelId: ab },
        { to: carol, by: alice, channelId: ab },
      ];
      net.pay(alice, msat(5_000_000n), path, { preimage: preimageOf(number), changed });
      net.settle();
      assert.ok(carol.manager.claimFunds(preimageOf(number)), `payment ${number}`);
      net.settle();
    };
    pay(1);
    net.disconnect(alice, bob);
    net.disconnect(bob, carol);
    bob.restart();
    net.connect(alice, bob);
    net.connect(bob, carol);
    net.settle();
    pay(2);
    net.mine(1, [transaction]);
    net.settle();
    pay(3);
    pay(4, present(details().shortChannelId, "its real name"));
    assert.deepEqual(balances(carol, bc)[0], 20_000_000n);
    assert.equal(alice.eventsOf("payment-sent").length, 4);
  });

  it("is nothing that a peer gets without asking, or that is taken when the user does not say so", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    unconfirmed(net, alice, bob, {});
    assert.equal(alice.manager.listUsableChannels().length + bob.manager.listUsableChannels().length, 0);
  });
});

describe("a channel without reserve", () => {
  it("can be emptied to either side, by those who trust each other", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const options = { funding: sat(200_000), zeroReserve: true, trust: { zeroReserve: true } };
    const { channelId, transaction } = unconfirmed(net, alice, bob, options);
    net.mine(1, [transaction]);
    net.settle();
    const { params } = present(alice.manager.core.channels.funded(channelId), "it").commitments;
    assert.deepEqual([params.local.channelReserve, params.remote.channelReserve], [0n, 0n]);
    const limit = (node: ManagerNode) =>
      present(node.manager.listChannels()[0], "the channel").nextOutboundHtlcLimit;
    // Alice, who opened, keeps what the commitment costs, and not a satoshi of reserve.
    const first = limit(alice);
    assert.ok(first > 195_000_000n, `${first}`);
    net.pay(alice, first, [{ to: bob, by: alice, channelId }], { preimage });
    net.settle();
    assert.ok(bob.manager.claimFunds(preimage));
    net.settle();
    const second = limit(bob);
    assert.equal(second, first, "all that Bob has");
    net.pay(bob, second, [{ to: alice, by: bob, channelId }], { preimage: preimageOf(78) });
    net.settle();
    assert.ok(alice.manager.claimFunds(preimageOf(78)));
    net.settle();
    assert.deepEqual(balances(alice, channelId), [200_000_000n, 0n]);
    for (const node of [alice, bob]) assert.ok(node.manager.listUsableChannels()[0]);
    bob.manager.forceCloseBroadcastingLatestTxn(channelId, "it is empty");
    net.settle();
    assert.equal(present(bob.broadcasts.at(-1), "a commitment").outputs.length, 2, "Alice's, and her anchor");
  });

  it("does not come in the old format, nor by itself", () => {
    const net = new ManagerNet();
    const old = {
      ...defaultUserConfig,
      channelHandshakeConfig: {
        ...defaultUserConfig.channelHandshakeConfig,
        negotiateAnchorsZeroFeeHtlcTx: false,
      },
    };
    const [alice, bob] = [net.add(old), net.add(old)];
    net.connect(alice, bob);
    const request = { counterparty: bob.nodeId, funding: sat(200_000) };
    assert.throws(
      () => alice.manager.createChannel({ ...request, zeroReserve: true }),
      /none of the formats/,
    );
    const temporary = alice.manager.createChannel(request);
    net.settle();
    assert.throws(
      () => bob.manager.acceptInboundChannel(temporary, { zeroReserve: true }),
      /cannot do without the peer's reserve/,
    );
    bob.manager.acceptInboundChannel(temporary);
    net.settle();
    assert.equal(alice.eventsOf("funding-generation-ready").length, 1);
  });
});

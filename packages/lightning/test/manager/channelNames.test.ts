import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { present } from "#src/util/invariant";
import { ManagerNet } from "./managers.ts";

describe("a channel's names", () => {
  it("lead to it before and after its confirmation, after a restart, and nowhere once it is archived", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const { temporary, transaction } = net.offer(alice, bob);
    alice.manager.fundingTransactionGenerated(temporary, transaction);
    net.settle();
    const [unconfirmed] = bob.manager.listChannels();
    const { channelId } = present(unconfirmed, "the channel");
    const named = (name: Parameters<typeof bob.manager.core.channels.named>[0]) =>
      bob.manager.core.channels.named(name);
    const alias = present(bob.manager.core.channels.funded(channelId), "it").identity.localAlias;
    assert.equal(named(alias), channelId);
    net.mine(1, [transaction]);
    net.settle();
    const real = present(bob.manager.listChannels()[0]?.shortChannelId, "a short channel id");
    assert.equal(named(real), channelId);
    bob.restart();
    assert.deepEqual([named(real), named(alias)], [channelId, channelId]);
    bob.manager.core.archive(channelId, []);
    assert.deepEqual([named(real), named(alias)], [undefined, undefined]);
  });

  it("change with the block that has the funding", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const channelId = net.open(alice, bob);
    const real = present(bob.manager.listChannels()[0]?.shortChannelId, "a short channel id");
    bob.manager.transactionUnconfirmed(present(bob.manager.listChannels()[0], "it").funding.txid);
    assert.equal(bob.manager.core.channels.named(real), undefined);
    const alias = present(bob.manager.core.channels.funded(channelId), "it").identity.localAlias;
    assert.equal(bob.manager.core.channels.named(alias), channelId);
  });
});

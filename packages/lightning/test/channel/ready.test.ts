import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import { defaultUserConfig } from "#src/channel/config";
import { nextDeadline } from "#src/channel/ops/chain";
import { noBytes } from "#src/util/bytes";
import type { ShortChannelId, Txid } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { sat } from "#src/util/units";
import {
  blockHash,
  bytes32,
  complaintIn,
  formats,
  fundingTransactionOf,
  openPairs,
  Pair,
  refusalIn,
  startHeight,
} from "./pair.ts";

for (const format of formats) {
  describe(`channel_ready, ${format}`, () => {
    test("sent at the depth asked for, not before; normal when both are there", () => {
      const pair = new Pair({ format }).openUnconfirmed();
      const { alice, bob } = pair;
      pair.confirmFunding();
      pair.mine(4);
      assert.equal(alice.outbox.length + bob.outbox.length, 0);
      pair.mine(1);
      assert.deepEqual(
        [...alice.outbox, ...bob.outbox].map(({ type }) => type),
        ["channel_ready", "channel_ready"],
      );
      pair.deliver(alice);
      assert.equal(bob.state.kind, "normal");
      assert.equal(alice.state.kind, "wait-for-channel-ready");
      pair.deliver(bob);
      for (const side of [alice, bob]) {
        assert.equal(side.state.kind, "normal");
        assert.equal(side.events("channel-ready")[0]?.channelType, format);
        assert.ok(side.actionsOf("usability-changed").length > 0);
      }
      assert.equal(bob.channel.remoteAlias, 0xa11cen);
      pair.add(alice, 1_000_000n);
      pair.exchange();
    });

    test("zero-conf: ready at once, confirmed later", () => {
      const pair = new Pair({ format, zeroConf: true }).openUnconfirmed();
      pair.exchange();
      const { alice, bob } = pair;
      assert.equal(alice.state.kind, "normal");
      assert.equal(bob.state.kind, "normal");
      pair.add(alice, 1_000_000n);
      pair.exchange();
      pair.confirmFunding();
      pair.feed(alice, { kind: "funding-unconfirmed" });
      assert.equal(alice.state.kind, "normal", "it was trusted without confirmations from the start");
    });
  });
}

const openPair = openPairs();

describe("wait-for-channel-ready", () => {
  test("recv funding-confirmed -- another amount", () => {
    const pair = new Pair().openUnconfirmed();
    // The id alone says nothing: Bob watches an id that Alice chose, and this one pays too little.
    const { bob } = pair;
    const funding = present(bob.channel.commitments.fundings[0], "a funding");
    const transaction = present(pair.fundingTransaction, "a transaction");
    const outputs = transaction.outputs.map((output) => ({ ...output, value: sat(output.value - 1n) }));
    const fake = { ...transaction, outputs };
    relabel(pair, fake);
    const actions = confirm(pair, fake);
    assert.equal(bob.state.kind, "closing");
    assert.match(complaintIn(actions) ?? "", /999999 sat, not the 1000000 sat agreed on/);
    assert.equal(funding.capacity, 1_000_000n);
  });

  test("recv funding-confirmed -- another script", () => {
    const pair = new Pair().openUnconfirmed();
    const fake = fundingTransactionOf([{ value: sat(1_000_000), script: noBytes }]);
    relabel(pair, fake);
    assert.match(complaintIn(confirm(pair, fake)) ?? "", /does not pay to both parties' keys/);
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("recv funding-confirmed -- no such output", () => {
    const pair = new Pair().openUnconfirmed();
    const fake = fundingTransactionOf([]);
    relabel(pair, fake);
    assert.match(complaintIn(confirm(pair, fake)) ?? "", /has no output 0/);
  });

  test("recv funding-confirmed -- another transaction changes nothing", () => {
    const pair = new Pair().openUnconfirmed();
    confirm(pair, fundingTransactionOf([]));
    assert.equal(pair.bob.state.kind, "wait-for-channel-ready");
    assert.equal(pair.bob.channel.fundingStatus.kind, "unconfirmed");
  });

  test("recv funding-confirmed -- a coinbase matures first", () => {
    const pair = new Pair().openUnconfirmed();
    const [output] = present(pair.fundingTransaction, "a transaction").outputs;
    const coinbase = {
      ...fundingTransactionOf(output ? [output] : []),
      inputs: [
        {
          outPoint: { txid: "00".repeat(32) as Txid, index: 0xffff_ffff },
          scriptSig: bytes32(1),
          sequence: 0,
          witness: [],
        },
      ],
    };
    relabel(pair, coinbase);
    confirm(pair, coinbase);
    assert.equal(pair.bob.channel.minimumDepth, 100);
    pair.mine(98);
    assert.equal(pair.bob.channel.localReady, false);
    pair.mine(1);
    assert.equal(pair.bob.channel.localReady, true);
  });

  test("recv new-block -- the opener broadcasts the funding again until it is confirmed", () => {
    const pair = new Pair().openUnconfirmed();
    const { alice, bob } = pair;
    pair.mine(2);
    assert.equal(alice.actionsOf("broadcast").length, 3);
    assert.equal(bob.actionsOf("broadcast").length, 0);
    pair.confirmFunding();
    pair.mine(2);
    assert.equal(alice.actionsOf("broadcast").length, 3);
  });

  test("recv new-block -- the acceptor gives up after 2,016 blocks, the opener does not", () => {
    const pair = new Pair().openUnconfirmed();
    const { alice, bob } = pair;
    for (const side of [alice, bob]) side.ctx = { ...side.ctx, bestHeight: startHeight + 2_014 };
    pair.mine(1);
    assert.equal(bob.state.kind, "wait-for-channel-ready");
    pair.mine(1);
    assert.equal(alice.state.kind, "wait-for-channel-ready");
    assert.equal(bob.state.kind, "closing");
    assert.equal(bob.events("channel-closed")[0]?.reason.kind, "funding-timed-out");
    const step = bob.actionsOf("watch-update").at(-1)?.update.steps[0];
    assert.deepEqual(step, { kind: "channel-force-closed", broadcast: false });
  });

  test("recv funding-unconfirmed -- before the channel was ready, it waits again", () => {
    const pair = new Pair().openUnconfirmed();
    pair.confirmFunding();
    pair.mine(3);
    for (const side of [pair.alice, pair.bob]) pair.feed(side, { kind: "funding-unconfirmed" });
    pair.mine(10);
    assert.equal(pair.alice.outbox.length, 0);
    pair.confirmFunding();
    pair.mine(5);
    pair.exchange();
    assert.equal(pair.alice.state.kind, "normal");
  });

  test("recv funding-unconfirmed -- after the channel was ready, it closes", () => {
    const pair = openPair();
    pair.feed(pair.bob, { kind: "funding-unconfirmed" });
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("a depth reached while offline is told after the reconnection", () => {
    const pair = new Pair().openUnconfirmed();
    pair.disconnect();
    pair.confirmFunding();
    pair.mine(5);
    assert.equal(pair.alice.outbox.length, 0);
    assert.equal(pair.alice.channel.localReady, true);
    pair.reconnect();
    pair.exchange();
    assert.equal(pair.alice.state.kind, "normal");
    assert.equal(pair.bob.state.kind, "normal");
  });

  test("channel_ready lost with the connection is sent again", () => {
    const pair = new Pair().openUnconfirmed();
    pair.confirmFunding();
    pair.mine(5);
    pair.disconnect();
    pair.reconnect();
    pair.exchange();
    assert.equal(pair.alice.state.kind, "normal");
    assert.equal(pair.bob.state.kind, "normal");
  });

  test("recv channel_ready -- twice, with another alias", () => {
    const pair = new Pair().openUnconfirmed();
    pair.confirmFunding();
    pair.mine(5);
    const message = pair.alice.outbox[0];
    assert.equal(message?.type, "channel_ready");
    pair.receive(pair.bob, message);
    pair.receive(pair.bob, { ...message, tlvs: { shortChannelId: 5n as ShortChannelId } });
    assert.equal(pair.bob.state.kind, "normal");
    assert.equal(pair.bob.channel.remoteAlias, 5n);
  });

  test("recv channel_ready -- another point than before closes", () => {
    const pair = new Pair().openUnconfirmed();
    const { alice, bob } = pair;
    const { channelId } = alice.channel.commitments;
    const message = { type: "channel_ready", channelId, tlvs: {} } as const;
    const { points, fundingKey } = alice.localKeys;
    pair.receive(bob, { ...message, secondPerCommitmentPoint: points[1] });
    const actions = pair.receive(bob, { ...message, secondPerCommitmentPoint: fundingKey });
    assert.equal(complaintIn(actions), "error second-point-changed");
  });

  test("cmd add-htlc -- not ready", () => {
    const pair = new Pair().openUnconfirmed();
    assert.throws(() => pair.add(pair.alice, 1_000n), /refused: not-ready/);
  });

  test("cmd update-config", () => {
    const pair = new Pair().openUnconfirmed();
    const config = { ...defaultUserConfig.channelConfig, cltvExpiryDelta: 100 };
    assert.equal(refusalIn(pair.command(pair.alice, { kind: "update-config", config })), undefined);
    assert.equal(pair.alice.channel.identity.config.cltvExpiryDelta, 100);
  });
});

describe("recv new-block -- HTLCs that are due", () => {
  test("one that we offered and the peer did not settle closes 3 blocks after its expiry", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    pair.add(alice, 50_000_000n);
    pair.exchange();
    const expiry = startHeight + 500;
    assert.equal(nextDeadline({ kind: "normal", channel: alice.channel }), expiry + 3);
    for (const side of [alice, bob]) side.ctx = { ...side.ctx, bestHeight: expiry + 1 };
    pair.mine(1);
    assert.equal(alice.state.kind, "normal");
    pair.mine(1);
    assert.equal(alice.state.kind, "closing");
    assert.equal(alice.events("channel-closed")[0]?.reason.kind, "htlcs-timed-out");
    assert.equal(bob.state.kind, "normal", "it is not Bob's to time out");
  });

  test("one that was never signed closes nothing", () => {
    const pair = openPair();
    const { alice } = pair;
    pair.add(alice, 50_000_000n);
    alice.ctx = { ...alice.ctx, bestHeight: startHeight + 510 };
    pair.feed(alice, { kind: "new-block" });
    assert.equal(alice.state.kind, "normal");
  });

  test("one whose preimage we know closes 36 blocks before its expiry, also while offline", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    const htlc = pair.add(alice, 50_000_000n);
    pair.exchange();
    pair.disconnect();
    pair.fulfill(htlc);
    for (const side of [alice, bob]) side.ctx = { ...side.ctx, bestHeight: startHeight + 500 - 38 };
    pair.mine(1);
    assert.equal(bob.state.kind, "offline");
    pair.mine(1);
    assert.equal(bob.state.kind, "closing");
    assert.equal(alice.state.kind, "offline");
  });

  test("one that the peer fulfilled is won already", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    const htlc = pair.add(alice, 50_000_000n);
    pair.exchange();
    pair.fulfill(htlc);
    pair.deliver(bob, "update_fulfill_htlc");
    alice.ctx = { ...alice.ctx, bestHeight: startHeight + 600 };
    pair.feed(alice, { kind: "new-block" });
    assert.equal(alice.state.kind, "normal");
  });
});

/** Makes Bob's channel wait for `transaction`, as if that had been announced to him. */
function relabel({ bob }: Pair, transaction: ReturnType<typeof fundingTransactionOf>): void {
  assert.equal(bob.state.kind, "wait-for-channel-ready");
  const { channel } = bob.state;
  const [funding] = channel.commitments.fundings;
  assert.ok(funding);
  const outPoint = { txid: txid(transaction), index: 0 };
  const commitments = { ...channel.commitments, fundings: [{ ...funding, outPoint }] };
  bob.state = { kind: "wait-for-channel-ready", channel: { ...channel, commitments } };
}

function confirm(pair: Pair, transaction: ReturnType<typeof fundingTransactionOf>) {
  return pair.feed(pair.bob, {
    kind: "funding-confirmed",
    transaction,
    height: 1_000,
    blockHash,
    txIndex: 1,
  });
}

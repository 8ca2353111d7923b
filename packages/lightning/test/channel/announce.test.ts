import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { defaultUserConfig } from "#src/channel/config";
import { fromHex, type Signature } from "#src/util/bytes";
import type { ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { shortChannelId } from "#src/util/shortChannelId";
import { encodeMessage } from "#src/wire/index";
import { complaintIn, openPairs, Pair, type Side, startHeight } from "./pair.ts";

const { channelHandshakeConfig } = defaultUserConfig;
const config = {
  ...defaultUserConfig,
  channelHandshakeConfig: { ...channelHandshakeConfig, announceForForwarding: true, minimumDepth: 3 },
};
const options = { alice: { config }, bob: { config } };
/** Both are ready at the third confirmation; three more are missing. */
const readyPair = (): Pair => {
  const pair = new Pair(options).openUnconfirmed();
  pair.confirmFunding();
  pair.mine(2);
  pair.exchange();
  return pair;
};

function announced({ alice, bob }: Pair): void {
  const [ours, theirs] = [alice, bob].map((side) => side.actionsOf("announce").at(-1)?.announcement);
  assert.ok(ours?.type === "channel_announcement");
  assert.deepEqual(ours, theirs);
  const place = { height: startHeight + 1, txIndex: 7, outputIndex: 0 };
  assert.equal(ours.shortChannelId, shortChannelId(place));
  assert.ok(ours.nodeId1 < ours.nodeId2, "the lesser node id comes first");
  const hash = crypto().hash256(encodeMessage(ours).slice(2 + 256));
  const pairs: readonly [Signature, Uint8Array][] = [
    [ours.nodeSignature1, fromHex(ours.nodeId1)],
    [ours.nodeSignature2, fromHex(ours.nodeId2)],
    [ours.bitcoinSignature1, ours.bitcoinKey1],
    [ours.bitcoinSignature2, ours.bitcoinKey2],
  ];
  for (const [signature, key] of pairs) assert.ok(crypto().ecdsaVerify(signature, hash, key));
  const first = ours.nodeId1 === alice.keys.nodeId ? alice : bob;
  assert.deepEqual(ours.bitcoinKey1, first.localKeys.fundingKey);
}

function sentBy(side: Side): number {
  return side.actionsOf("send").filter(({ message }) => message.type === "announcement_signatures").length;
}

describe("announcement", () => {
  test("at six confirmations, not before, both sign, and both have the same announcement", () => {
    const pair = readyPair();
    pair.mine(2);
    assert.equal(pair.alice.outbox.length + pair.bob.outbox.length, 0);
    pair.mine(1);
    assert.equal(pair.alice.outbox[0]?.type, "announcement_signatures");
    pair.exchange();
    announced(pair);
    pair.mine(3);
    assert.equal(sentBy(pair.alice), 1);
  });

  test("the six confirmations that make it ready also announce it", () => {
    const deep = { ...config, channelHandshakeConfig: { ...config.channelHandshakeConfig, minimumDepth: 6 } };
    const pair = new Pair({ alice: { config: deep }, bob: { config: deep } }).open();
    announced(pair);
  });

  test("a channel that was not meant to be announced never is", () => {
    const pair = new Pair().open();
    pair.mine(5);
    pair.exchange();
    assert.equal(sentBy(pair.alice) + sentBy(pair.bob), 0);
  });

  test("not while closing", () => {
    const pair = readyPair();
    pair.add(pair.alice, 10_000_000n);
    pair.exchange();
    pair.shutdown(pair.bob);
    pair.exchange();
    pair.mine(5);
    assert.equal(sentBy(pair.alice) + sentBy(pair.bob), 0);
  });

  test("reached while offline: asked for after the reconnection", () => {
    const pair = readyPair();
    pair.disconnect();
    pair.mine(4);
    assert.equal(sentBy(pair.alice), 0);
    pair.reconnect();
    pair.exchange();
    announced(pair);
  });

  test("lost with the connection, whichever of the two: exchanged again, and not for ever", () => {
    for (const lost of ["alice", "bob", "both"] as const) {
      const pair = readyPair();
      pair.mine(3);
      if (lost === "alice") pair.deliver(pair.bob, "announcement_signatures");
      if (lost === "bob") pair.deliver(pair.alice, "announcement_signatures");
      pair.disconnect();
      pair.reconnect();
      const messages = pair.exchange();
      // Both channel_reestablish, both channel_ready, and what was lost.
      assert.ok(messages <= 6, `${messages} messages`);
      announced(pair);
    }
  });

  test("a peer that repeats itself is answered once on a connection", () => {
    const pair = readyPair();
    pair.mine(3);
    const message = present(pair.alice.outbox[0], "announcement_signatures");
    pair.exchange();
    pair.disconnect();
    pair.reconnect();
    pair.exchange();
    const before = sentBy(pair.bob);
    for (let i = 0; i < 3; i++) pair.receive(pair.bob, message);
    assert.equal(sentBy(pair.bob), before + 1);
  });

  test("a reorganisation that moves the funding of a zero-conf channel announces it anew", () => {
    const pair = new Pair({ ...options, zeroConf: true }).openUnconfirmed();
    pair.exchange();
    pair.confirmFunding();
    pair.mine(5);
    pair.exchange();
    announced(pair);
    for (const side of [pair.alice, pair.bob]) {
      pair.feed(side, { kind: "funding-unconfirmed" });
      assert.deepEqual(side.channel.announcementSignatures, {});
    }
    pair.confirmFunding();
    pair.mine(5);
    pair.exchange();
    const again = pair.alice.actionsOf("announce").at(-1)?.announcement;
    assert.ok(again?.type === "channel_announcement");
    assert.equal(
      again.shortChannelId,
      shortChannelId({ height: startHeight + 7, txIndex: 7, outputIndex: 0 }),
    );
  });
});

describe("recv announcement_signatures", () => {
  /** Alice's message, which Bob has not got. */
  function sent() {
    const pair = readyPair();
    pair.mine(3);
    const message = pair.alice.outbox.shift();
    assert.ok(message?.type === "announcement_signatures");
    return { pair, message };
  }

  test("of another short channel id", () => {
    const { pair, message } = sent();
    const actions = pair.receive(pair.bob, { ...message, shortChannelId: 1n as ShortChannelId });
    assert.equal(complaintIn(actions), "warning wrong-short-channel-id");
    assert.equal(pair.bob.state.kind, "normal");
  });

  for (const field of ["nodeSignature", "bitcoinSignature"] as const) {
    test(`with an invalid ${field}`, () => {
      const { pair, message } = sent();
      const actions = pair.receive(pair.bob, { ...message, [field]: new Uint8Array(64) as Signature });
      assert.equal(complaintIn(actions), "error invalid-announcement-signature");
      assert.equal(pair.bob.state.kind, "closing");
    });
  }

  test("for a channel that stays private", () => {
    const { message } = sent();
    const pair = openPairs()();
    assert.equal(complaintIn(pair.receive(pair.bob, message)), undefined);
    assert.equal(pair.bob.state.kind, "normal");
  });

  test("before the funding confirmed", () => {
    const { message } = sent();
    const pair = new Pair({ ...options, zeroConf: true }).openUnconfirmed();
    pair.exchange();
    assert.equal(complaintIn(pair.receive(pair.bob, message)), undefined);
    assert.deepEqual(pair.bob.channel.announcementSignatures, {});
  });

  test("before our own are due: kept", () => {
    const pair = readyPair();
    const { alice, bob } = pair;
    alice.ctx = { ...alice.ctx, bestHeight: alice.ctx.bestHeight + 3 };
    pair.feed(alice, { kind: "new-block" });
    pair.deliver(alice, "announcement_signatures");
    assert.equal(bob.actionsOf("announce").length, 0);
    bob.ctx =
      alice.ctx.bestHeight > bob.ctx.bestHeight ? { ...bob.ctx, bestHeight: alice.ctx.bestHeight } : bob.ctx;
    pair.feed(bob, { kind: "new-block" });
    pair.exchange();
    announced(pair);
  });
});

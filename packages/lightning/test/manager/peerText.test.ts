import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "@scure/base";
import { ManagerNet } from "./managers.ts";

/** What would clear a terminal, forge a line of the log, and turn the text around. */
const hostile = utf8.decode(`\u001b[2J\n2027-01-01 all is well\u202e\u2028${"x".repeat(2_000)}`);
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function pair() {
  const net = new ManagerNet();
  const [alice, bob] = [net.add(), net.add()];
  net.connect(alice, bob);
  const channelId = net.open(alice, bob);
  return { net, alice, bob, channelId };
}

describe("a peer's words", () => {
  it("are printable in the log when it warns, in every state of a channel", () => {
    const { net, alice, bob, channelId } = pair();
    const warning = { type: "warning", channelId, data: hostile } as const;
    alice.receive(bob.nodeId, warning);
    alice.manager.closeChannel(channelId);
    net.settle((from) => from === bob);
    alice.receive(bob.nodeId, warning);
    const lines = alice.log.filter(({ text }) => text.includes("all is well"));
    assert.ok(lines.length >= 1);
    for (const { text } of alice.log) {
      assert.doesNotMatch(text, unprintable);
      assert.ok(text.length <= 2_000);
    }
  });

  it("are printable in the reason of a close", () => {
    const { net, alice, bob, channelId } = pair();
    alice.receive(bob.nodeId, { type: "error", channelId, data: hostile });
    net.settle();
    const reason = alice.eventsOf("channel-closed")[0]?.reason;
    assert.ok(reason?.kind === "counterparty-force-closed");
    assert.match(reason.peerMessage, /all is well/);
    assert.doesNotMatch(reason.peerMessage, unprintable);
    assert.equal(reason.peerMessage.length, 500);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { ClosingChannel } from "./closingChannel.ts";
import { closingFeeOf } from "./onChainEndings.ts";
import { bothFormats } from "./ourPair.ts";

installNodeCrypto();

for (const format of bothFormats) {
  const title = `${format}: with old records we publish nothing, have LDK close, and get our newest balance`;
  test(title, { timeout: 60_000 }, async (t) => {
    const channel = await ClosingChannel.open(t, { format, opener: "us" });
    const first = await channel.hold("us", 20_000n);
    await channel.claim(first);
    await channel.settled();
    const old = await channel.backUp();
    for (const sats of [100_000n, 30_000n]) {
      const later = await channel.hold("us", sats);
      await channel.claim(later);
      await channel.settled();
    }
    await channel.restoreUs(old);
    await channel.connect();
    await channel.until("commitment of LDK's", () => channel.chain.chain.outputSpentBy(channel.funding));
    await channel.mine();
    assert.equal(channel.spender, "future-commitment");
    const broadcasts = channel.ldk.events.flatMap((event) =>
      event.type === "broadcast" ? [event.txid] : [],
    );
    assert.ok(broadcasts.includes(channel.closingTxid), "LDK has published it");
    await channel.mine(150);
    await channel.checkLedger({
      gained: { us: -150_000n, ldk: 150_000n },
      closingFee: closingFeeOf(format, 0),
    });
    const reasons = channel.ourEvents("channel-closed").map((event) => "reason" in event && event.reason);
    assert.deepEqual(reasons, [{ kind: "lost-channel-state" }]);
  });
}

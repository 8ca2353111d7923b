import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createFundedBitcoindChain } from "#src/bitcoind/index";
import { anHourAgo, SharedChain } from "#src/index";
import { bothFormats, bothSides, openChannel, startOurPair } from "../ourPair.ts";
import { Purse } from "../purse.ts";

installNodeCrypto();

// We and LDK, whose blocks and mempool are Bitcoin Core's.

for (const format of bothFormats) {
  for (const opener of bothSides) {
    test(`a ${format} channel opened by ${opener} pays both ways and is closed by the other side`, async (t) => {
      const funded = await createFundedBitcoindChain({ clock: anHourAgo });
      t.after(() => funded.chain.stop());
      const pair = await startOurPair(t, { chain: new SharedChain(funded) });
      const { us, ldk, chain } = pair;
      const terms = { opener, format, sats: 1_000_000n, pushMsat: 500_000_000n };
      const { channelId } = await openChannel(pair, terms);
      const purse = new Purse(pair, channelId);
      await purse.pay("us", 12_345_678n);
      await purse.pay("ldk", 2_345_678n);
      await purse.check();
      const pending = await us.waitFor("channel-pending");
      if (opener === "us") await ldk.cmd("close", { channelId });
      else us.act((manager) => manager.closeChannel(channelId));
      const closed = await us.waitFor("channel-closed");
      assert.match(closed.reason.kind, /cooperative-closure$/);
      await ldk.waitFor("channel-closed");
      await chain.mine(6);
      const spender = chain.chain.outputSpentBy(pending.funding);
      assert.equal(spender && chain.height - (spender.block?.height ?? 0), 5);
    });
  }
}

// needs: electrum
// timeout: 200 s
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { ElectrumPeer, SharedChain } from "#src/index";
import { Balance, openChannel, startElectrumPair } from "./electrumPair.ts";

installNodeCrypto();

/**
 * The same server is what our own Electrum client is going to be tested with: this is a client that others have
 * written.
 */
test("Electrum's wallet follows the chain through reorganisations and broken connections", {
  timeout: 100_000,
}, async (t) => {
  const chain = new SharedChain();
  const electrum = await ElectrumPeer.start({ chain, usesGossip: false });
  t.after(() => electrum.stop());
  const send = async (value: bigint): Promise<void> => {
    const script = await electrum.newScript();
    chain.broadcaster.broadcastTransactions([chain.fund({ value: value as Sat, script })], "funding");
  };
  const has = async (expected: Awaited<ReturnType<ElectrumPeer["balance"]>>): Promise<void> => {
    await electrum.synced();
    await electrum.until(`${expected.confirmed} and ${expected.unconfirmed} sat`, async () => {
      const { confirmed, unconfirmed } = await electrum.balance();
      return confirmed === expected.confirmed && unconfirmed === expected.unconfirmed;
    });
  };
  await send(100_000n);
  await has({ confirmed: 0n, unconfirmed: 100_000n });
  await chain.mine(2);
  await send(30_000n);
  await has({ confirmed: 100_000n, unconfirmed: 30_000n });
  await chain.mine();
  await has({ confirmed: 130_000n, unconfirmed: 0n });
  await chain.reorg(2);
  await has({ confirmed: 100_000n, unconfirmed: 30_000n });
  await chain.reorg(10);
  await has({ confirmed: 0n, unconfirmed: 130_000n });
  electrum.loseServer();
  await chain.mine(3);
  await has({ confirmed: 130_000n, unconfirmed: 0n });
  electrum.loseServer();
  await chain.reorg(5);
  await send(7_000n);
  await has({ confirmed: 0n, unconfirmed: 137_000n });
  // More headers than one request gives.
  await chain.mine(2_100);
  await has({ confirmed: 137_000n, unconfirmed: 0n });
  assert.deepEqual(electrum.takeRefused(), []);
});

test("a channel goes on while blocks give way to others", { timeout: 100_000 }, async (t) => {
  const pair = await startElectrumPair(t);
  const balance = new Balance(pair, await openChannel(pair, "electrum"));
  for (const depth of [1, 3]) {
    await pair.chain.reorg(depth);
    await pair.electrum.synced();
    await balance.pay("electrum", 20_000_000n);
    await balance.pay("us", 10_000_000n);
    await balance.check();
  }
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import type { FormatName } from "@fulmen/lightning/commitment";
import { openStaticBackup, restoredStore, sealStaticBackup } from "@fulmen/lightning/storage";
import { MemoryStore } from "@fulmen/persist";
import { testConfig } from "#src/index";
import { ClosingChannel } from "./closingChannel.ts";
import { closingFeeOf } from "./onChainEndings.ts";

/** Our node as it is after all but its seed and a static backup of `channel` is lost. */
async function storeFromBackup({ us }: ClosingChannel): Promise<MemoryStore> {
  const { keys, chainMonitor } = us;
  const channels = [...chainMonitor.monitors()].map(({ setup }) => setup);
  const chain = networks.regtest.genesisHash;
  const sealed = sealStaticBackup(
    { nodeId: keys.nodeId, chain, counter: 1, channels, peers: [] },
    keys.peerStorageKey(),
    new Uint8Array(randomBytes(24)),
  );
  const backup = openStaticBackup(sealed, keys.peerStorageKey());
  assert.ok(backup.ok);
  const restored = restoredStore(backup.value, {
    nodeId: keys.nodeId,
    network: networks.regtest,
    signerProvider: keys,
    channelConfig: testConfig.channelConfig,
  });
  assert.ok(restored.ok);
  const store = new MemoryStore();
  await store.commit(restored.value.writes);
  return store;
}

/**
 * After `payments` payments our node loses all but its seed and a backup, which comes from the channel's first moment
 * in all that it says: LDK closes, and we get what is ours.
 */
export async function restoreAndClose(t: TestContext, format: FormatName, payments: number): Promise<void> {
  const channel = await ClosingChannel.open(t, { format, opener: "us" });
  // Everything that is made of it comes from the channel's first moment.
  for (let n = 0; n < payments; n++) {
    await channel.claim(await channel.hold("us", 50_000n));
    await channel.settled();
  }
  await channel.restoreUs(await storeFromBackup(channel));
  await channel.connect();
  await channel.until("commitment of LDK's", () => channel.chain.chain.outputSpentBy(channel.funding));
  await channel.mine();
  const broadcasts = channel.ldk.events.flatMap((event) => (event.type === "broadcast" ? [event.txid] : []));
  assert.ok(broadcasts.includes(channel.closingTxid), "LDK has published it");
  await channel.mine(150);
  const paid = 50_000n * BigInt(payments);
  await channel.checkLedger({ gained: { us: -paid, ldk: paid }, closingFee: closingFeeOf(format, 0) });
  const reasons = channel.ourEvents("channel-closed").map((event) => "reason" in event && event.reason);
  assert.deepEqual(reasons, [{ kind: "lost-channel-state" }]);
}

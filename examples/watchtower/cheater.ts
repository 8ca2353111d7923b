import type { KvEntry } from "@fulmen/lightning/chain";
import { ChainMonitor } from "@fulmen/lightning/manager";
import { KeysManager } from "@fulmen/lightning/sign";
import { restoreMonitors } from "@fulmen/lightning/storage";
import { feeratePerKw } from "@fulmen/lightning/util";
import { ChainBroadcaster, type TestChain } from "@fulmen/testkit/chain";

/**
 * Closes the channel of an old backup: what the kit never does by itself, since a store that is older than the peer
 * says so at the next connection. Whoever writes his own program can do it, and his peer must be able to answer.
 */
export function publishOldCommitment(seed: Uint8Array, backup: readonly KvEntry[], chain: TestChain): void {
  const monitors = restoreMonitors(backup);
  if (!monitors.ok) throw new Error(monitors.error.text);
  const broadcaster = new ChainBroadcaster(chain);
  const monitor = new ChainMonitor(
    {
      signerProvider: new KeysManager(seed),
      broadcaster,
      feeEstimator: { feerate: () => feeratePerKw(253) },
      logger: { log: () => {} },
    },
    { bestHeight: chain.tip.height, monitors: monitors.value },
  );
  for (const { setup, latestUpdateId } of [...monitor.monitors()]) {
    monitor.updateChannel({
      channelId: setup.channelId,
      updateId: latestUpdateId + 1,
      steps: [{ kind: "channel-force-closed", broadcast: true }],
      after: [],
    });
  }
  const [refused] = broadcaster.takeRefused();
  if (refused !== undefined) throw new Error(`the old commitment is not relayed: ${refused.refusal.kind}`);
}

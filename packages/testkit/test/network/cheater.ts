import { ChainMonitor } from "@fulmen/lightning/manager";
import type { ChannelMonitorUpdateStep } from "@fulmen/lightning/onchain";
import { monitorsPrefix, restoreMonitors } from "@fulmen/lightning/storage";
import { blockHeight, type ChannelId, feeratePerKw, present } from "@fulmen/lightning/util";
import { Bumper, type TestNetwork, type TestNode } from "@fulmen/testkit";

/**
 * A copy of a node's monitors, as they are now. It follows the chain by itself, and does with its channel what it
 * likes.
 */
export class Cheater {
  readonly #network: TestNetwork;
  readonly #node: TestNode;
  readonly #channelId: ChannelId;
  readonly #monitors: ChainMonitor;
  readonly #bumper: Bumper;
  #position: ReturnType<TestNetwork["chain"]["locator"]>;
  #commits = 0;

  constructor(network: TestNetwork, node: TestNode, channelId: ChannelId) {
    this.#network = network;
    this.#node = node;
    this.#channelId = channelId;
    const restored = restoreMonitors(node.store.entries(monitorsPrefix));
    if (!restored.ok) throw new Error(restored.error.text);
    const signerProvider = node.keys.keys;
    const logger = { log: () => {} };
    const { broadcaster } = node;
    this.#monitors = new ChainMonitor(
      { signerProvider, broadcaster, feeEstimator: { feerate: () => feeratePerKw(2_000) }, logger },
      { bestHeight: blockHeight(network.chain.tip.height), monitors: restored.value },
    );
    this.#bumper = new Bumper({ wallet: node.wallet, signerProvider, logger });
    this.#position = network.chain.locator();
  }

  /** Publishes the commitment that was the latest when the copy was made. */
  publish(): void {
    this.tell({ kind: "channel-force-closed", broadcast: true });
  }

  tell(step: ChannelMonitorUpdateStep): void {
    const latest = present(this.#monitors.latestUpdateId(this.#channelId), "the copied channel");
    const update = { channelId: this.#channelId, updateId: latest + 1, after: [], steps: [step] };
    this.#monitors.updateWrites([update]);
    this.#monitors.updateChannel(update);
    this.#act();
  }

  /** Sees the chain, and claims what can be claimed. */
  sync(): void {
    const { forkPoint, disconnected, connected } = this.#network.chain.blocksSince(this.#position);
    if (disconnected.length > 0) this.#monitors.blocksDisconnected(forkPoint);
    for (const { block, height } of connected) {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      this.#monitors.blockConnected(block.header, transactions, height);
    }
    this.#position = this.#network.chain.locator();
    this.#act();
  }

  #act(): void {
    this.#commits++;
    this.#monitors.takeWrites(this.#commits);
    this.#monitors.committed(this.#commits);
    for (const event of this.#monitors.takeBumpEvents()) {
      for (const { transactions, type } of this.#bumper.answer(event)) {
        this.#node.broadcaster.broadcastTransactions(transactions, type);
      }
    }
  }
}

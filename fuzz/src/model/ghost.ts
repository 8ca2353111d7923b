import type { BlockLocator, KvEntry } from "@fulmen/lightning/chain";
import { ChainMonitor } from "@fulmen/lightning/manager";
import { restoreMonitors } from "@fulmen/lightning/storage";
import {
  type Bytes32,
  blockHeight,
  type ChannelId,
  feeratePerKw,
  type PaymentHash,
} from "@fulmen/lightning/util";
import { Bumper, type TestChain, type TestNode } from "@fulmen/testkit";

/**
 * A cheater's other node: it has a copy of the monitor of one channel, publishes the commitment of that time, and goes
 * on to take what it can of it, with every preimage that there is.
 */
export class Ghost {
  readonly #node: TestNode;
  readonly #chain: TestChain;
  readonly #channelId: ChannelId;
  readonly #monitors: ChainMonitor;
  readonly #bumper: Bumper;
  readonly #known = new Set<PaymentHash>();
  #position: BlockLocator;
  #commits = 0;

  constructor(
    node: TestNode,
    of: { readonly chain: TestChain; readonly channelId: ChannelId; readonly copy: readonly KvEntry[] },
  ) {
    const { chain, channelId, copy } = of;
    const monitors = restoreMonitors(copy);
    if (!monitors.ok) throw new Error(monitors.error.text);
    const signerProvider = node.keys.keys;
    const logger = { log: () => {} };
    const { broadcaster, wallet } = node;
    const feeEstimator = { feerate: () => feeratePerKw(2_000) };
    this.#node = node;
    this.#chain = chain;
    this.#channelId = channelId;
    this.#position = chain.locator();
    this.#monitors = new ChainMonitor(
      { signerProvider, broadcaster, feeEstimator, logger },
      {
        bestHeight: blockHeight(chain.tip.height),
        monitors: monitors.value.filter(({ monitor }) => monitor.setup.channelId === channelId),
      },
    );
    this.#bumper = new Bumper({ wallet, signerProvider, logger });
  }

  /** Publishes the commitment; `false` when the copy knows nothing of the channel. */
  publish(): boolean {
    const latest = this.#monitors.latestUpdateId(this.#channelId);
    if (latest === undefined) return false;
    this.#update({ kind: "channel-force-closed", broadcast: true });
    this.#act();
    return true;
  }

  /** Sees what the chain has done, and takes what it can now. */
  sync(preimages: ReadonlyMap<PaymentHash, Bytes32>): void {
    const { forkPoint, disconnected, connected } = this.#chain.blocksSince(this.#position);
    if (disconnected.length > 0) this.#monitors.blocksDisconnected(forkPoint);
    for (const { block, height } of connected) {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      this.#monitors.blockConnected(block.header, transactions, height);
    }
    this.#position = this.#chain.locator();
    for (const [paymentHash, preimage] of preimages) {
      if (this.#known.has(paymentHash)) continue;
      this.#known.add(paymentHash);
      this.#update({ kind: "payment-preimage", paymentHash, preimage, parts: [] });
    }
    this.#act();
  }

  #update(step: Parameters<ChainMonitor["updateChannel"]>[0]["steps"][number]): void {
    const channelId = this.#channelId;
    const updateId = (this.#monitors.latestUpdateId(channelId) ?? 0) + 1;
    this.#monitors.updateChannel({ channelId, updateId, after: [], steps: [step] });
  }

  #act(): void {
    this.#commits++;
    this.#monitors.takeWrites(this.#commits);
    this.#monitors.committed(this.#commits);
    this.#monitors.takeMonitorEvents();
    for (const event of this.#monitors.takeBumpEvents())
      for (const { transactions, type } of this.#bumper.answer(event))
        this.#node.broadcaster.broadcastTransactions(transactions, type);
    // What nobody relays of it is no bug of the node's.
    this.#node.broadcaster.takeRefused();
  }
}

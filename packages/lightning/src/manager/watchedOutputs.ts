import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Filter } from "../chain/chainInterface.ts";
import type { ChannelMonitor } from "../onchain/channelMonitor.ts";
import { outputsToWatch } from "../onchain/confirmations.ts";
import type { ChannelId } from "../util/ids.ts";
import { OutPointIndex } from "./outPointIndex.ts";

/** Outputs whose spenders monitors must see. */
export class WatchedOutputs {
  /**
   * Which channels must see the spender of an output. One is the rule: but a peer can name as its funding whatever it
   * likes, an HTLC's output of another channel, too.
   */
  readonly #byOutPoint = new OutPointIndex<readonly ChannelId[]>();
  readonly #filter: Filter | undefined;

  /** `filter` is absent when every block is given whole. */
  constructor(filter: Filter | undefined) {
    this.#filter = filter;
  }

  /** From now on what the monitor must see is watched. */
  watch(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    for (const output of outputsToWatch(monitor)) {
      const watching = this.#byOutPoint.get(output.outPoint) ?? [];
      if (watching.includes(channelId)) continue;
      this.#byOutPoint.set(output.outPoint, [...watching, channelId]);
      this.#filter?.registerOutput(output);
    }
  }

  /** The channels that must see the transaction. */
  spentBy(transaction: Transaction): Iterable<ChannelId> {
    const channels = new Set<ChannelId>();
    for (const { outPoint } of transaction.inputs) {
      for (const channelId of this.#byOutPoint.get(outPoint) ?? []) channels.add(channelId);
    }
    return channels;
  }

  forget(monitor: ChannelMonitor): void {
    for (const { outPoint } of outputsToWatch(monitor)) {
      const others = (this.#byOutPoint.get(outPoint) ?? []).filter((id) => id !== monitor.setup.channelId);
      if (others.length === 0) this.#byOutPoint.delete(outPoint);
      else this.#byOutPoint.set(outPoint, others);
    }
  }
}

import type { ChannelMonitor } from "../onchain/channelMonitor.ts";
import { forceCloseHeight, shouldForceClose } from "../onchain/deadlines.ts";
import type { ChannelId } from "../util/ids.ts";
import { HeightIndex } from "./heightIndex.ts";
import type { Monitors } from "./monitors.ts";

/** When channels have to be closed on the chain, lest an HTLC of theirs is lost. */
export class ForceCloseDeadlines {
  readonly #deadlines = new HeightIndex<ChannelId>();
  /**
   * Channels that changed since the last block: their deadlines are found with the next one, of this height at least.
   */
  readonly #changedSince = new Map<ChannelId, number>();

  /** The monitor of an open channel is another, with `height` for the best block. */
  changed(channelId: ChannelId, height: number): void {
    this.#changedSince.set(channelId, height + 1);
  }

  /** Monitors that have to close their channels now, the best block being at `height`. */
  *due(height: number, monitors: Monitors): Generator<ChannelMonitor> {
    for (const [channelId, earliest] of this.#changedSince) {
      this.#deadlines.put(channelId, Math.max(forceCloseHeight(monitors.known(channelId)), earliest));
    }
    this.#changedSince.clear();
    for (const channelId of this.#deadlines.due(height)) {
      const monitor = monitors.known(channelId);
      if (monitor.lock === undefined && shouldForceClose(monitor, height)) yield monitor;
    }
  }

  forget(channelId: ChannelId): void {
    this.#deadlines.put(channelId, Number.POSITIVE_INFINITY);
    this.#changedSince.delete(channelId);
  }
}

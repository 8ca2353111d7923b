import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import type { ChannelMonitor } from "../onchain/channelMonitor.ts";
import { monitorEvents } from "../onchain/monitorEvents.ts";
import type { MonitorEvent } from "../onchain/watch.ts";
import type { ChannelId } from "../util/ids.ts";

/** What the monitors have to tell the manager: each fact once in the life of the process. */
export class MonitorNews {
  #events: MonitorEvent[] = [];
  /** Names of the facts that were told. */
  readonly #told = new Map<ChannelId, Set<string>>();

  /** What follows from what a monitor knows at `height`. */
  tell(monitor: ChannelMonitor, height: number): void {
    const { channelId } = monitor.setup;
    for (const event of monitorEvents(monitor, height)) {
      const name = "htlcId" in event ? `${event.kind} ${event.htlcId}` : event.kind;
      if (this.#isNews(channelId, name)) this.#events.push(event);
    }
  }

  tellResolved(channelId: ChannelId): void {
    if (this.#isNews(channelId, "resolved")) this.#events.push({ kind: "resolved", channelId });
  }

  tellSpendable(event: Extract<MonitorEvent, { readonly kind: "spendable-outputs" }>): void {
    this.#events.push(event);
  }

  /** Those of a channel's outputs that this was not asked about before. */
  freshOutputs(
    channelId: ChannelId,
    outputs: readonly SpendableOutputDescriptor[],
  ): readonly SpendableOutputDescriptor[] {
    return outputs.filter(({ outPoint }) => this.#isNews(channelId, `output ${outPointKey(outPoint)}`));
  }

  take(): readonly MonitorEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The channel is forgotten; what was to be told of it still is. */
  forget(channelId: ChannelId): void {
    this.#told.delete(channelId);
  }

  /** Whether nothing of that name was told of the channel; from now on it was. */
  #isNews(channelId: ChannelId, name: string): boolean {
    let told = this.#told.get(channelId);
    if (told === undefined) {
      told = new Set();
      this.#told.set(channelId, told);
    }
    if (told.has(name)) return false;
    told.add(name);
    return true;
  }
}

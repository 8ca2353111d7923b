import type {
  ChannelMonitorUpdate,
  MonitorEvent,
  MonitorSetup,
  UpdateRef,
  Watch,
} from "@fulmen/lightning/onchain";
import type { ChannelId, OutPoint } from "@fulmen/lightning/util";

/** What the manager's side says to the keeper of the monitors. */
export type ToKeeper =
  | { readonly kind: "watch-channel"; readonly setup: MonitorSetup }
  | { readonly kind: "update-channel"; readonly update: ChannelMonitorUpdate }
  /** Not answered: the keeper tells of the outputs again when it did not hear this. */
  | {
      readonly kind: "outputs-stored";
      readonly channelId: ChannelId;
      readonly outPoints: readonly OutPoint[];
    };

/** What the keeper says. */
export type FromKeeper =
  /** First, in each of its lives: what it durably has, and all events that hold. */
  | {
      readonly kind: "welcome";
      readonly latest: readonly UpdateRef[];
      readonly events: readonly MonitorEvent[];
    }
  /** About a setup or an update; those about one channel in the order of its updates. */
  | ({ readonly kind: "answer"; readonly status: "completed" | "refused" } & UpdateRef)
  | { readonly kind: "event"; readonly event: MonitorEvent };

/**
 * A `Watch` whose monitors are kept by somebody else, who may answer late, and die and come back: what was not answered
 * is then sent again.
 */
export class RemoteWatch implements Watch {
  readonly durability = "elsewhere";
  readonly #latest = new Map<ChannelId, number>();
  /** In order. */
  readonly #unanswered = new Map<string, ToKeeper>();
  #send: ((message: ToKeeper) => void) | undefined;
  #events: MonitorEvent[] = [];

  /** Messages that the keeper has not answered. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  watchChannel(setup: MonitorSetup): "in-progress" {
    return this.#ask(setup.initial, { kind: "watch-channel", setup });
  }

  updateChannel(update: ChannelMonitorUpdate): "in-progress" {
    return this.#ask(update, { kind: "update-channel", update });
  }

  latestUpdateId(channelId: ChannelId): number | undefined {
    return this.#latest.get(channelId);
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  outputsStored(channelId: ChannelId, outPoints: readonly OutPoint[]): void {
    this.#send?.({ kind: "outputs-stored", channelId, outPoints });
  }

  /** The keeper lives; `welcome` comes from it before anything is sent. */
  connected(send: (message: ToKeeper) => void): void {
    this.#send = undefined;
    this.#whenWelcomed = send;
  }

  /** The keeper is gone. */
  lost(): void {
    this.#send = undefined;
  }

  receive(message: FromKeeper): void {
    switch (message.kind) {
      case "welcome":
        for (const { channelId, updateId } of message.latest) this.#latest.set(channelId, updateId);
        this.#events.push(...message.events);
        this.#send = this.#whenWelcomed;
        for (const waiting of this.#unanswered.values()) this.#send(waiting);
        return;
      case "answer": {
        const { channelId, updateId, status } = message;
        this.#latest.set(channelId, Math.max(updateId, this.#latest.get(channelId) ?? 0));
        if (this.#unanswered.delete(nameOf(message))) {
          this.#events.push({ kind: status, channelId, updateId });
        }
        return;
      }
      case "event":
        this.#events.push(message.event);
        return;
    }
  }

  #whenWelcomed: (message: ToKeeper) => void = () => {};

  #ask(ref: UpdateRef, message: ToKeeper): "in-progress" {
    this.#unanswered.set(nameOf(ref), message);
    this.#send?.(message);
    return "in-progress";
  }
}

function nameOf({ channelId, updateId }: UpdateRef): string {
  return `${channelId} ${updateId}`;
}

import { isGossipMessage, type MessageSendEvent } from "../handlers/index.ts";
import type { Effect } from "./batch.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { EventLog } from "./eventLog.ts";

/** Makes effects happen that the gate has let out. */
export class EffectRunner {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #events: EventLog;
  #messages: MessageSendEvent[] = [];

  constructor(environment: ManagerEnvironment, channels: Channels, events: EventLog) {
    this.#environment = environment;
    this.#channels = channels;
    this.#events = events;
  }

  run(effect: Effect): void {
    switch (effect.kind) {
      case "send": {
        const { nodeId, epoch, message } = effect;
        this.#noteShown(effect);
        if (this.#channels.peers.connection(nodeId)?.epoch !== epoch) return;
        this.#messages.push({ kind: "send-message", nodeId, epoch, message });
        return;
      }
      case "disconnect": {
        const { nodeId, epoch } = effect;
        this.#messages.push({ kind: "handle-error", nodeId, epoch, action: { kind: "disconnect" } });
        return;
      }
      case "broadcast":
        this.#environment.broadcaster.broadcastTransactions(effect.transactions, effect.type);
        return;
      case "register-output":
        this.#environment.filter?.registerOutput(effect.output);
        return;
      case "event":
        this.#events.release(effect.event);
        return;
      case "outputs-stored":
        this.#environment.watch.outputsStored?.(effect.channelId, effect.outPoints);
        return;
      case "gossip":
        if (isGossipMessage(effect.message))
          this.#messages.push({ kind: "broadcast", message: effect.message });
        return;
    }
  }

  /** The effect never happens: the update that it rests on was refused. */
  drop(effect: Effect): void {
    if (effect.kind === "event") this.#events.discard(effect.event);
    else this.#noteShown(effect);
  }

  takeMessages(): readonly MessageSendEvent[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  #noteShown(effect: Effect): void {
    if (effect.kind === "send" && effect.message.type === "commitment_signed")
      this.#channels.shown(effect.message.channelId);
  }
}

import assert from "node:assert/strict";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { MessageSendEvent } from "@fulmen/lightning/handlers";
import type { ChannelMonitorUpdate, Watch } from "@fulmen/lightning/onchain";
import { type ChannelId, toHex } from "@fulmen/lightning/util";
import type { LightningMessage } from "@fulmen/lightning/wire";

/** What the monitors of a channel durably have. */
interface Known {
  readonly counterparty: Set<number>;
  readonly holder: Set<number>;
  readonly preimages: Set<string>;
}

/**
 * Holds a node to this: what a message rests on, the `Watch` has completed; and no update is given to it before those
 * that it names. Stands between the manager and its `Watch`,
 * and between the `PeerManager` and the manager; outlives the node.
 */
export class SendCheck {
  /** Messages that were looked at. */
  checked = 0;
  readonly #given = new Map<ChannelId, Map<number, ChannelMonitorUpdate>>();
  readonly #known = new Map<ChannelId, Known>();
  readonly #sent = new Map<string, Set<string>>();
  /** Of each channel the last update that is completed. */
  readonly #completed = new Map<ChannelId, number>();

  watch(watch: Watch): Watch {
    return {
      durability: watch.durability,
      setupWrites: (setup) => watch.setupWrites?.(setup) ?? [],
      updateWrites: (updates) => watch.updateWrites?.(updates) ?? [],
      latestUpdateId: (channelId) => watch.latestUpdateId(channelId),
      watchChannel: (setup) => {
        this.#give(setup.initial);
        return watch.watchChannel(setup);
      },
      updateChannel: (update) => {
        this.#give(update);
        return watch.updateChannel(update);
      },
      takeMonitorEvents: () => {
        const events = watch.takeMonitorEvents();
        for (const event of events) {
          if (event.kind === "completed") this.#complete(event.channelId, event.updateId);
        }
        return events;
      },
      outputsStored: (channelId, outPoints) => watch.outputsStored?.(channelId, outPoints),
    };
  }

  /** For a proxy in front of the manager. */
  inspecting<T extends object>(): ProxyHandler<T> {
    return {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args);
          if (key === "takeMessageSendEvents") this.#look(result as readonly MessageSendEvent[]);
          return result;
        };
      },
    };
  }

  #give(update: ChannelMonitorUpdate): void {
    const { channelId, updateId, after } = update;
    for (const ref of after) {
      const completed = this.#completed.get(ref.channelId) ?? 0;
      assert.ok(completed >= ref.updateId, `update ${updateId} was given before what it is to follow`);
    }
    const given = this.#given.get(channelId) ?? new Map<number, ChannelMonitorUpdate>();
    this.#given.set(channelId, given.set(updateId, update));
  }

  #complete(channelId: ChannelId, updateId: number): void {
    this.#completed.set(channelId, Math.max(updateId, this.#completed.get(channelId) ?? 0));
    for (const [id, { steps }] of this.#given.get(channelId) ?? []) {
      if (id > updateId) continue;
      const known = this.#knownOf(channelId);
      for (const step of steps) {
        if (step.kind === "counterparty-commitment") known.counterparty.add(step.number);
        else if (step.kind === "holder-commitment") known.holder.add(step.number);
        else if (step.kind === "payment-preimage") known.preimages.add(step.paymentHash);
      }
    }
  }

  #knownOf(channelId: ChannelId): Known {
    let known = this.#known.get(channelId);
    if (known === undefined) {
      known = { counterparty: new Set(), holder: new Set(), preimages: new Set() };
      this.#known.set(channelId, known);
    }
    return known;
  }

  #look(events: readonly MessageSendEvent[]): void {
    for (const event of events) {
      if (event.kind === "send-message" && event.message.type !== "unknown") this.#lookAt(event.message);
    }
  }

  /** Commitments are counted: both sides' first ones, of number 0, are in the monitor's setup. */
  #lookAt(message: LightningMessage): void {
    switch (message.type) {
      case "funding_signed":
      case "channel_ready":
        assert.ok(
          this.#knownOf(message.channelId).holder.has(0),
          `${message.type} before the monitor's setup`,
        );
        break;
      case "commitment_signed": {
        const signed = this.#distinct(message.channelId, "signed", message.signature);
        const { size } = this.#knownOf(message.channelId).counterparty;
        assert.ok(signed < size, `${signed} commitments signed, the monitor knows ${size - 1}`);
        break;
      }
      case "revoke_and_ack": {
        const revoked = this.#distinct(message.channelId, "revoked", message.perCommitmentSecret);
        const { size } = this.#knownOf(message.channelId).holder;
        assert.ok(revoked < size, `${revoked} commitments revoked, the monitor knows ${size - 1} new ones`);
        break;
      }
      case "update_fulfill_htlc": {
        const hash = toHex(crypto().sha256(message.paymentPreimage));
        assert.ok(
          this.#knownOf(message.channelId).preimages.has(hash),
          "a preimage before the monitor has it",
        );
        break;
      }
      default:
        return;
    }
    this.checked++;
  }

  /** How many different values of this kind were sent, this one included. */
  #distinct(channelId: ChannelId, kind: string, value: Uint8Array): number {
    const key = `${channelId} ${kind}`;
    const sent = this.#sent.get(key) ?? new Set<string>();
    this.#sent.set(key, sent.add(toHex(value)));
    return sent.size;
  }
}

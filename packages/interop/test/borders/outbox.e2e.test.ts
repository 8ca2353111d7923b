import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { KVStore } from "@fulmen/lightning/chain";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStatus,
  MonitorEvent,
  Watch,
} from "@fulmen/lightning/onchain";
import type { ChannelId } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { noTap } from "./borderNode.ts";
import { pay, testOutboxCrashes, threeNodes } from "./outboxCrashes.ts";

installNodeCrypto();

/** A copy of all that is in a store. */
async function copyOf(store: KVStore): Promise<KVStore> {
  const copy = new MemoryStore();
  await copy.commit(await store.scan("", undefined, 100_000));
  return copy;
}

/** A `Watch` that says what it is told to say. */
class ScriptedWatch implements Watch {
  readonly durability = "elsewhere";
  readonly given: ChannelMonitorUpdate[] = [];
  events: MonitorEvent[] = [];
  readonly #answer: ChannelMonitorUpdateStatus;
  readonly #latest: (channelId: ChannelId) => number | undefined;

  constructor(answer: ChannelMonitorUpdateStatus, latest: (channelId: ChannelId) => number | undefined) {
    this.#answer = answer;
    this.#latest = latest;
  }

  watchChannel(): ChannelMonitorUpdateStatus {
    return this.#answer;
  }

  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus {
    this.given.push(update);
    const closes = update.steps.every(({ kind }) => kind === "channel-force-closed");
    return closes ? "completed" : this.#answer;
  }

  latestUpdateId(channelId: ChannelId): number | undefined {
    return this.#latest(channelId);
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
}

function refusalOf(kind: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && (error.cause as { readonly kind?: string }).kind === kind;
}

describe("on start", () => {
  const format = "anchors-zero-fee-htlc";

  it("a store that is older than the monitors is refused", async () => {
    const { net, kept } = await threeNodes(format, 3);
    const old = await copyOf(net.node(1).options.store);
    await pay({ net, kept }, []);
    await assert.rejects(async () => kept[1]?.restart(old), refusalOf("monitor-ahead"));
    assert.deepEqual(net.chain.mempool, []);
  });

  it("monitors that are older than the store are refused", async () => {
    const { net, kept } = await threeNodes(format, 3);
    const [, node] = kept;
    assert.ok(node !== undefined);
    const old = await copyOf(node.keeperStore);
    await pay({ net, kept }, []);
    const present = node.keeperStore;
    await node.restartKeeper(old);
    await assert.rejects(node.restart(), refusalOf("monitor-behind"));
    await node.restartKeeper(new MemoryStore());
    await assert.rejects(node.restart(), refusalOf("monitor-behind"));
    await node.restartKeeper(present);
    await node.restart();
    await net.settle();
    assert.deepEqual(net.chain.mempool, []);
    assert.ok(net.channelOf(0, 1) !== undefined);
  });

  it("an update that the watch had refused is refused again, and closes the channel instead of being sent", async () => {
    const { net, kept } = await threeNodes(format, 3);
    net.others.length = 0;
    net.pay(0, 2, 50_000n);
    await net.settle();
    const [before] = net.node(0).manager.listChannels();
    assert.ok(before !== undefined);
    // A locked monitor has used up the id of what it refused.
    const latest = (kept[0]?.latest(before.channelId) ?? 0) + 1;
    const locked = new ScriptedWatch("refused", () => latest);
    await net.restart(0, { watch: locked, tap: noTap });
    await net.settle();
    const last = locked.given.at(-1);
    assert.equal(last?.updateId, latest + 1, "the monitor is told that the channel closes");
    const closed = net.node(0).events.find((event) => event.kind === "channel-closed");
    assert.ok(closed?.kind === "channel-closed" && closed.reason.kind === "processing-error");
    assert.match(closed.reason.error, /monitor has locked itself/);
    assert.equal(
      net
        .node(1)
        .manager.listChannels()
        .find(({ channelId }) => channelId === before.channelId)?.pendingHtlcs,
      0,
    );
  });

  it("stored events wait for what the watch may not have", async () => {
    const { net, kept } = await threeNodes(format, 3);
    const hash = net.pay(0, 2, 50_000n);
    const claimable = (): boolean => net.node(2).events.some(({ kind }) => kind === "payment-claimable");
    await net.until("payment to claim", claimable);
    net.others.length = 0;
    await net.settle();
    assert.equal(net.told(2, "payment-claimed", hash), 0);
    const [channel] = net.node(2).manager.listChannels();
    assert.ok(channel !== undefined);
    const { channelId } = channel;
    const watch = new ScriptedWatch("in-progress", (id) => kept[2]?.latest(id));
    await net.restart(2, { watch, tap: noTap });
    await net.settle();
    assert.equal(net.told(2, "payment-claimed", hash), 0);
    const updateId = watch.given.at(-1)?.updateId ?? 0;
    watch.events = [{ kind: "completed", channelId, updateId }];
    await net.settle();
    assert.equal(net.told(2, "payment-claimed", hash), 1);
  });
});

describe("monitors that are kept elsewhere", () => {
  testOutboxCrashes("anchors-zero-fee-htlc");
});

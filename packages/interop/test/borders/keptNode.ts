import type { KVStore } from "@fulmen/lightning/chain";
import type { ChannelId } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { ChainBroadcaster } from "@fulmen/testkit";
import type { Dice } from "@fulmen/testkit/network";
import { type BorderNetwork, Crash } from "./borderNetwork.ts";
import type { Tap } from "./borderNode.ts";
import { MonitorKeeper } from "./monitorKeeper.ts";
import { type FromKeeper, RemoteWatch, type ToKeeper } from "./remoteWatch.ts";
import { SendCheck } from "./sendCheck.ts";

/**
 * A node whose monitors have a store and a chain of their own, and are reached by queues: what is said takes its time,
 * answers come in an order drawn at random, and both sides can die, each for itself.
 */
export class KeptNode {
  readonly check = new SendCheck();
  /** Called at the commits of the manager's store, and of the keeper's; may throw `Crash`. */
  onPoint: () => void = () => {};
  onKeeperPoint: () => void = () => {};
  index = -1;
  readonly #net: BorderNetwork;
  readonly #dice: Dice;
  #keeperStore: KVStore = new MemoryStore();
  readonly #broadcaster: ChainBroadcaster;
  #watch = new RemoteWatch();
  #keeper: MonitorKeeper | undefined;
  #toKeeper: ToKeeper[] = [];
  #fromKeeper: FromKeeper[] = [];
  #seed = 0;

  get keeperStore(): KVStore {
    return this.#keeperStore;
  }

  static async add(net: BorderNetwork, dice: Dice): Promise<KeptNode> {
    const node = new KeptNode(net, dice);
    await node.#begin();
    return node;
  }

  private constructor(net: BorderNetwork, dice: Dice) {
    this.#net = net;
    this.#dice = dice;
    this.#broadcaster = new ChainBroadcaster(net.chain);
  }

  async #begin(): Promise<void> {
    const net = this.#net;
    this.#seed = net.nodes.length + 1;
    await this.#startKeeper();
    this.index = await net.add({
      store: new MemoryStore(),
      watch: this.check.watch(this.#watch),
      tap: this.#tap,
      onPoint: () => this.onPoint(),
    });
    net.others.push(() => this.#turn());
  }

  /** The last update that the keeper is known to have. */
  latest(channelId: ChannelId): number | undefined {
    return this.#watch.latestUpdateId(channelId);
  }

  /** The manager dies, and comes back from its store, or from `store`; what was on its way is lost. */
  async restart(store?: KVStore): Promise<void> {
    this.#watch = new RemoteWatch();
    await this.#meet();
    const watch = this.check.watch(this.#watch);
    await this.#net.restart(this.index, { watch, ...(store && { store }) });
  }

  /** The keeper dies, and comes back from its store, or from `store`; what was on its way is lost. */
  async restartKeeper(store?: KVStore): Promise<void> {
    this.#watch.lost();
    this.#keeperStore = store ?? this.#keeperStore;
    await this.#startKeeper();
  }

  readonly #tap: Tap = (edge, target) => {
    if (edge !== "PeerManager > ChannelMessageHandler") return target;
    return new Proxy(target, this.check.inspecting());
  };

  async #startKeeper(): Promise<void> {
    this.#keeper = await MonitorKeeper.start({
      seed: this.#seed,
      store: this.#keeperStore,
      broadcaster: this.#broadcaster,
      reply: (message) => void this.#fromKeeper.push(message),
      tip: this.#net.chain.locator(),
      onCommit: () => this.onKeeperPoint(),
    });
    await this.#catchUp(this.#keeper);
    await this.#meet();
  }

  /** A manager and a keeper that have not spoken before. */
  async #meet(): Promise<void> {
    this.#toKeeper = [];
    this.#fromKeeper = [];
    this.#watch.connected((message) => void this.#toKeeper.push(message));
    await this.#keeper?.welcome();
    for (const message of this.#fromKeeper.splice(0)) this.#watch.receive(message);
  }

  async #catchUp(keeper: MonitorKeeper): Promise<boolean> {
    const { connected } = this.#net.chain.blocksSince(keeper.tip);
    for (const block of connected) await keeper.block(block);
    return connected.length > 0;
  }

  /** One thing that can happen on the way, or in the keeper. */
  async #turn(): Promise<boolean> {
    const keeper = this.#keeper;
    if (keeper === undefined) return false;
    try {
      if (await this.#catchUp(keeper)) return true;
      const acts: (() => Promise<void> | void)[] = [];
      const asked = this.#toKeeper[0];
      if (asked !== undefined) {
        acts.push(async () => {
          this.#toKeeper.shift();
          await keeper.receive(asked);
        });
      }
      if (keeper.waiting > 0) acts.push(() => keeper.answer((channels) => this.#dice.roll(channels)));
      const said = this.#fromKeeper[0];
      if (said !== undefined) {
        acts.push(() => {
          this.#fromKeeper.shift();
          this.#watch.receive(said);
        });
      }
      await acts[this.#dice.roll(Math.max(1, acts.length))]?.();
      return acts.length > 0;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await this.restartKeeper();
      return true;
    }
  }
}

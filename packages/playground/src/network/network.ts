import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { toHex } from "@fulmen/bitcoin/primitives";
import { taggedHash } from "@fulmen/bitcoin/sighash";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import type { Sat } from "@fulmen/lightning/util";
import type { ChainProcess } from "../chain/chainProcess.ts";
import { type ChannelView, type Ledger, ledgerOf } from "../ledger.ts";
import { Child } from "../rpc/child.ts";
import { PlaygroundNode } from "./playgroundNode.ts";

/** Until when something must have happened, in milliseconds. */
const patience = 20_000;
/** Between two looks. */
const lookInterval = 15;

export interface NetworkOptions {
  /** A process ended that should not have. */
  readonly onDeath: (text: string) => void;
  /** A line of a node's log. */
  readonly onLog: (name: string, level: string, text: string) => void;
  /** By name, 32 bytes in hex: nodes with the same are paid as one. */
  readonly crossNodeSeeds?: Readonly<Record<string, string>>;
  /** By name, a PostgreSQL database for a node's store, in place of SQLite; nodes may share one. */
  readonly databases?: Readonly<Record<string, string>>;
}

/** A chain and some nodes, each a process of its own; all of it is gone at the end. */
export class Network {
  readonly nodes: readonly PlaygroundNode[];
  readonly folder: string;
  readonly chain: Child<ChainProcess>;
  readonly #options: NetworkOptions;
  readonly #copies: PlaygroundNode[] = [];
  readonly #channels = new Map<string, ChannelView>();

  /** Nothing runs but the chain's process, until `PlaygroundNode.start`. */
  constructor(names: readonly string[], options: NetworkOptions) {
    const { onDeath } = options;
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "fulmen-playground-"));
    this.chain = new Child<ChainProcess>({
      name: "the chain's process",
      module: new URL("../chain/chainProcess.ts", import.meta.url),
      args: [this.folder],
      onNotice: () => undefined,
      onDeath,
    });
    this.nodes = names.map((name) => this.#node(name));
  }

  /** Nodes that run. */
  get running(): readonly PlaygroundNode[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  /** Gives a node coins of its own, from nowhere. They confirm with the next block. */
  async mint(node: PlaygroundNode, amount: Sat): Promise<void> {
    await this.chain.call("fund", await node.call("address"), amount);
  }

  /** Mines blocks and waits until all nodes know of them; gives the new height. */
  async mine(blocks: number): Promise<number> {
    const height = await this.chain.call("mine", blocks);
    for (const node of this.running) {
      await this.until(`${node.name} has seen block ${height}`, async () => {
        const status = await node.call("status");
        return status.height >= height;
      });
    }
    return height;
  }

  /** Waits until the mempool has so many transactions that were not there before. */
  async untilBroadcast(count: number, before: readonly string[]): Promise<void> {
    await this.until(`${count} transactions are broadcast`, async () => {
      const mempool = await this.chain.call("mempool");
      return mempool.filter((txid) => !before.includes(txid)).length >= count;
    });
  }

  /** The name of a node of this network. */
  nameOf(nodeId: string): string {
    return this.nodes.find((node) => node.nodeId === nodeId)?.name ?? nodeId;
  }

  /** The channel as one of its nodes sees it. */
  async channel(node: PlaygroundNode, channelId: string): Promise<ChannelDetails | undefined> {
    const channels = await node.call("channels");
    return channels.find((channel) => channel.channelId === channelId);
  }

  /** Waits; when nothing comes of it, says for what. */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + patience;
    while (!(await condition())) {
      if (performance.now() > end) throw new Error(`waited ${patience / 1000} s in vain until ${what}`);
      await setTimeout(lookInterval);
    }
  }

  /** Where every satoshi is, by the chain's account and by the nodes' own; a dead node's is the last one it gave. */
  async ledger(): Promise<Ledger> {
    const owners: { name: string; scripts: readonly Uint8Array[] }[] = [];
    for (const node of this.nodes) {
      owners.push({ name: node.name, scripts: await node.scripts() });
      if (node.isRunning) for (const channel of await node.call("channels")) this.#note(node.name, channel);
    }
    const accounts = await this.chain.call("accounts");
    return ledgerOf({ accounts, owners, channels: [...this.#channels.values()] });
  }

  /** Another process with a node's keys, and with a copy of the store of a node that is not running now. */
  copyOf(node: PlaygroundNode): PlaygroundNode {
    const folder = join(this.folder, `${node.name}-copy`);
    cpSync(join(this.folder, node.name), folder, { recursive: true });
    const copy = this.#node(`${node.name}'s copy`, { keysOf: node.name, folder });
    this.#copies.push(copy);
    return copy;
  }

  #node(
    name: string,
    {
      keysOf = name,
      folder = join(this.folder, name),
    }: { readonly keysOf?: string; readonly folder?: string } = {},
  ): PlaygroundNode {
    const { onDeath, onLog, crossNodeSeeds, databases } = this.#options;
    return new PlaygroundNode({
      name,
      folder,
      onDeath,
      seed: toHex(taggedHash("fulmen/playground/seed", new TextEncoder().encode(keysOf))),
      crossNodeSeed: crossNodeSeeds?.[keysOf],
      database: databases?.[keysOf],
      chainPort: () => this.chain.call("port"),
      onLog: (level, text) => onLog(name, level, text),
    });
  }

  /** Ends all processes in order and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all([...this.running, ...this.#copies].map((node) => node.stop()));
    await this.chain.stop();
    this.#removeFolder();
  }

  /** For the last moment of this process: nothing is waited for. */
  abandon(): void {
    for (const node of [...this.nodes, ...this.#copies]) node.abandon();
    this.chain.abandon();
    this.#removeFolder();
  }

  #removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #note(owner: string, channel: ChannelDetails): void {
    const { channelId, funding, capacity, isOutbound, localBalance, remoteBalance } = channel;
    this.#channels.set(`${owner} ${channelId}`, {
      owner,
      channelId,
      funding,
      capacity,
      isOpener: isOutbound,
      local: localBalance,
      remote: remoteBalance,
    });
  }
}

import { join } from "node:path";
import type { KVStore } from "@fulmen/lightning/chain";
import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";
import type { Event, Logger } from "@fulmen/lightning/handlers";
import { fromHex, msat, type NodeId } from "@fulmen/lightning/util";
import { Node, type NodeParts, type StorageOption } from "@fulmen/node";
import { chainCredentials } from "../chain/chainService.ts";
import type { NodeSettings } from "./protocol.ts";

const host = "127.0.0.1";
/** Milliseconds between two looks at whether the node failed. */
const look = 50;

/** LDK's defaults, but channels are announced, one payment may fill them, and forwarding costs 1 sat. */
const config: Partial<UserConfig> = {
  channelHandshakeConfig: {
    ...defaultUserConfig.channelHandshakeConfig,
    announceForForwarding: true,
    announcedMaxInboundHtlcValueInFlightPercent: 100,
  },
  channelConfig: { ...defaultUserConfig.channelConfig, forwardingFeeBase: msat(1_000) },
};

/** Who hears of the node. */
export interface NodeObserver extends Logger {
  /** `index` rises; the same event may come again after a restart. */
  event(index: number, event: Event): void;
  /** The node cannot go on. */
  failed(text: string): void;
}

/** A running node. */
export interface NodeHost {
  readonly node: Node;
  readonly parts: NodeParts;
  readonly folder: string;
  readonly port: number;
  readonly restoredChannels: number;
  stop(): Promise<void>;
}

/** Starts a node from its store, or a new one: restored, at the chain's tip, and only then reachable. */
export async function startNode(
  settings: NodeSettings,
  observer: NodeObserver,
  store?: KVStore,
): Promise<NodeHost> {
  const { name, seed, crossNodeSeed, chainPort, port } = settings;
  const node = new Node({
    network: "regtest",
    seed: fromHex(seed),
    ...(crossNodeSeed !== undefined && { crossNodeSeed: fromHex(crossNodeSeed) }),
    storage: store ?? (await storageOf(settings)),
    ...(store === undefined && { backupFiles: [join(settings.folder, "channels.backup")] }),
    chain: { bitcoind: { url: `http://${host}:${chainPort}`, ...chainCredentials } },
    listen: { host, port },
    alias: name,
    config,
    logger: observer,
    development: {
      forwardAtOnce: true,
      reconnectDelay: 50,
      pollInterval: 500,
      onEvent: (event, index) => observer.event(index, event),
    },
  });
  await node.start();
  const { parts } = node;
  const restoredChannels = parts.manager.listChannels().length;
  for (const peer of settings.peers)
    parts.reconnector.add({ nodeId: peer.nodeId as NodeId, host, port: peer.port });
  const timer = setInterval(() => {
    const { phase, failure = "the node failed" } = node.status();
    if (phase === "failed") observer.failed(failure);
  }, look);
  return {
    node,
    parts,
    folder: settings.folder,
    port: Number(node.status().listening?.split(":").at(-1)),
    restoredChannels,
    stop() {
      clearInterval(timer);
      return node.stop();
    },
  };
}

/** The store that the settings name. After a crash, that of a database waits for the end of the lease. */
async function storageOf({ name, folder, database }: NodeSettings): Promise<StorageOption> {
  if (database === undefined) return { sqlite: join(folder, "node.sqlite") };
  const { openPostgresStore } = await import("@fulmen/persist/postgres");
  return openPostgresStore({ connection: database, node: name });
}

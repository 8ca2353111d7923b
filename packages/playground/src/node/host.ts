import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  BackgroundProcessor,
  BumpTransactionHandler,
  fencedBroadcaster,
  loadNetworkGraph,
  loadScores,
  type NodeStatus,
  readStoredRecords,
  risingMilliseconds,
} from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import type { BroadcasterInterface, FeeEstimator, KVStore, LeasedStore } from "@fulmen/lightning/chain";
import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";
import { type NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type { Event, Logger } from "@fulmen/lightning/handlers";
import { ChainMonitor, type ChannelManager, OutputSweeper, restoreManager } from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import { ProbabilisticScorer } from "@fulmen/lightning/routing";
import { KeysManager, PhantomKeysManager } from "@fulmen/lightning/sign";
import {
  openNodeRecord,
  readChainPosition,
  readSweeper,
  restoreMonitors,
  type StorageError,
} from "@fulmen/lightning/storage";
import {
  feeratePerKw,
  fromHex,
  msat,
  type NodeId,
  type Result,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Reconnector, TcpTransport } from "@fulmen/net";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import type { Wallet } from "@fulmen/wallet";
import type { ChainService } from "../chain/chainService.ts";
import type { Caller } from "../rpc/call.ts";
import { ChainFollower, GraphListener, RemoteBroadcaster, RemoteUtxoLookup } from "./chainFollower.ts";
import { ExplainedRouter } from "./explainedRouter.ts";
import type { NodeSettings } from "./protocol.ts";
import { openWallet } from "./wallet.ts";

const network = networks.regtest;
const host = "127.0.0.1";

/** LDK's defaults, but channels are announced, one payment may fill them, and forwarding costs 1 sat. */
const config: UserConfig = {
  ...defaultUserConfig,
  channelHandshakeConfig: {
    ...defaultUserConfig.channelHandshakeConfig,
    announceForForwarding: true,
    announcedMaxInboundHtlcValueInFlightPercent: 100,
  },
  channelConfig: { ...defaultUserConfig.channelConfig, forwardingFeeBase: msat(1_000) },
};

/** Regtest has no market for block space; what is urgent pays more all the same, so that it can be seen. */
const feeEstimator: FeeEstimator = {
  feerate(target) {
    if (target === "maximum-fee-estimate") return feeratePerKw(2_500);
    return feeratePerKw(target === "urgent-on-chain-sweep" ? 1_500 : 500);
  },
};

/** Who hears of the node. */
export interface NodeObserver extends Logger {
  /** `index` rises; the same event may come again after a restart. */
  event(index: number, event: Event): Promise<void>;
  status(status: NodeStatus): void;
}

/** A running node: its manager, its peers, and what keeps them going. */
export interface NodeHost extends Logger, StoredParts {
  readonly keys: KeysManager;
  readonly peerManager: PeerManager;
  readonly graph: NetworkGraph;
  readonly router: ExplainedRouter;
  readonly reconnector: Reconnector;
  readonly background: BackgroundProcessor;
  readonly port: number;
  readonly restoredChannels: number;
  stop(): Promise<void>;
}

/**
 * Starts a node from its store, or a new one: restored, at the chain's tip, and only then reachable. One whose store has a
 * lease acts only while it holds it.
 */
export async function startNode(
  settings: NodeSettings,
  connectChain: (port: number) => Caller<ChainService>,
  observer: NodeObserver,
  openStore: (settings: NodeSettings) => Promise<KVStore | LeasedStore> = openStoreOf,
): Promise<NodeHost> {
  const chain = connectChain(settings.chainPort);
  const logger: Logger = observer;
  const now = Math.floor(Date.now() / 1_000) as UnixSeconds;
  const keys = keysOf(settings);
  const entropy = { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const store = await openStore(settings);
  const { broadcaster, mayWrite } = outlets(store, new RemoteBroadcaster(chain, logger), logger);
  const known = await networkKnowledge(store, logger);
  const { graph, scorer } = known;
  const environment = {
    network,
    config,
    nodeSigner: keys,
    signerProvider: keys,
    entropy,
    feeEstimator,
    broadcaster,
    router: known.router,
    logger,
    clock: risingMilliseconds,
  };
  const start = { tip: await chain.call("tip"), now };
  const parts = await restored(store, { ...environment, seed: fromHex(settings.seed) }, start);
  const { manager, chainMonitor, wallet, sweeper } = parts;
  const restoredChannels = manager.listChannels().length;

  const utxoLookup: RemoteUtxoLookup = new RemoteUtxoLookup(chain, (id, answer) => {
    gossip.utxoResolved(id, answer);
    background.wake();
  });
  const gossip = new P2PGossipSync({ graph, now, utxoLookup });
  const listeners = [new GraphListener(graph, chain), wallet, sweeper, chainMonitor, manager];
  const follower = new ChainFollower(chain, listeners, () => manager.bestBlock);
  await follower.catchUp();

  const peerManager = new PeerManager({
    nodeSigner: keys,
    handlers: { channel: manager, routing: gossip },
    chainHash: network.genesisHash,
    logger,
  });
  const bumping = { coins: wallet, signerProvider: keys, broadcaster, logger };
  const bumpTransactionHandler = new BumpTransactionHandler(bumping);
  const background = new BackgroundProcessor({
    manager,
    peerManager,
    chainMonitor,
    bumpTransactionHandler,
    wallet,
    sweeper,
    store,
    networkGraph: graph,
    scorer,
    handleEvent: (event, index) => observer.event(index, event),
    logger,
    flush: () => transport.flush(),
    pollChain: () => follower.catchUp(),
    pollInterval: 50,
    forwardDelay: "none",
    onStatus: (status) => observer.status(status),
  });
  const transport = new TcpTransport({ peers: background.peers, logger, mayWrite });
  const reconnector = new Reconnector({
    connect: (address) => transport.connect(address),
    isConnected: (nodeId) => peerManager.peer(nodeId) !== undefined,
    minDelay: 50,
    maxDelay: 500,
  });
  background.start();
  const { port } = await transport.listen({ host, port: settings.port });
  for (const peer of settings.peers) {
    reconnector.add({ nodeId: peer.nodeId as NodeId, host, port: peer.port });
  }
  return {
    ...parts,
    ...known,
    keys,
    peerManager,
    reconnector,
    background,
    port,
    restoredChannels,
    log: (record) => observer.log(record),
    async stop() {
      reconnector.stop();
      await background.stop();
      await transport.close();
      await store.close();
    },
  };
}

/** The store that the settings name. After a crash, that of a database waits for the end of the lease. */
async function openStoreOf({ name, folder, database }: NodeSettings): Promise<KVStore | LeasedStore> {
  if (database === undefined) return openSqliteStore(join(folder, "node.sqlite"));
  const { openPostgresStore } = await import("@fulmen/persist/postgres");
  return openPostgresStore({ connection: database, node: name });
}

/** How the node may speak to the chain and to peers: where its store has a lease, only while that is held. */
function outlets(store: KVStore | LeasedStore, broadcaster: BroadcasterInterface, logger: Logger) {
  if (!("holdsLease" in store)) return { broadcaster, mayWrite: () => true };
  return {
    broadcaster: fencedBroadcaster(broadcaster, { lease: store, logger }),
    mayWrite: () => store.holdsLease(),
  };
}

/** What the node knew of the network when it stopped. */
async function networkKnowledge(store: KVStore, logger: Logger) {
  const hashSeed = randomBytes(4).readUInt32LE();
  const graph = await loadNetworkGraph(store, { chainHash: network.genesisHash, hashSeed }, logger);
  const scores = await loadScores(store, logger);
  const scorer = new ProbabilisticScorer({ graph, ...(scores && { scores }) });
  return { graph, scorer, router: new ExplainedRouter(graph, scorer) };
}

function keysOf({ crossNodeSeed, ...settings }: NodeSettings): KeysManager {
  const seed = fromHex(settings.seed);
  return crossNodeSeed === undefined
    ? new KeysManager(seed)
    : new PhantomKeysManager(seed, fromHex(crossNodeSeed));
}

type Environment = Omit<Parameters<typeof restoreManager>[0], "watch">;

/** What the store holds of a node. */
interface StoredParts {
  readonly manager: ChannelManager;
  readonly chainMonitor: ChainMonitor;
  readonly wallet: Wallet;
  readonly sweeper: OutputSweeper;
}

/** The node's parts as the store has them; new ones where it is empty. */
async function restored(
  store: KVStore,
  environment: Environment & { readonly signerProvider: KeysManager; readonly seed: Uint8Array },
  start: Parameters<typeof restoreManager>[2],
): Promise<StoredParts> {
  const records = await readStoredRecords(store);
  const { nodeSigner, signerProvider: keys, entropy, seed } = environment;
  const { nodeId } = nodeSigner;
  const check = { stored: records.node, storeIsEmpty: records.storeIsEmpty, nodeId, network };
  const first = orThrow(openNodeRecord(check));
  if (first.length > 0) await store.commit(first);
  const monitors = orThrow(restoreMonitors(records.monitors));
  const position = records.manager.chainPosition && orThrow(readChainPosition(records.manager.chainPosition));
  const bestHeight = (position ?? start.tip).height;
  const chainMonitor = new ChainMonitor(environment, { bestHeight, monitors });
  const manager = orThrow(restoreManager({ ...environment, watch: chainMonitor }, records.manager, start));
  const wallet = await openWallet(seed, store, { entropySource: entropy, height: start.tip.height });
  const sweeper = new OutputSweeper(
    { ...environment, outputSpender: keys, changeDestinationSource: wallet },
    { bestHeight, stored: orThrow(readSweeper(records.sweeper)) },
  );
  return { manager, chainMonitor, wallet, sweeper };
}

function orThrow<T>(result: Result<T, StorageError>): T {
  if (result.ok) return result.value;
  throw new Error(`the store cannot be used: ${result.error.key}: ${result.error.text}`);
}

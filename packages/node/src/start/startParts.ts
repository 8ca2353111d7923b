import { randomBytes } from "node:crypto";
import {
  BackgroundProcessor,
  BumpTransactionHandler,
  type NodeStatus,
  systemClock,
} from "@fulmen/background";
import { crypto, nobleProvider } from "@fulmen/bitcoin/crypto";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { BroadcastQueue, ChainUtxoLookup, FeeEstimates, type SyncProgress } from "@fulmen/chain-sync";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { VerifyPool } from "@fulmen/crypto-node/verifyPool";
import type {
  BlockLocator,
  BroadcasterInterface,
  KVStore,
  KvEntry,
  Lease,
  TransactionType,
} from "@fulmen/lightning/chain";
import { P2PGossipSync } from "@fulmen/lightning/gossip";
import { type Event, withPrintableText } from "@fulmen/lightning/handlers";
import { PeerStorage } from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import { peerStoragePrefix } from "@fulmen/lightning/storage";
import { blockHeight, feeratePerKw, type UnixSeconds } from "@fulmen/lightning/util";
import { Reconnector, TcpTransport } from "@fulmen/net";
import type { Wallet } from "@fulmen/wallet";
import type { NodeOptions } from "../api/options.ts";
import { ChainFollowing, chainClients, sourcesOf } from "../chain/index.ts";
import { networkOf, userConfig } from "../config/index.ts";
import type { NodeParts } from "../parts/index.ts";
import type { NodeKeys } from "../seed/index.ts";
import { dialOf } from "../tor/index.ts";
import { readBackupRow } from "./backupRow.ts";
import { openStore } from "./openStore.ts";
import { checkOwner, orThrow, restore } from "./restore.ts";
import { restoreBackup } from "./restoreBackup.ts";
import type { StartedParts } from "./stack.ts";
import { steadySeconds } from "./steadySeconds.ts";

const defaultMaxEvents = 100_000;
const rebroadcastInterval = 10 * 60_000;
const storageTick = 10_000;
/** Milliseconds that miners may be ahead. */
const blockTimeAhead = 2 * 3_600_000;
/** So many signatures of gossip are worth waking a thread for: some milliseconds of work. */
const signaturesForThread = 64;
/** Satoshis per 1,000 weight units in one per virtual byte. */
const perVbyte = 250;
/** More peers than that store nothing with us. */
const mostBlobs = 10_000;

/** What the node does about what its parts tell. */
export interface PartsObserver {
  readonly event: (event: Event, index: number) => Promise<void>;
  readonly status: (status: NodeStatus) => void;
  readonly chainChanged: () => void;
  /** Told how far a long sync has come. */
  readonly progress: (progress: SyncProgress) => void;
  /** Resolves when a funding may be broadcast: whoever loses the store right after it has the channel in a backup. */
  readonly beforeFunding: () => Promise<void>;
}

/** A node at the chain's tip that nobody can reach yet. */
interface Started {
  readonly parts: NodeParts;
  readonly following: ChainFollowing;
}

interface Starting {
  readonly observer: PartsObserver;
  readonly stack: StartedParts;
  /** Ends the start: it rejects soon. */
  readonly signal: AbortSignal;
}

/**
 * Starts the parts in their order: records, filter registrations, the chain up to its tip. What was started is on `stack`.
 * Peers come later, when what was due has been done.
 */
export async function startParts(
  options: NodeOptions,
  { keys, walletSeed }: NodeKeys,
  { observer, stack, signal }: Starting,
): Promise<Started> {
  // Another node of this process, or its program, may have chosen one.
  if (crypto() === nobleProvider) installNodeCrypto();
  const network = networkOf(options.network);
  const logger = withPrintableText(options.logger ?? { log: () => undefined });
  const store = await openStore(options.storage);
  stack.add(() => store.close());
  const found = await checkOwner({ store, keys, network });
  const { source, sources } = await sourcesOf(options, logger);
  stack.add(() => source.stop());
  // All that takes long waits for them.
  const end = (): void => void source.stop().catch(() => undefined);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  const { height } = await source.start();
  const config = userConfig(options);
  const { storeIsEmpty } = found.records;
  const isRestored = await restoreBackup(options, {
    store,
    keys,
    network,
    source,
    height,
    config,
    logger,
    storeIsEmpty,
  });
  const owned = isRestored ? await checkOwner({ store, keys, network }) : found;
  const tip = await source.locate(height);
  const birthday = options.birthday ?? (await readBackupRow(store))?.birthday;
  const maySend = leaseOf(store);
  const queue = new BroadcastQueue({ sources, logger, ...(maySend && { maySend }) });
  stack.add(() => queue.stop());
  const { maxFeerate } = options;
  const fees = new FeeEstimates({
    network: network.name,
    ...(maxFeerate !== undefined && { unhurriedMost: feeratePerKw(maxFeerate * perVbyte) }),
  });
  const broadcasts = new SeenBroadcasts(queue, observer.beforeFunding, options.development?.onBroadcast);
  const entropy = { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const chain: { following?: ChainFollowing } = {};
  const now = steadySeconds({ least: () => (chain.following?.blockTime ?? 0) * 1_000 - blockTimeAhead });
  const stored = await restore(
    {
      ...{ store, network, keys, walletSeed, logger, entropy, fees, now, tip, birthday },
      config,
      broadcaster: broadcasts,
      filter: source.filter,
      maxEvents: options.retention?.maxEvents ?? defaultMaxEvents,
    },
    owned,
  );
  broadcasts.wallet = stored.wallet;
  const base = {
    ...stored,
    options,
    network,
    keys,
    logger,
    entropy,
    now,
    source,
    sources,
    fees,
    broadcaster: broadcasts,
  };
  const walletStart = await walletStartOf(base, birthday);
  const following = new ChainFollowing(base, chainClients(base, walletStart), {
    progress: observer.progress,
    changed: () => {
      parts.background.wake();
      observer.chainChanged();
    },
  });
  chain.following = following;
  stack.add(() => following.stop());
  await following.catchUp();
  const blobs = await store.scan(peerStoragePrefix, undefined, mostBlobs);
  const parts: NodeParts = { ...base, ...reachableParts(base, { observer, stack, blobs }) };
  const timer = setInterval(() => rebroadcast(parts), rebroadcastInterval);
  stack.add(() => clearInterval(timer));
  rebroadcast(parts);
  return { parts, following };
}

/** A wallet that has not seen a block yet begins where the node did, however long that is ago, or earlier: at its birthday. */
async function walletStartOf(
  { wallet, manager, source }: Pick<NodeParts, "wallet" | "manager" | "source">,
  birthday: number | undefined,
): Promise<BlockLocator> {
  const { bestBlock } = manager;
  if (wallet.bestBlock !== undefined || birthday === undefined || birthday > bestBlock.height)
    return bestBlock;
  return source.locate(blockHeight(Math.max(birthday - 1, 0)));
}

type Base = Omit<
  NodeParts,
  "gossip" | "peerStorage" | "peerManager" | "background" | "transport" | "reconnector"
>;

function reachableParts(
  base: Base,
  {
    observer,
    stack,
    blobs,
  }: { readonly observer: PartsObserver; readonly stack: StartedParts; readonly blobs: readonly KvEntry[] },
) {
  const { options, network, keys, logger, manager, chainMonitor, wallet, sweeper, store, graph, scorer } =
    base;
  const { development = {}, gossip: gossipOption = "peer-to-peer" } = options;
  const lookup: ChainUtxoLookup = new ChainUtxoLookup({
    source: base.source,
    answered: (id, answer) => {
      gossip.utxoResolved(id, answer);
      background.wake();
    },
  });
  stack.add(() => lookup.stop());
  const gossip = new P2PGossipSync({
    ...{ graph, now: base.now() as UnixSeconds, utxoLookup: lookup },
    verification: "queued",
    // Who tries something out on a chain of his own does not want to wait.
    ...(network.name === "regtest" && { flushInterval: 0 }),
  });
  const signatureVerifier = new VerifyPool({ smallest: signaturesForThread });
  stack.add(() => signatureVerifier.close());
  const peerStorage = orThrow(
    PeerStorage.restore(
      { inner: manager, nodeId: keys.nodeId, network, key: keys.peerStorageKey() },
      { stored: blobs, height: manager.bestBlock.height, now: base.now() },
    ),
  );
  const timer = setInterval(() => peerStorage.tick(base.now(), manager.bestBlock.height), storageTick);
  stack.add(() => clearInterval(timer));
  const peerManager = new PeerManager({
    nodeSigner: keys,
    handlers: { channel: peerStorage, ...(gossipOption === "peer-to-peer" && { routing: gossip }) },
    chainHash: network.genesisHash,
    logger,
  });
  const bumping = { coins: wallet, signerProvider: keys, broadcaster: base.broadcaster, logger };
  const background = new BackgroundProcessor({
    ...{ manager, peerManager, chainMonitor, sweeper, store, gossip, signatureVerifier, scorer, logger },
    clock: { ...systemClock, now: base.now },
    wallet: {
      // Nothing rests on what peers keep with us: it goes with any batch.
      takeWrites: () => [...wallet.takeWrites(), ...peerStorage.takeWrites()],
    },
    networkGraph: graph,
    bumpTransactionHandler: new BumpTransactionHandler(bumping),
    handleEvent: observer.event,
    onStatus: (status) => {
      observer.status(status);
      // What was made while the store took nothing was not sent.
      if (status.kind === "running") rebroadcast(base);
    },
    flush: () => transport.flush(),
    ...(development.forwardAtOnce && { forwardDelay: "none" as const }),
  });
  const mayWrite = leaseOf(store);
  const connectVia = dialOf(options.tor);
  const transport = new TcpTransport({
    peers: background.peers,
    logger,
    ...(mayWrite && { mayWrite }),
    ...(connectVia && { connectVia }),
  });
  const minDelay = development.reconnectDelay;
  const reconnector = new Reconnector({
    connect: (address) => transport.connect(address),
    isConnected: (nodeId) => peerManager.peer(nodeId) !== undefined,
    ...(minDelay !== undefined && { minDelay, maxDelay: 10 * minDelay }),
  });
  return { gossip, peerStorage, peerManager, background, transport, reconnector };
}

/**
 * The node's broadcasts. The wallet hears of what its coins pay for, so that it knows when that cannot be confirmed. It
 * hears of each funding at once, so that it does not promise its coins again; the network when the channel is in the
 * backups. A funding that is forgotten in between is broadcast at the next start.
 */
class SeenBroadcasts implements BroadcasterInterface {
  wallet: Wallet | undefined;
  readonly #queue: BroadcasterInterface;
  readonly #beforeFunding: () => Promise<void>;
  readonly #told: ((transactions: readonly Transaction[]) => void) | undefined;

  constructor(
    queue: BroadcasterInterface,
    beforeFunding: () => Promise<void>,
    told: ((transactions: readonly Transaction[]) => void) | undefined,
  ) {
    this.#queue = queue;
    this.#beforeFunding = beforeFunding;
    this.#told = told;
  }

  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void {
    if (type !== "funding") {
      for (const parent of transactions.slice(0, -1)) this.wallet?.parentBroadcast(parent);
      this.#pass(transactions, type);
      return;
    }
    for (const one of transactions) this.wallet?.transactionSeen(one);
    void this.#beforeFunding().then(() => this.#pass(transactions, type));
  }

  #pass(transactions: readonly Transaction[], type: TransactionType): void {
    this.#told?.(transactions);
    this.#queue.broadcastTransactions(transactions, type);
  }
}

/** Whether this process may act, where several could be the node. */
function leaseOf(store: KVStore & Partial<Lease>): (() => boolean) | undefined {
  return store.holdsLease && (() => store.holdsLease?.() ?? true);
}

/** What the wallet sent and no block has yet: mempools forget. */
function rebroadcast({ wallet, broadcaster }: Pick<NodeParts, "wallet" | "broadcaster">): void {
  for (const transaction of wallet.pendingTransactions())
    broadcaster.broadcastTransactions([transaction], "sweep");
}

import type { Network } from "@fulmen/bitcoin/network";
import type { BlockLocator, BroadcasterInterface, FeeEstimator, Filter } from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type { Logger, MessageSendEvent } from "@fulmen/lightning/handlers";
import { ChainMonitor, type ChannelManager, OutputSweeper, restoreManager } from "@fulmen/lightning/manager";
import type { AnchorReserveSource } from "@fulmen/lightning/onchain";
import { PeerManager } from "@fulmen/lightning/peer";
import {
  batchSequenceKey,
  chainPositionKey,
  channelsPrefix,
  eventAckKey,
  eventPrefix,
  monitorsPrefix,
  nodeKey,
  openNodeRecord,
  outboxPrefix,
  paymentPrefix,
  readChainPosition,
  readSweeper,
  restoreMonitors,
  sweeperPrefix,
} from "@fulmen/lightning/storage";
import type { Result, UnixSeconds } from "@fulmen/lightning/util";
import type { TestWallet } from "../wallet/testWallet.ts";
import { Bumper, type SyncCoinSelectionSource } from "./bumper.ts";
import type { EnforcingKeys } from "./enforcingKeys.ts";
import { ExactRouter } from "./exactRouter.ts";
import { handingOver } from "./handingOver.ts";
import type { LateWatch } from "./lateWatch.ts";
import type { SeededEntropy } from "./seededEntropy.ts";
import type { SyncStore } from "./syncStore.ts";

/** What a restart makes anew. */
export interface Memory {
  readonly manager: ChannelManager;
  /** Absent when the monitors are elsewhere. */
  readonly chainMonitor: ChainMonitor | undefined;
  readonly sweeper: OutputSweeper;
  readonly peers: PeerManager;
  readonly graph: NetworkGraph;
  readonly gossip: P2PGossipSync;
  readonly handOver: (event: MessageSendEvent) => void;
  readonly bumper: Bumper;
}

/** What outlives a restart. */
export interface Lasting {
  readonly network: Network;
  readonly config: UserConfig;
  readonly store: SyncStore;
  readonly keys: EnforcingKeys;
  readonly entropy: SeededEntropy;
  readonly wallet: TestWallet;
  readonly coins: SyncCoinSelectionSource;
  readonly lateWatch: LateWatch | undefined;
  readonly anchorReserve: AnchorReserveSource | undefined;
  readonly filter: Filter | undefined;
  readonly logger: Logger;
  readonly feeEstimator: FeeEstimator;
  readonly broadcaster: BroadcasterInterface;
}

/** A node's memory from its store alone. Throws when the store is refused. */
export function memoryOf(
  lasting: Lasting,
  { tip, now }: { readonly tip: BlockLocator; readonly now: number },
): Memory {
  const { network, store, keys, lateWatch, logger, filter, feeEstimator, broadcaster } = lasting;
  const stored = store.readNow(nodeKey)?.value;
  unwrap(openNodeRecord({ stored, storeIsEmpty: false, nodeId: keys.nodeId, network }));
  const position = store.readNow(chainPositionKey);
  const bestHeight = position === undefined ? tip.height : unwrap(readChainPosition(position)).height;
  const chain = { broadcaster, feeEstimator, logger, ...(filter && { filter }) };
  const monitors = (): ChainMonitor =>
    new ChainMonitor(
      { ...chain, signerProvider: keys },
      { bestHeight, monitors: unwrap(restoreMonitors(store.entries(monitorsPrefix))) },
    );
  const watch = lateWatch ?? monitors();
  const sweeper = new OutputSweeper(
    {
      ...chain,
      outputSpender: keys.keys,
      changeDestinationSource: { changeDestinationScript: () => lasting.wallet.script },
      excludesStaticOutputs: true,
    },
    { bestHeight, stored: unwrap(readSweeper(store.entries(sweeperPrefix))) },
  );
  const chainHash = network.genesisHash;
  const graph = new NetworkGraph({ chainHash });
  const gossip = new P2PGossipSync({ graph, now: now as UnixSeconds, flushInterval: 0 });
  const manager = managerOf(lasting, { tip, now, watch, graph });
  const { channel, handOver } = handingOver(manager);
  const handlers = { channel, routing: gossip };
  const peers = new PeerManager({ nodeSigner: keys, handlers, chainHash, logger });
  const bumper = new Bumper({ wallet: lasting.coins, signerProvider: keys, logger });
  const chainMonitor = watch instanceof ChainMonitor ? watch : undefined;
  return { manager, chainMonitor, sweeper, peers, graph, gossip, handOver, bumper };
}

function managerOf(
  { network, config, store, keys, entropy, anchorReserve, filter, ...others }: Lasting,
  {
    tip,
    now,
    watch,
    graph,
  }: {
    readonly tip: BlockLocator;
    readonly now: number;
    readonly watch: ChainMonitor | LateWatch;
    readonly graph: NetworkGraph;
  },
): ChannelManager {
  const { feeEstimator, broadcaster, logger } = others;
  return unwrap(
    restoreManager(
      {
        network,
        config,
        nodeSigner: keys,
        signerProvider: keys,
        entropy,
        feeEstimator,
        broadcaster,
        watch,
        router: new ExactRouter(graph),
        logger,
        ...(filter && { filter }),
        ...(anchorReserve && { anchorReserve }),
      },
      {
        channels: store.entries(channelsPrefix),
        payments: store.entries(paymentPrefix),
        events: store.entries(eventPrefix),
        eventAck: store.readNow(eventAckKey),
        chainPosition: store.readNow(chainPositionKey),
        batchSequence: store.readNow(batchSequenceKey),
        outbox: store.entries(outboxPrefix),
      },
      { tip, now },
    ),
  );
}

/** The value; throws what an error says. */
export function unwrap<T>(result: Result<T, { readonly text: string }>): T {
  if (result.ok) return result.value;
  throw new Error(result.error.text);
}

import { fromHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import { ldkUserConfig } from "./ldkConfig.ts";
import type { LdkOptions, LdkSavedState } from "./ldkOptions.ts";
import { assertOk, okOf } from "./ldkValues.ts";

/** What the parts call back. None of these may throw: an exception that crosses WebAssembly corrupts LDK. */
export interface LdkCallbacks {
  readonly feeratePerKw: () => number;
  readonly broadcast: (tx: Uint8Array) => void;
  readonly log: (level: number, text: string) => void;
  readonly persistMonitor: (outPoint: ldk.OutPoint, monitor: Uint8Array) => void;
}

/** The parts of one LDK node, wired as LDK's architecture draws them. */
export interface LdkParts {
  readonly keys: ldk.KeysManager;
  readonly entropy: ldk.EntropySource;
  readonly config: ldk.UserConfig;
  readonly graph: ldk.NetworkGraph;
  readonly chainMonitor: ldk.ChainMonitor;
  readonly manager: ldk.ChannelManager;
  readonly peers: ldk.PeerManager;
  readonly onionMessenger: ldk.OnionMessenger;
  readonly broadcaster: ldk.BroadcasterInterface;
  readonly logger: ldk.Logger;
}

interface Borders {
  readonly fees: ldk.FeeEstimator;
  readonly broadcaster: ldk.BroadcasterInterface;
  readonly logger: ldk.Logger;
  readonly persister: ldk.Persist;
}

/** Builds a node, or reads it back from `options.load`; `now` in seconds since 1970. */
export function buildLdkParts(options: LdkOptions, callbacks: LdkCallbacks, now: number): LdkParts {
  const borders = ldkBorders(callbacks);
  const { logger } = borders;
  const chainMonitor = ldk.ChainMonitor.constructor_new(
    ldk.Option_FilterZ.constructor_none(),
    borders.broadcaster,
    logger,
    borders.fees,
    borders.persister,
  );
  const seed = fromHex(options.seed);
  // Channel keys follow from (seed, time, counter): a node that starts again must not repeat a pair.
  const keys = ldk.KeysManager.constructor_new(seed, BigInt(now), options.load === undefined ? 1 : 2);
  const graph = networkGraph(options, logger);
  const entropy = keys.as_EntropySource();
  const config = ldkUserConfig(options);
  const routers = ldkRouters(graph, logger, entropy);
  const manager =
    options.load === undefined
      ? freshManager({ borders, chainMonitor, keys, entropy, config, ...routers }, now)
      : loadedManager({ borders, chainMonitor, keys, entropy, config, ...routers }, options.load);
  const nobody = ldk.IgnoringMessageHandler.constructor_new();
  const onionMessenger = ldk.OnionMessenger.constructor_new(
    entropy,
    keys.as_NodeSigner(),
    logger,
    manager.as_NodeIdLookUp(),
    routers.messageRouter,
    manager.as_OffersMessageHandler(),
    nobody.as_AsyncPaymentsMessageHandler(),
    manager.as_DNSResolverMessageHandler(),
    nobody.as_CustomOnionMessageHandler(),
  );
  const gossip = ldk.P2PGossipSync.constructor_new(graph, ldk.Option_UtxoLookupZ.constructor_none(), logger);
  const peers = ldk.PeerManager.constructor_new(
    manager.as_ChannelMessageHandler(),
    gossip.as_RoutingMessageHandler(),
    onionMessenger.as_OnionMessageHandler(),
    nobody.as_CustomMessageHandler(),
    now,
    entropy.get_secure_random_bytes(),
    logger,
    keys.as_NodeSigner(),
  );
  const { broadcaster } = borders;
  return { keys, entropy, config, graph, chainMonitor, manager, peers, onionMessenger, broadcaster, logger };
}

function ldkBorders(callbacks: LdkCallbacks): Borders {
  const completed = ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
  return {
    fees: ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: () => callbacks.feeratePerKw() }),
    broadcaster: ldk.BroadcasterInterface.new_impl({
      broadcast_transactions: (txs) => {
        for (const tx of txs) callbacks.broadcast(tx);
      },
    }),
    logger: ldk.Logger.new_impl({
      log: (record) => callbacks.log(record.get_level(), `${record.get_module_path()}: ${record.get_args()}`),
    }),
    persister: ldk.Persist.new_impl({
      persist_new_channel: (outPoint, monitor) => {
        callbacks.persistMonitor(outPoint, monitor.write());
        return completed;
      },
      update_persisted_channel: (outPoint, _, monitor) => {
        callbacks.persistMonitor(outPoint, monitor.write());
        return completed;
      },
      archive_persisted_channel: () => {},
    }),
  };
}

function networkGraph(options: LdkOptions, logger: ldk.Logger): ldk.NetworkGraph {
  if (options.load === undefined) {
    return ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, logger);
  }
  const read = ldk.NetworkGraph.constructor_read(fromHex(options.load.graph), logger);
  return okOf(read, ldk.Result_NetworkGraphDecodeErrorZ_OK, "read the graph");
}

interface Routers {
  readonly router: ldk.Router;
  readonly messageRouter: ldk.MessageRouter;
}

function ldkRouters(graph: ldk.NetworkGraph, logger: ldk.Logger, entropy: ldk.EntropySource): Routers {
  const scorer = ldk.ProbabilisticScorer.constructor_new(
    ldk.ProbabilisticScoringDecayParameters.constructor_default(),
    graph,
    logger,
  );
  const router = ldk.DefaultRouter.constructor_new(
    graph,
    logger,
    entropy,
    ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score()).as_LockableScore(),
    ldk.ProbabilisticScoringFeeParameters.constructor_default(),
  );
  const messageRouter = ldk.DefaultMessageRouter.constructor_new(graph, entropy);
  return { router: router.as_Router(), messageRouter: messageRouter.as_MessageRouter() };
}

interface ManagerParts extends Routers {
  readonly borders: Borders;
  readonly chainMonitor: ldk.ChainMonitor;
  readonly keys: ldk.KeysManager;
  readonly entropy: ldk.EntropySource;
  readonly config: ldk.UserConfig;
}

function freshManager(parts: ManagerParts, now: number): ldk.ChannelManager {
  const { borders, chainMonitor, keys } = parts;
  const network = ldk.Network.LDKNetwork_Regtest;
  return ldk.ChannelManager.constructor_new(
    borders.fees,
    chainMonitor.as_Watch(),
    borders.broadcaster,
    parts.router,
    parts.messageRouter,
    borders.logger,
    parts.entropy,
    keys.as_NodeSigner(),
    keys.as_SignerProvider(),
    parts.config,
    ldk.ChainParameters.constructor_new(network, ldk.BestBlock.constructor_from_network(network)),
    now,
  );
}

function loadedManager(parts: ManagerParts, saved: LdkSavedState): ldk.ChannelManager {
  const { borders, chainMonitor, keys } = parts;
  const monitors = saved.monitors.map((bytes) =>
    okOf(
      ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelMonitorZ_read(
        fromHex(bytes),
        parts.entropy,
        keys.as_SignerProvider(),
      ),
      ldk.Result_C2Tuple_ThirtyTwoBytesChannelMonitorZDecodeErrorZ_OK,
      "read a monitor",
    ).get_b(),
  );
  const watch = chainMonitor.as_Watch();
  const manager = okOf(
    ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelManagerZ_read(
      fromHex(saved.manager),
      parts.entropy,
      keys.as_NodeSigner(),
      keys.as_SignerProvider(),
      borders.fees,
      watch,
      borders.broadcaster,
      parts.router,
      parts.messageRouter,
      borders.logger,
      parts.config,
      monitors,
    ),
    ldk.Result_C2Tuple_ThirtyTwoBytesChannelManagerZDecodeErrorZ_OK,
    "read the manager",
  ).get_b();
  for (const monitor of monitors) {
    const watched = watch.watch_channel(monitor.get_funding_txo().get_a(), monitor);
    assertOk(watched, ldk.Result_ChannelMonitorUpdateStatusNoneZ_OK, "watch_channel");
  }
  return manager;
}

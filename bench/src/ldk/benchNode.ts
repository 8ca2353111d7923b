import * as ldk from "lightningdevkit";
import { channelSats } from "../paymentsMeasurement.ts";

/** The parts of an LDK node that the benches touch. */
export interface LdkBenchNode {
  readonly manager: ldk.ChannelManager;
  readonly peers: ldk.PeerManager;
  readonly confirm: readonly ldk.Confirm[];
  /** Gives `handle` each event; to be called between LDK's own steps. */
  readonly takeEvents: (handle: (event: ldk.Event) => void) => number;
}

/**
 * A complete LDK node on regtest, as a program would build it, with the cheapest borders there are: nothing is
 * logged, stored or broadcast, and feerates are constant. `seedByte` fills the seed; `now` in seconds since 1970.
 */
export function buildBenchNode(seedByte: number, now: number): LdkBenchNode {
  const network = ldk.Network.LDKNetwork_Regtest;
  const completed = ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
  const fees = ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: () => 253 });
  const broadcaster = ldk.BroadcasterInterface.new_impl({ broadcast_transactions: () => {} });
  const logger = ldk.Logger.new_impl({ log: () => {} });
  const persister = ldk.Persist.new_impl({
    persist_new_channel: () => completed,
    update_persisted_channel: () => completed,
    archive_persisted_channel: () => {},
  });
  const chainMonitor = ldk.ChainMonitor.constructor_new(
    ldk.Option_FilterZ.constructor_none(),
    broadcaster,
    logger,
    fees,
    persister,
  );
  const keys = ldk.KeysManager.constructor_new(new Uint8Array(32).fill(seedByte), BigInt(now), 1);
  const entropy = keys.as_EntropySource();
  const graph = ldk.NetworkGraph.constructor_new(network, logger);
  const messageRouter = ldk.DefaultMessageRouter.constructor_new(graph, entropy).as_MessageRouter();
  const manager = ldk.ChannelManager.constructor_new(
    fees,
    chainMonitor.as_Watch(),
    broadcaster,
    router(graph, logger, entropy),
    messageRouter,
    logger,
    entropy,
    keys.as_NodeSigner(),
    keys.as_SignerProvider(),
    userConfig(),
    ldk.ChainParameters.constructor_new(network, ldk.BestBlock.constructor_from_network(network)),
    now,
  );
  const nobody = ldk.IgnoringMessageHandler.constructor_new();
  const gossip = ldk.P2PGossipSync.constructor_new(graph, ldk.Option_UtxoLookupZ.constructor_none(), logger);
  const peers = ldk.PeerManager.constructor_new(
    manager.as_ChannelMessageHandler(),
    gossip.as_RoutingMessageHandler(),
    nobody.as_OnionMessageHandler(),
    nobody.as_CustomMessageHandler(),
    now,
    entropy.get_secure_random_bytes(),
    logger,
    keys.as_NodeSigner(),
  );
  return {
    manager,
    peers,
    confirm: [chainMonitor.as_Confirm(), manager.as_Confirm()],
    takeEvents: eventPump([manager.as_EventsProvider(), chainMonitor.as_EventsProvider()]),
  };
}

function router(graph: ldk.NetworkGraph, logger: ldk.Logger, entropy: ldk.EntropySource): ldk.Router {
  const scorer = ldk.ProbabilisticScorer.constructor_new(
    ldk.ProbabilisticScoringDecayParameters.constructor_default(),
    graph,
    logger,
  );
  return ldk.DefaultRouter.constructor_new(
    graph,
    logger,
    entropy,
    ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score()).as_LockableScore(),
    ldk.ProbabilisticScoringFeeParameters.constructor_default(),
  ).as_Router();
}

function userConfig(): ldk.UserConfig {
  const handshake = ldk.ChannelHandshakeConfig.constructor_default();
  handshake.set_minimum_depth(1);
  handshake.set_negotiate_anchors_zero_fee_htlc_tx(true);
  handshake.set_max_inbound_htlc_value_in_flight_percent_of_channel(100);
  const limits = ldk.ChannelHandshakeLimits.constructor_default();
  limits.set_max_funding_satoshis(channelSats);
  const config = ldk.UserConfig.constructor_default();
  config.set_channel_handshake_config(handshake);
  config.set_channel_handshake_limits(limits);
  config.set_manually_accept_inbound_channels(true);
  return config;
}

function eventPump(providers: readonly ldk.EventsProvider[]): LdkBenchNode["takeEvents"] {
  const pending: ldk.Event[] = [];
  const handler = ldk.EventHandler.new_impl({
    handle_event: (event) => {
      pending.push(event);
      return ldk.Result_NoneReplayEventZ.constructor_ok();
    },
  });
  return (handle) => {
    for (const provider of providers) provider.process_pending_events(handler);
    const events = pending.splice(0);
    for (const event of events) handle(event);
    return events.length;
  };
}
